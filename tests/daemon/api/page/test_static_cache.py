"""What the page says may be kept is read once, compressed, and answered from memory; all else goes its way."""

import gzip

import httpx
import pytest
from starlette.responses import Response

from daemon.api.page.static_cache import StaticCache

STYLE = b"a { color: red }\n" * 100
KEPT = {"cache-control": "public, max-age=86400", "content-type": "text/css", "etag": '"1"'}


@pytest.fixture
def site():
    """A page that counts what it is asked, behind the cache; `site.reply` is what it answers."""

    class Site:
        asked = 0
        reply = Response(STYLE, headers=KEPT)

        async def app(self, scope, receive, send):
            self.asked += 1
            await self.reply(scope, receive, send)

        async def get(self, path="/page/style.css", **headers):
            async with httpx.AsyncClient(transport=self.transport, base_url="http://localhost") as client:
                return await client.get(path, headers={"accept-encoding": "gzip", **headers})

    made = Site()
    made.transport = httpx.ASGITransport(StaticCache(made.app))
    return made


async def test_a_style_is_read_once_and_comes_compressed_to_who_takes_that(site):
    first, again = await site.get(), await site.get()
    plain = await site.get(**{"accept-encoding": "identity"})

    assert (1, STYLE, STYLE, STYLE) == (site.asked, first.content, again.content, plain.content)
    assert ("gzip", None) == (again.headers["content-encoding"], plain.headers.get("content-encoding"))
    assert int(again.headers["content-length"]) == len(gzip.compress(STYLE, 6, mtime=0))
    assert "accept-encoding" == again.headers["vary"].lower()
    assert (None, '"1"') == (again.headers.get("etag"), plain.headers.get("etag"))
    assert KEPT["cache-control"] == again.headers["cache-control"]


async def test_other_addresses_and_parts_and_repeats_are_not_answered_from_it(site):
    await site.get()
    await site.get("/page/style.css?v=2")
    await site.get(range="bytes=0-3")
    await site.get(**{"if-none-match": '"1"'})

    assert 4 == site.asked


@pytest.mark.parametrize(
    "reply",
    [
        Response(STYLE, headers={"cache-control": "no-store"}),
        Response(STYLE, headers={**KEPT, "cache-control": "max-age=60"}),
        Response(STYLE, status_code=404, headers=KEPT),
        Response(STYLE, headers={**KEPT, "set-cookie": "a=b"}),
        Response(STYLE, headers={**KEPT, "content-encoding": "br"}),
    ],
    ids=["not kept", "not for long", "not there", "a cookie", "packed already"],
)
async def test_what_may_not_be_kept_is_asked_for_each_time(site, reply):
    site.reply = reply
    for _ in range(2):
        async with httpx.AsyncClient(transport=site.transport, base_url="http://localhost") as client:
            async with client.stream("GET", "/page/style.css") as answer:
                raw = b"".join([piece async for piece in answer.aiter_raw()])

    assert (2, STYLE) == (site.asked, raw)


async def test_what_does_not_get_smaller_stays_as_it_is(site):
    site.reply = Response(b"\x00\x01", headers={**KEPT, "content-type": "font/woff2"})
    found = await site.get()

    assert (b"\x00\x01", None) == (found.content, found.headers.get("content-encoding"))
