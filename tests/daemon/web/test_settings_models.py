"""The models in the room of the settings: fetched from a stand-in of the hub, with progress, and chosen."""

import threading

import pytest
from playwright.sync_api import expect

from tests.daemon.downloads.stand_in import hub
from tests.daemon.web.browser import faults, picture, signed_in
from tests.daemon.web.daemon import served
from tests.whole.house import NANO


@pytest.fixture(scope="module")
def fetching(browser, tmp_path_factory):
    """A stand-in of the hub, and a daemon that asks it."""
    with pytest.MonkeyPatch.context() as patch, hub(NANO.read_bytes()) as stand_in:
        patch.setenv("HF_ENDPOINT", stand_in.url)
        with served(tmp_path_factory.mktemp("models") / "home") as daemon:
            yield stand_in, daemon


@pytest.fixture
def room(browser, fetching):
    stand_in, daemon = fetching
    with signed_in(browser, daemon.url, page="/settings") as (page, seen):
        page.wait_for_selector(".model-row")
        yield page, daemon, stand_in
        assert [] == seen.wrong


def fetch(page, repository):
    page.click(".another-model summary")
    page.get_by_label("Any other chat model of the hub").fill(repository)
    page.click(".another .button")


def test_a_model_is_fetched_with_progress_found_again_after_a_reload_and_chosen(room, tmp_path):
    page, daemon, stand_in = room
    go_on = threading.Event()
    stand_in.meanwhile = lambda: go_on.wait(60)
    fetch(page, "someone/some-GGUF")
    expect(page.locator(".pull")).to_contain_text("3.5 MB of 7.0 MB, 50 %")
    page.reload()
    expect(page.locator(".pull")).to_contain_text("50 %")
    picture(page, "model-fetching", tmp_path)
    found = faults(page)
    go_on.set()
    chosen = page.locator(".model-row", has_text="tiny-Q4_K_M.gguf")
    expect(chosen.locator(".chip.warm")).to_have_text("from the next start on", timeout=60_000)
    expect(chosen).to_contain_text("tokens a second, measured here")
    expect(page.locator(".waits .button").first).to_have_text("Start again now")
    picture(page, "model-chosen", tmp_path)

    assert ({}, {}) == (found, faults(page))
    assert "tiny-Q4_K_M.gguf" in (daemon.home / "config.toml").read_text()


def test_a_download_that_fails_says_why_and_one_under_way_can_be_cancelled(room):
    page, daemon, stand_in = room
    fetch(page, "nonsense")
    expect(page.locator(".q-notification")).to_contain_text("no address and no known model")
    stand_in.files = ["other-Q4_K_M.gguf"]
    go_on = threading.Event()
    stand_in.meanwhile = lambda: go_on.wait(60)
    page.get_by_label("Any other chat model of the hub").fill("someone/some-GGUF")
    page.click(".another .button")
    expect(page.locator(".pull")).to_contain_text("50 %")
    page.click("text=Cancel")
    expect(page.locator(".pull-place")).to_contain_text("goes on from there")
    go_on.set()
    kept = daemon.home / "models" / ".other-Q4_K_M.gguf.part"

    assert kept.exists()
