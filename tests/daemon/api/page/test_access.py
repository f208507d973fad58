"""Who gets the page: what links and cookies open and for how long, tried from outside; and what they do not."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.datastructures import Headers
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from daemon.api.page.access import COOKIE_S, LINK_S, Sessions
from tests.daemon.api.world import serving

UPLOAD = "/_nicegui/client/a/upload/1"


@asynccontextmanager
async def visited(tmp_path):
    """A daemon, and a browser without the key that came in through a link."""
    async with serving(tmp_path) as world, httpx.AsyncClient(base_url=world.url, trust_env=False) as browser:
        link = (await world.http.post("/tsubasa/links", json={})).json()["url"]
        welcome = await browser.get(link)
        yield world, browser, welcome


async def code(reply):
    """The code of a refusal."""
    return (await reply).json()["error"]["code"]


def cookies(browser):
    """What a browser would send of its cookies."""
    return "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)


async def test_a_link_gives_a_cookie_that_no_script_and_no_other_site_can_use(tmp_path):
    async with visited(tmp_path) as (world, browser, welcome):
        names, port = [one.name for one in browser.cookies.jar], urlsplit(world.url).port
    set_cookie = welcome.headers["set-cookie"].lower()

    assert 200 == welcome.status_code
    assert [f"tsubasa_{port}"] == names
    assert all(word in set_cookie for word in ("httponly", "samesite=strict", "max-age=2592000", "path=/"))
    assert "domain" not in set_cookie
    assert 'content="0; url=/"' in welcome.text


async def test_the_link_is_used_up_and_says_what_to_type(tmp_path):
    async with serving(tmp_path) as world:
        link = (await world.http.post("/tsubasa/links", json={"page": "/nights"})).json()["url"]
        ahead = await world.http.get(link, headers={"sec-purpose": "prefetch"})
        first = await world.http.get(link)
        world.http.cookies.clear()
        second = await world.http.get(link)

    assert [403, 200, 410] == [ahead.status_code, first.status_code, second.status_code]
    assert "url=/nights" in first.text
    assert "tsubasa open" in second.text
    assert "set-cookie" not in second.headers


async def test_a_used_link_lets_in_the_browser_that_is_signed_in_and_nobody_else(tmp_path):
    async with visited(tmp_path) as (world, browser, welcome):
        link = str(welcome.url)
        forged = {"cookie": cookies(browser) + "0"}
        again, forged = await browser.get(link), await world.http.get(link, headers=forged)

    assert (200, True) == (again.status_code, 'content="0; url=/"' in again.text)
    assert (410, False) == (forged.status_code, "url=/" in forged.text)
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    "other",
    ['theme={"dark": "yes"}', "no name", '"', "[x]=1", "=1", "é=1", 'a="b', "path=/", "", "tsubasa_4141=x.y"],
)
def test_a_cookie_of_another_program_of_this_machine_does_not_hide_ours(other):
    sessions = Sessions("key")
    ours = f"tsubasa_4141={sessions.new_cookie()}"
    sent = [
        Headers(raw=[(b"host", b"127.0.0.1:4141"), (b"cookie", cookie.encode())])
        for cookie in (f"{other}; {ours}", f"{ours}; {other}", other)
    ]

    assert [True, True, False] == [sessions.is_signed_in(headers) for headers in sent]


async def test_links_are_given_to_who_has_the_key_and_lead_to_the_page_only(tmp_path):
    pages = ("https://evil.com/", "//evil.com/", "/tsubasa/status", "nights", "", "//[", "/?private=1")
    async with (
        serving(tmp_path) as world,
        httpx.AsyncClient(base_url=world.url, trust_env=False) as nobody,
    ):
        stranger = await nobody.post("/tsubasa/links", json={})
        found = [await world.http.post("/tsubasa/links", json={"page": page}) for page in pages]

    assert 401 == stranger.status_code
    assert [400] * 6 + [200] == [reply.status_code for reply in found]


async def test_the_cookie_opens_nothing_but_the_page(tmp_path):
    async with visited(tmp_path) as (_, browser, _):
        reading = ("/tsubasa/status", "/tsubasa/memories", "/v1/models", "/tsubasa/export")
        found = [await browser.get(path) for path in reading]
        for path in ("/v1/chat/completions", "/tsubasa/links"):
            found.append(await browser.post(path, json={"messages": []}))

    assert [401] * 6 == [reply.status_code for reply in found]


async def test_who_is_not_signed_in_hears_what_to_type(tmp_path):
    async with serving(tmp_path) as world:  # the key does not open the page either
        paths = ("/", "/memories", "/nights", "/_nicegui/x", "/page/style.css")
        replies = [await world.http.get(path) for path in paths]

    for reply in replies:
        assert 401 == reply.status_code
        assert "tsubasa open" in reply.text
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert "script-src" not in reply.headers["content-security-policy"]  # and default-src is none


async def test_the_page_takes_files_from_itself_only(tmp_path):
    async with visited(tmp_path) as (world, browser, _):
        foreign = ({}, *({"origin": one} for one in ("http://127.0.0.1:1", "http://evil.com", "null")))
        refused = [await code(browser.post(UPLOAD, content=b"x", headers=headers)) for headers in foreign]
        elsewhere = await code(browser.post("/", content=b"x", headers={"origin": world.url}))
        deleted = await code(browser.delete("/memories"))

    assert ["origin_refused"] * 4 == refused
    assert ["method_not_allowed"] * 2 == [elsewhere, deleted]


async def test_a_file_larger_than_an_import_may_be_is_refused_unread(tmp_path):
    async with visited(tmp_path) as (world, browser, _):
        port = urlsplit(world.url).port
        headers = {"host": f"127.0.0.1:{port}", "origin": world.url, "cookie": cookies(browser)}
        found = [
            await status(port, f"POST {UPLOAD} HTTP/1.1", {**headers, **length})
            for length in (
                {"content-length": str(2**40)},
                {"transfer-encoding": "chunked"},
                {"content-length": "4", "transfer-encoding": "chunked"},
            )
        ]

    assert [413, 413, 413] == found


async def test_a_socket_is_for_our_page_in_a_signed_in_browser(tmp_path):
    async with visited(tmp_path) as (world, browser, _):
        port = urlsplit(world.url).port
        upgrade = {
            "host": f"127.0.0.1:{port}",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        signed_in = {"cookie": cookies(browser)}
        found = [
            await status(port, "GET /_nicegui_ws/socket.io/?EIO=4 HTTP/1.1", {**upgrade, **more})
            for more in (
                signed_in,  # and no Origin
                *({**signed_in, "origin": one} for one in ("http://127.0.0.1:1", "null")),
                {**signed_in, "origin": f"http://localhost:{port}"},
                {"origin": world.url},
            )
        ]

    assert [403] * 5 == found


async def status(port, request, headers):
    """The status that a request gets as soon as its head is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([request, *lines, "", ""]).encode())
    found = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return found


