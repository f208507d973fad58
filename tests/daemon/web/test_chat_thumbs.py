"""Thumbs under an answer, in a real browser."""

from playwright.sync_api import expect

from tests.daemon.web.browser import answered, faults, picture


def test_an_answer_is_given_a_thumb_and_told_how_it_should_have_been(visit, client, tmp_path):
    page, seen = visit
    answered(page, "What is new?")
    bad = page.get_by_role("button", name="A bad answer")
    bad.click()
    page.fill("[name=better]", "Shorter.")
    picture(page, "chat_thumbs", tmp_path)
    found = faults(page)
    page.click(".dialog >> text=Say so")
    expect(bad).to_have_attribute("aria-pressed", "true")
    said = client.audit()["feedback"]
    page.reload()
    expect(bad.last).to_have_attribute("aria-pressed", "true")
    bad.last.click()
    expect(bad.last).to_have_attribute("aria-pressed", "false")

    assert [("style", -1, "Shorter.")] == [(one["kind"], one["thumb"], one["correction"]) for one in said]
    assert [] == client.audit()["feedback"]
    assert ({}, []) == (found, seen.wrong)


def test_what_was_said_of_an_answer_stands_in_the_audit_of_the_memories(visit, client, tmp_path):
    page, seen = visit
    answered(page, "What is new?")
    page.get_by_role("button", name="A bad answer").click()
    page.fill("[name=better]", "Shorter.")
    page.click(".dialog >> text=Say so")
    expect(page.get_by_role("button", name="A bad answer")).to_have_attribute("aria-pressed", "true")
    page.goto(page.url.split("?")[0] + "memories")
    page.click(".audit summary")
    expect(page.locator(".audit .said-of-answer")).to_contain_text("Better: Shorter.")
    picture(page, "memories_audit", tmp_path)
    found = faults(page)

    assert ({}, []) == (found, seen.wrong)
