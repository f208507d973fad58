"""What the rooms show when the daemon can't tell what they ask for."""

import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import picture, signed_in
from tests.daemon.web.lived import lived
from tests.daemon.web.looks import faults


@pytest.fixture(scope="module")
def broken(browser, tmp_path_factory):
    """A signed-in page of a daemon whose store is closed."""
    with (
        lived(tmp_path_factory.mktemp("lived"), "empty") as (url, order),
        signed_in(browser, url) as (page, _),
    ):
        order("break")
        yield page, url


@pytest.mark.parametrize("room", ["memories", "nights", "inbox", "privacy"])
def test_a_room_says_what_is_wrong_and_offers_to_try_again(broken, tmp_path, room):
    page, url = broken
    page.goto(f"{url}/{room}")
    expect(page.locator(".problem").first).to_contain_text("The daemon is stopping.")
    page.click(".again >> nth=0")
    expect(page.locator(".problem").first).to_contain_text("The daemon is stopping.")
    picture(page, f"{room}_in_trouble", tmp_path)

    assert {} == faults(page)
