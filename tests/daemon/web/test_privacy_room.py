"""The room of privacy, and what is asked in every room, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from daemon.client.client import Client
from daemon.downloads.traffic_log import TrafficLog
from daemon.web.privacy import KEPT
from store.statistics import FREE, OTHER, PARTS
from tests.daemon.api.world import KEY
from tests.daemon.web.browser import faults, picture

PATH, LOADED = "/privacy", ".figure"


@pytest.fixture
def scene(page, daemon):
    """The page, and a client of the same daemon."""
    with Client(daemon.url, KEY, home=Path("/")) as client:
        yield page, client, daemon.home


def test_what_is_kept_is_counted_and_what_was_sent_is_nothing(scene, tmp_path):
    page, client, _ = scene
    picture(page, "privacy", tmp_path)
    table = page.inner_text(".stored")

    assert "0 bytes" == page.inner_text(".figure")
    assert "Nothing has left this machine" in page.inner_text(".sent")
    assert ("22 memories" in table, "4 generations" in table, "6 nights" in table) == (True, True, True)
    assert "on" == page.inner_text(".lock .chip")
    assert {} == faults(page)


def test_every_part_of_the_store_has_a_name_for_people():
    assert {*PARTS, OTHER, FREE} == KEPT.keys()


def test_what_was_sent_and_what_lies_unencrypted_is_named(scene):
    page, _, home = scene
    TrafficLog(home).add("hub.example", "a model", sent=1200, received=2_500_000_000)
    (home / "inbox" / "done").mkdir(parents=True)
    (home / "inbox" / "done" / "export.json").write_text("x" * 2000)
    (home / "models").mkdir()
    (home / "models" / "small.gguf").write_text("x" * 3000)
    (home / "uploads" / "1").mkdir(parents=True)
    (home / "uploads" / "1" / "dropped.json").write_bytes(b"x" * 4000)
    (home / "daemon.log").write_text("x" * 5000)
    page.reload()
    page.wait_for_selector(".figure")

    assert "1.2 kB" == page.inner_text(".figure")
    assert "1.2 kB sent, 2.5 GB received" in page.inner_text(".sent")
    beside = page.inner_text(".beside-it")
    assert "Files in the inbox: 1 file, 2.0 kB" in beside
    assert "Models: 1 file, 3.0 kB" in beside
    assert "Files dropped onto the page: 1 file, 4.0 kB" in beside
    assert "Log: 1 file, 5.0 kB" in beside
    assert {} == faults(page)


def test_what_a_program_wants_to_forget_is_asked_in_any_room_and_refused(scene, tmp_path):
    page, client, _ = scene
    asked = client.ask_to("forget", [19], asked_by="A program")["confirmation"]["id"]
    expect(page.locator(".confirming h2")).to_contain_text("A program")
    picture(page, "confirm", tmp_path)
    found = faults(page)
    page.click(".confirming >> text=Refuse")
    expect(page.locator(".q-notification")).to_be_visible()

    assert "refused" == client.confirmation(asked)["confirmation"]["state"]
    assert "holds" == client.why(19)["memory"]["state"]
    assert {} == found


def test_what_is_allowed_is_done_once_by_however_many_clicks(scene):
    page, client, _ = scene
    client.ask_to("edit", [1], asked_by="A program", text="The user is called \u202eariM.")
    expect(page.locator(".confirming .statement")).to_have_text("The user is called \ufffdariM.")
    page.dblclick(".confirming .button.main")
    page.wait_for_timeout(1000)
    expect(page.locator(".q-notification")).to_have_text("Done.")

    assert "replaced" == client.why(1)["memory"]["state"]


def test_one_that_was_closed_is_not_decided_and_one_decided_elsewhere_goes_away(scene):
    page, client, _ = scene
    first = client.ask_to("forget", [19], asked_by="A program")["confirmation"]["id"]
    page.wait_for_selector(".confirming h2")
    page.keyboard.press("Escape")
    expect(page.locator(".confirming")).to_be_hidden()
    second = client.ask_to("forget", [1], asked_by="A program")["confirmation"]["id"]
    expect(page.locator(".confirming")).to_contain_text("Mira")
    client.confirm(second, False)
    expect(page.locator(".confirming")).to_be_hidden()

    assert "waiting" == client.confirmation(first)["confirmation"]["state"]
