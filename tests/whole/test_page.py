"""The page of a real daemon, in a real browser, with the bundled model."""

import time
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import chromium, picture, signed_in
from tests.whole.house import NANO, Daemon

MOST_MB = 150  # resident, of the daemon's own process, while the page is open


@pytest.fixture(scope="module")
def browser():
    """Chromium; asked for first, for without it nothing is started."""
    with chromium() as browser:
        yield browser


def test_a_chat_on_the_page_is_kept_like_any_other(browser, daemon, tmp_path):
    with signed_in(browser, daemon.running["url"], key=daemon.key) as (page, seen):
        page.fill(".composer-field", "My brother is called Pelle.")
        page.keyboard.press("Enter")
        expect(page.locator(".turn.assistant")).to_have_attribute("aria-busy", "false", timeout=120_000)
        said = page.inner_text(".turn.assistant .prose")
        picture(page, "whole_chat", tmp_path)
        with daemon.own() as client:
            chat = client.chats()["chats"][0]
            kept = client.past_chat(chat["id"])["messages"]

    assert ["My brother is called Pelle.", said] == [message["text"].strip() for message in kept]
    assert [] == seen.wrong


def test_the_command_hands_out_a_link_that_leads_in(browser, daemon):
    told = daemon.run("open", "--print", "--page", "/nights")
    context = browser.new_context()
    page = context.new_page()
    page.goto(told.stdout.strip())
    page.wait_for_selector(".rail")

    assert 0 == told.returncode
    assert "/nights" == urlsplit(page.url).path
    context.close()


def test_a_page_that_does_not_exist_is_refused_in_one_line(daemon):
    told = daemon.run("open", "--print", "--page", "https://elsewhere.example/")

    assert 1 == told.returncode
    assert 1 == len(told.stderr.strip().splitlines())
    assert "it must be a path of the page" in told.stderr


def test_an_open_page_costs_little_keeps_the_daemon_from_nothing_and_tells_the_log_no_address(
    browser, tmp_path, capfd
):
    daemon = Daemon(tmp_path / "home", NANO).start()
    with signed_in(browser, daemon.running["url"], key=daemon.key) as (page, _):
        page.goto(daemon.running["url"] + "/?chat=987654321")
        expect(page.locator(".q-notification")).to_contain_text("There is no chat 987654321.")
        page.goto(daemon.running["url"] + "/memories?search=a+secret")
        page.wait_for_selector(".status.good")
        resident_mb = psutil.Process(daemon.running["pid"]).memory_info().rss / 2**20
        began = time.monotonic()
        code = daemon.stop()
        took = time.monotonic() - began

    told = "".join(capfd.readouterr())

    assert 0 == code
    assert 10 > took
    assert MOST_MB > resident_mb
    assert [] == [
        word
        for word in ("secret", "/tsubasa/", "/memories", "client_id", "987654321", "Traceback")
        if word in told
    ], told