async def test_signing_out_takes_the_cookie_back(tmp_path):
    async with visited(tmp_path) as (_, browser, _):
        elsewhere = await browser.get("/sign-out", headers={"sec-fetch-site": "same-site"})
        still = len(browser.cookies.jar)
        await browser.get("/sign-out")
        found = elsewhere.status_code, still, len(browser.cookies.jar)

    assert (403, 1, 0) == found


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def changed(token, place):
    """The token with another letter there."""
    place %= len(token)
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def test_a_used_link_works_in_no_other_spelling_of_its_signature():
    """The last letter of base64 carries bits that are not read."""
    sessions = Sessions("key")
    token = sessions.new_link()
    sessions.redeem(token)

    assert {None} == {
        sessions.redeem(token[:-1] + last) for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk-_="
    }


def test_a_link_is_good_for_a_minute_and_until_a_restart():
    clock = Clock()
    sessions = Sessions("key", clock=clock)
    soon, late = sessions.new_link(), sessions.new_link()
    after_restart = Sessions("key", clock=clock).redeem(soon)
    clock.now += LINK_S - 1
    in_time = sessions.redeem(soon)
    clock.now += 1

    assert (None, "/", None, None) == (after_restart, in_time, sessions.redeem(late), sessions.redeem(soon))


def test_a_cookie_is_good_for_thirty_days_and_for_one_key():
    clock = Clock()
    sessions = Sessions("key", clock=clock)
    cookie = sessions.new_cookie()
    at_first = sessions.is_valid(cookie)
    elsewhere = Sessions("another key", clock=clock).is_valid(cookie)
    clock.now += COOKIE_S
    at_last = sessions.is_valid(cookie)

    assert (True, False, False) == (at_first, elsewhere, at_last)


