"""What of the chat is kept, and what is not, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import answered, ask, faults, picture, wait_for_answer


@pytest.fixture
def page(visit):
    return visit[0]


def test_off_the_record_changes_the_tone_and_leaves_nothing_behind(page, tmp_path):
    page.wait_for_selector(".past-row")
    before = page.locator(".past-row").count()
    tone = "getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()"
    on_record = page.evaluate(tone)
    page.click(".veil")
    expect(page.locator("html")).to_have_attribute("data-private", "")
    answered(page, "Between us")
    picture(page, "chat_off_the_record", tmp_path)
    found = faults(page)
    page.reload()
    page.wait_for_selector(".past-row")

    assert {} == found
    assert on_record != page.evaluate(tone)  # the address keeps it off the record
    assert (0, before) == (page.locator(".bubble").count(), page.locator(".past-row").count())


@pytest.mark.parametrize("address", ["/?private", "/?private=true", "/?private=1"])
def test_an_address_that_asks_for_a_private_chat_in_any_way_gets_one(page, url, address):
    page.goto(url + address)

    expect(page.locator("html")).to_have_attribute("data-private", "")


def kept_of(page, client):
    """The messages that are kept of the chat that the page shows."""
    expect(page).to_have_url(re.compile(r"/\?chat=\d+$"))
    return client.past_chat(int(page.url.rpartition("=")[2]))["messages"]


def test_a_pause_that_begins_or_ends_meanwhile_is_told(page, client):
    answered(page, "Said twice, once in a pause")
    expect(page).to_have_url(re.compile(r"/\?chat=\d+$"))
    page.click("[aria-label='New chat']")
    expect(page.locator(".bubble")).to_have_count(0)
    client.logging(on=False)
    answered(page, "Said twice, once in a pause")
    expect(page.locator(".below")).to_contain_text("Not kept.")
    page.wait_for_timeout(500)  # in which a number would be looked for
    told, address = page.inner_text(".veiled"), page.url
    client.logging(on=True)
    page.click("[aria-label='New chat']")
    expect(page.locator(".veiled")).to_be_hidden()

    assert "Logging is paused" in told
    assert "chat=" not in address


def test_a_chat_with_something_forgotten_can_be_read_but_not_continued(page, url, client):
    list(client.chat([{"role": "user", "content": "My secret is Xanadu."}]))
    (chat,) = [one for one in client.chats()["chats"] if "Xanadu" in one["title"]]
    client.forget(messages=[client.past_chat(chat["id"])["messages"][0]["id"]])
    page.goto(f"{url}/?chat={chat['id']}")
    expect(page.locator(".sealed")).to_be_visible()

    assert "Xanadu" not in page.content()
    assert not page.locator(".composer").is_visible()
    assert 2 == page.locator("[aria-label='Copy the answer'], [aria-label='Copy the question']").count()
    assert 0 == page.locator("[aria-label='Try again'], [aria-label='Edit the question']").count()


def test_a_chat_goes_on_where_its_answer_was_stopped(page, client):
    ask(page, "a flood")
    page.wait_for_selector(".turn.assistant .prose:has-text('20 ')")
    page.click(".send")
    expect(page.locator(".turn.assistant")).to_contain_text("Stopped.")
    ask(page, "And then?")
    expect(page.locator(".turn.assistant")).to_have_count(2)
    wait_for_answer(page)
    kept = kept_of(page, client)
    shown = page.locator(".turn.assistant .prose").first.inner_text()

    assert ["a flood", shown.strip(), "And then?"] == [one["text"].strip() for one in kept[:3]]
    assert (4, 1) == (len(kept), page.locator(".past-title:text-is('a flood')").count())


def test_a_chat_goes_on_after_an_answer_that_failed_without_a_word(page, client):
    answered(page, "break off, please")
    ask(page, "And now?")
    expect(page.locator(".turn.assistant")).to_have_count(2)
    wait_for_answer(page)

    assert ["user", "user", "assistant"] == [one["role"] for one in kept_of(page, client)]


BY_VEIL = (lambda page: page.click(".veil"),) * 2
BY_MODEL = [
    lambda page, name=name: page.select_option(".choice", name) for name in ("tsubasa:base", "tsubasa")
]


@pytest.mark.parametrize(("enter", "leave"), [BY_VEIL, BY_MODEL], ids=["by its button", "by the base model"])
def test_leaving_a_chat_off_the_record_is_asked_about_first_and_leaves_it_behind(page, client, enter, leave):
    html, turns = page.locator("html"), page.locator(".bubble")
    enter(page)
    expect(html).to_have_attribute("data-private", "")
    answered(page, "Between us")
    leave(page)
    page.click(".dialog button:has-text('Cancel')")
    expect(page.locator(".dialog")).to_have_count(0)
    expect(html).to_have_attribute("data-private", "")
    expect(turns).to_have_count(1)
    leave(page)
    page.click(".dialog button:has-text('Leave it')")
    expect(html).not_to_have_attribute("data-private", "")
    expect(turns).to_have_count(0)
    answered(page, "On the record")

    assert "On the record" == kept_of(page, client)[0]["text"]


def test_each_branch_of_a_chat_can_be_chosen(page, url, client):
    list(client.chat([{"role": "user", "content": "parting ways"}]))
    (chat,) = [one for one in client.chats()["chats"] if one["title"] == "parting ways"]
    (question, answer) = client.past_chat(chat["id"])["messages"]
    begun = [{"role": one["role"], "content": one["text"]} for one in (question, answer)]
    for last in ("to the left", "to the right"):
        list(client.chat([*begun, {"role": "user", "content": last}]))
    page.goto(f"{url}/?chat={chat['id']}")
    expect(page.locator(".bubble").last).to_contain_text("to the right")
    arrows = page.locator(".turn.user .branches").last
    expect(arrows).to_contain_text("2/2")
    arrows.locator("[aria-label='The version before']").click()
    expect(page.locator(".bubble").last).to_contain_text("to the left")
    expect(page.locator(".turn.user .branches").last).to_contain_text("1/2")
    expect(page.locator(".past-row[aria-current]")).to_contain_text("2 versions")

    assert 1 == page.locator(".branches:visible").count()
    assert {} == faults(page)
