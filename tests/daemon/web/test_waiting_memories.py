"""What waits for the user's word, in a real browser."""

from playwright.sync_api import expect

from tests.daemon.web.browser import faults, picture
from tests.daemon.web.daemon import FEW

KEPT, LEFT = "The user has a canary called Xaver.", "The user hates the sea."


def test_what_waits_is_kept_or_left_with_a_click(visit, daemon, client, tmp_path):
    page, seen = visit
    for text in (KEPT, LEFT):
        daemon.order(f"propose {text}")
    page.goto(f"{page.url.partition('?')[0]}memories")
    page.click("summary:has-text('2 sentences wait')")
    picture(page, "memories_waiting", tmp_path)
    found = faults(page)
    page.locator(".noted", has_text="Xaver").get_by_text("Keep", exact=True).click()
    page.click("summary:has-text('1 sentence waits')")
    page.locator(".noted", has_text=LEFT).get_by_text("Don't keep").click()
    expect(page.locator("summary", has_text="for your word")).to_have_count(0)

    assert {KEPT, *FEW} == {one["text"] for one in client.memories()["memories"]}
    assert ({}, []) == (found, seen.wrong)
