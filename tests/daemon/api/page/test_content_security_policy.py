"""What a browser may do with the page."""

import httpx
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from daemon.api.page.content_security_policy import ContentSecurityPolicy

DOCUMENT = "<html><script>ours()</script><script src=/a.js></script></html>"


async def replies():
    """A document twice, and a file."""
    file = PlainTextResponse("<script>", headers={"cache-control": "max-age=9"})
    routes = [Route("/", lambda _: HTMLResponse(DOCUMENT)), Route("/file", lambda _: file)]
    transport = httpx.ASGITransport(app=ContentSecurityPolicy(Starlette(routes=routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4141") as client:
        return [await client.get(path) for path in ("/", "/", "/file")]


def nonce(reply):
    return reply.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]


async def test_each_document_marks_its_scripts_with_a_word_of_its_own():
    first, second, _ = await replies()

    assert f'<script nonce="{nonce(first)}">ours()</script>' in first.text
    assert 2 == first.text.count(f'nonce="{nonce(first)}"')
    assert int(first.headers["content-length"]) == len(first.content)
    assert nonce(first) != nonce(second)


async def test_nothing_is_loaded_from_elsewhere_and_nobody_frames_the_page():
    document, _, file = await replies()

    for reply in (document, file):
        rules = dict(rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; "))
        assert "'none'" == rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"]
        assert "'self' data:" == rules["img-src"]
        assert "'unsafe-inline'" not in rules["script-src"]
        assert "'self' ws://127.0.0.1:4141" == rules["connect-src"]
        assert "nosniff" == reply.headers["x-content-type-options"]
        assert "no-referrer" == reply.headers["referrer-policy"]


async def test_documents_are_not_cached_and_files_are_left_as_they_are():
    document, _, file = await replies()

    assert "no-store" == document.headers["cache-control"]
    assert ("max-age=9", "<script>") == (file.headers["cache-control"], file.text)
