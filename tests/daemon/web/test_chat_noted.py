"""What was noted under a turn, in a real browser."""

import re

from playwright.sync_api import expect

from tests.daemon.web.browser import answered, faults, picture
from tests.daemon.web.daemon import FEW


def test_what_was_noted_of_a_turn_is_seen_put_right_and_taken_back(visit, daemon, client, tmp_path):
    page, seen = visit
    answered(page, "My canary is called Xaver.")
    expect(page).to_have_url(re.compile(r"/\?chat=\d+$"))
    daemon.order("note The user has a canary called Xaver.")
    noted = page.locator(".turn.user .noted")
    expect(noted).to_contain_text("Xaver", timeout=10_000)
    picture(page, "chat_noted", tmp_path)
    found = faults(page)
    noted.get_by_text("Correct").click()
    page.fill("[name=memory]", "The user has a canary called Yvonne.")
    page.click(".dialog >> text=Save")
    expect(page.locator(".q-notification")).to_contain_text("Put right.")
    texts = [one["text"] for one in client.memories()["memories"]]
    page.goto(f"{page.url.partition('?')[0]}memories")
    page.click("summary:has-text('since yesterday')")
    page.locator(".recent .noted", has_text="Yvonne").get_by_text("Undo").click()
    expect(page.locator(".recent .noted", has_text="Yvonne")).to_have_count(0)

    assert {"The user has a canary called Yvonne.", *FEW} == set(texts)
    assert ({}, []) == (found, seen.wrong)


def test_what_changed_a_memory_waits_for_a_look_before_the_night_until_the_list_is_opened(
    visit, daemon, tmp_path
):
    page, seen = visit
    daemon.order("change The user lives in Bergen.")
    page.goto(daemon.url + "/memories")
    summary = page.locator(".recent summary")
    expect(summary).to_contain_text("1 waits for your look")
    summary.click()
    expect(page.locator(".recent .noted.replaces")).to_contain_text("The user lives in Oslo.")
    picture(page, "changes", tmp_path)
    found = faults(page)
    page.reload()
    expect(summary).to_have_text(re.compile(r"^\d+ changes since yesterday$"))

    assert ({}, []) == (found, seen.wrong)
