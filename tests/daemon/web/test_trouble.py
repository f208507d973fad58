"""A new daemon without anything, and what its pages show when it can't answer."""

import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import faults, picture, signed_in
from tests.daemon.web.daemon import served


@pytest.fixture(scope="module")
def empty(browser, tmp_path_factory):
    """A daemon with an empty store, which imports no large file, and may fetch its embedder."""
    with served(tmp_path_factory.mktemp("empty") / "home", "small") as daemon:
        yield daemon


@pytest.fixture
def visit(browser, empty):
    with signed_in(browser, empty.url) as (page, seen):
        yield page, seen


def test_a_night_can_be_ordered(visit, empty, tmp_path):
    page, seen = visit
    page.goto(empty.url + "/nights")
    expect(page.locator(".empty h2")).to_be_visible()
    picture(page, "nights_empty", tmp_path)
    page.click("text=Run a night now")
    expect(page.locator(".tonight .button")).to_have_count(0)
    found = faults(page)

    assert "ordered" in page.inner_text(".tonight")
    assert ({}, []) == (found, seen.wrong)


def test_a_file_that_is_too_large_is_refused_in_words(visit, empty):
    page, _ = visit
    page.goto(empty.url + "/inbox")
    expect(page.locator(".drop")).to_contain_text(str(empty.home / "inbox"))
    large = {"name": "life.jsonl", "mimeType": "", "buffer": b"x" * (2**20 + 1)}
    page.set_input_files("input[type=file]", [large])
    expect(page.locator(".q-notification")).to_contain_text("max_import_mb")

    assert not (empty.home / "uploads").exists()


def test_what_is_not_counted_is_not_shown_as_nothing(visit, empty, tmp_path):
    """The embedder's own library fetches its model past our ledger."""
    page, seen = visit
    page.goto(empty.url + "/privacy")
    page.wait_for_selector(".figure")
    picture(page, "privacy-downloads", tmp_path)
    found = faults(page)

    assert 1 == page.locator(".sent .warning").count()
    assert "Nothing has left" not in page.inner_text(".sent")
    assert ({}, []) == (found, seen.wrong)


@pytest.fixture(scope="module")
def broken(browser, empty):
    """A page that was there before the store was closed."""
    with signed_in(browser, empty.url) as (page, _):
        empty.order("break")
        yield page


@pytest.mark.parametrize("path", ["memories", "nights", "inbox", "privacy"])
def test_a_page_says_what_is_wrong_and_offers_to_try_again(broken, empty, tmp_path, path):
    page = broken
    page.goto(f"{empty.url}/{path}")
    expect(page.locator(".problem").first).to_contain_text("The daemon is stopping.")
    page.click(".again >> nth=0")
    expect(page.locator(".problem").first).to_contain_text("The daemon is stopping.")
    picture(page, f"{path}_in_trouble", tmp_path)

    assert {} == faults(page)


def test_what_is_sent_while_nobody_hears_it_stays_in_its_field(broken, empty):
    page = broken
    page.goto(empty.url)
    page.wait_for_selector(".composer-field")
    empty.stop()
    card = page.locator("#popup")
    expect(card).to_contain_text("tsubasa up")
    expect(page.locator(".status")).to_have_text("Not running")
    card.locator("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.fill(".composer-field", "A long thought")
    page.press(".composer-field", "Enter")

    assert ("tsubasa up", "status bad") == (copied, page.get_attribute(".status", "class"))
    assert "A long thought" == page.input_value(".composer-field")
    assert "A long thought" == page.evaluate("sessionStorage.getItem('tsubasa.draft')")