def test_a_cookie_or_link_that_was_changed_or_made_up_is_none_of_ours():
    sessions = Sessions("key")
    cookie, link = sessions.new_cookie(), sessions.new_link()
    places = range(len(cookie) - 1)  # the last letter has bits that are not read

    assert [] == [place for place in places if sessions.is_valid(changed(cookie, place))]
    assert not any(map(sessions.is_valid, (cookie[:-1], cookie + "A", link)))
    assert not any(map(sessions.is_valid, ("", ".", "..", "1.2.3", "ä.ö.ü", "\x00", "a" * 100_000)))
    assert not any(sessions.redeem(one) for one in (cookie, changed(link, 0), link[:-1]))


async def test_a_person_who_lost_the_way_finds_back_and_a_program_hears_what_is_wrong(tmp_path):
    asked = {"accept": "text/html,*/*;q=0.8"}
    async with visited(tmp_path) as (world, browser, _):
        lost = await browser.get("/chat/<b>7", headers=asked)
        stranger = await browser.get("/chat/7", headers={**asked, "cookie": ""})
        program = await browser.get("/v1/models")
        wrong_key = await browser.get("/v1/models", headers={**asked, "authorization": "Bearer x"})

    assert (404, 'href="/"') == (lost.status_code, 'href="/"' if 'href="/"' in lost.text else lost.text)
    assert "<b>" not in lost.text
    assert (401, "tsubasa open") == (
        stranger.status_code,
        "tsubasa open" if "tsubasa open" in stranger.text else "",
    )
    assert [401, 401] == [program.status_code, wrong_key.status_code]
    assert all("json" in one.headers["content-type"] for one in (program, wrong_key))


async def test_signed_out_everywhere_no_cookie_of_before_counts_and_open_sockets_end(tmp_path):
    async with visited(tmp_path) as (world, browser, _):
        old = (await world.http.post("/tsubasa/links", json={})).json()["url"]
        url = world.url.replace("http", "ws") + "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        more = {
            "additional_headers": {"cookie": cookies(browser)},
            "origin": world.url,
            "proxy": None,
            "open_timeout": 120,
        }
        async with connect(url, **more) as socket:
            assert (await socket.recv()).startswith("0")  # it is open
            await world.http.post("/tsubasa/sign-out-everywhere", json={})
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(20):
                    while True:
                        await socket.recv()
        page = await browser.get("/settings", headers={"accept": "text/html"})
        link = await browser.get(old)
        fresh = (await world.http.post("/tsubasa/links", json={})).json()["url"]
        await browser.get(fresh)
        again = await browser.get("/page/style.css")
    later = Sessions("tsu-key-of-the-test", epoch=tmp_path / "api_key_sessions")

    assert (401, 410, 200) == (page.status_code, link.status_code, again.status_code)
    assert [True] == [later.is_valid(one.value) for one in browser.cookies.jar]
