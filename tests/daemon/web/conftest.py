"""One browser and one daemon for all tests of the page; each test begins with a store of its own choice."""

from pathlib import Path

import pytest

from daemon.client.client import Client
from tests.daemon.api.world import KEY
from tests.daemon.web.browser import chromium, signed_in
from tests.daemon.web.daemon import served


@pytest.fixture(scope="package")
def browser():
    """Chromium; it ends with the package, for no event loop may run beside Playwright's."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def daemon(tmp_path_factory, browser):
    """A daemon; asked for after the browser, for nothing can be looked at without."""
    with served(tmp_path_factory.mktemp("page") / "home") as daemon:
        yield daemon


@pytest.fixture
def url(daemon):
    """The address of a daemon with three memories and two chats."""
    return daemon.order("few").url


@pytest.fixture
def visit(browser, url):
    """The chat in a signed-in browser, and what went on in it."""
    with signed_in(browser, url) as (page, seen):
        yield page, seen


@pytest.fixture
def client(url):
    """Our own client of the same daemon."""
    with Client(url, KEY, home=Path("/")) as client:
        yield client


@pytest.fixture
def page(browser, daemon, request):
    """The page that the test module is about (its PATH), of somebody who has been here for half a year."""
    daemon.order("life")
    with signed_in(browser, daemon.url, page=request.module.PATH) as (page, seen):
        page.wait_for_selector(request.module.LOADED)
        yield page
        page.wait_for_timeout(200)  # what goes wrong a moment after the last step
        assert [] == seen.wrong
