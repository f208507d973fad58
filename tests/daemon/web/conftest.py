"""
One browser and one daemon for all tests of a file.
"""

import pytest

from tests.daemon.web import browser as browsers


@pytest.fixture(scope="module")
def browser():
    """Chromium."""
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(tmp_path_factory, browser):
    """The address of a daemon; asked for after the browser, for nothing can be looked at without."""
    with browsers.served(tmp_path_factory.mktemp("served")) as url:
        yield url


@pytest.fixture
def visit(browser, url):
    """A signed-in page, and what went on in it."""
    with browsers.signed_in(browser, url) as (page, seen):
        yield page, seen
