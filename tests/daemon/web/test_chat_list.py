"""The list of chats in a real browser: found, named, pinned, taken out, deleted, and the same in every tab."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from daemon.client import calls
from tests.daemon.web.browser import answered, faults, signed_in


@pytest.fixture
def page(visit):
    visit[0].wait_for_selector(".past-row")
    return visit[0]


def act(page, title, words):
    """Choose from the menu of a chat."""
    page.locator(".past-item", has_text=title).hover()
    page.get_by_label(f"More about {title}", exact=True).click()
    page.get_by_role("menuitem", name=words, exact=True).click()


def test_a_chat_is_renamed_pinned_and_found_again(page, client):
    leeks = "What should I cook with leeks?"
    act(page, leeks, "Rename")
    page.fill("[name=title]", "Dinner")
    page.keyboard.press("Enter")
    expect(page.locator(".past-title").filter(has_text="Dinner")).to_be_visible()
    act(page, "Dinner", "Pin")
    expect(page.locator(".past-day").first).to_have_text("Pinned")
    first = page.locator(".past-title").first.inner_text()
    page.fill("[aria-label='Search your chats']", "leeks")
    expect(page.locator(".past-excerpt").first).to_have_text(leeks)
    found = faults(page)
    page.click(".past-row >> nth=0")
    expect(page.locator(".bubble")).to_have_text(leeks)

    assert ("Dinner", {}) == (first, found)
    assert "Dinner" == page.inner_text("h1")
    assert [("Dinner", "user", True)] == [
        (one["title"], one["title_by"], one["pinned"]) for one in client.chats(n=1)["chats"]
    ]


def test_a_chat_is_taken_out_as_a_file(page):
    for words, name in (("Export as Markdown", r".*leeks\.md"), ("Export as JSON", r".*leeks\.json")):
        with page.expect_download() as coming:
            act(page, "What should I cook with leeks?", words)

        assert re.fullmatch(name, coming.value.suggested_filename)
        assert "leeks" in Path(coming.value.path()).read_text(encoding="utf-8")


def test_the_menu_that_was_opened_last_stays_open_while_the_one_before_hides(page, client):
    for title in ("What should I cook with leeks?", "Which trains go to Bergen?"):
        page.locator(".past-item", has_text=title).hover()
        page.get_by_label(f"More about {title}", exact=True).click()
    expect(page.get_by_role("menuitem", name="Rename", exact=True)).to_have_count(1)
    page.wait_for_timeout(500)  # the first is hidden by now
    (leeks,) = [one["id"] for one in client.chats()["chats"] if "leeks" in one["title"]]
    client.send(calls.label_chat(leeks, title="Dinner"))
    page.wait_for_timeout(1500)  # the list is looked up each second
    still = page.get_by_role("menuitem", name="Rename", exact=True).is_visible()
    page.keyboard.press("Escape")

    assert still
    expect(page.locator(".past-title").filter(has_text="Dinner")).to_be_visible()


def test_a_chat_is_deleted_with_what_was_noted_from_it_unless_that_is_to_stay(page, client):
    for text in ("My canary is called Xaver.", "My canary is called Yvonne."):
        list(client.chat([{"role": "user", "content": text}]))
    page.get_by_text("Yvonne").wait_for()
    act(page, "My canary is called Yvonne.", "Delete")
    expect(page.locator(".dialog")).to_contain_text("2 messages")
    page.click(".dialog >> text=Delete for good")
    page.click(".dialog >> text=Done")
    expect(page.locator(".past-title").filter(has_text="Yvonne")).to_have_count(0)

    assert ["My canary is called Xaver."] == [
        one["title"] for one in client.chats()["chats"] if "canary" in one["title"]
    ]


def test_what_is_said_in_one_tab_is_seen_in_the_other_and_two_ways_on_are_two_versions(page, browser, url):
    page.click(".past-row:has-text('leeks')")
    expect(page.locator(".bubble")).to_have_count(1)
    with signed_in(browser, url) as (other, seen):
        other.goto(page.url)
        expect(other.locator(".bubble")).to_have_count(1)
        answered(other, "And with two guests?")
        expect(page.locator(".bubble").last).to_have_text("And with two guests?", timeout=5000)
        expect(page.locator(".turn.assistant")).to_have_count(2)
        page.get_by_label("Edit the question").last.click(force=True)
        page.fill(".editing textarea", "And with three guests?")
        page.click(".editing >> text=Send")
        expect(page.locator(".turn.user .branches").last).to_contain_text("2/2")
        expect(other.locator(".turn.user .branches").last).to_contain_text("1/2", timeout=5000)
        still = other.locator(".bubble").last.inner_text()
        other.get_by_label("The next version").last.click()
        expect(other.locator(".bubble").last).to_have_text("And with three guests?")

    assert "And with two guests?" == still
    assert [] == seen.wrong
