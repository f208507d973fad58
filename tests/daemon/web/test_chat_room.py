"""The chat in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import NARROW, answered, ask, faults, picture, wait_for_answer
from tests.daemon.web.daemon import BASE_SAYS
from tests.whole.house import wait_for


@pytest.fixture
def page(visit):
    return visit[0]


def test_an_answer_streams_in_and_nothing_of_it_runs_or_calls_out(visit, url, tmp_path):
    page, seen = visit
    ask(page, "Where do I live?")
    page.wait_for_selector(".prose strong")
    while_streaming = page.get_attribute(".send", "aria-label")
    wait_for_answer(page)
    picture(page, "chat", tmp_path)
    drawn = [page.inner_text(one) for one in (".prose strong", ".prose li >> nth=0")]
    wrong = list(seen.wrong)
    with page.context.expect_page() as opened:
        page.click(".prose a:has-text('out')")
    out = opened.value

    assert ("Stop the answer", "Send") == (while_streaming, page.get_attribute(".send", "aria-label"))
    assert (["Oslo", "Walk by the river"], 2) == (drawn, page.locator(".prose td").count())
    assert "taken" not in page.title()
    assert 0 == page.locator(".prose img, .prose script").count()
    assert [] == wrong + [one for one in seen.asked if "pictures.example" in one]
    assert out.evaluate("window.opener") is None
    assert page.url.startswith(url)


def test_why_tells_memories_numbers_and_the_base_model_and_is_there_again_with_the_chat(page, tmp_path):
    question = "Where does the user live, in Oslo?"
    answered(page, question)
    page.click(".why-button")
    page.wait_for_selector(".why-numbers")
    page.click("text=What would the base model say?")
    expect(page.locator(".base-answer")).to_have_text(BASE_SAYS)
    picture(page, "chat_why", tmp_path)
    now, found = page.inner_text(".why-button"), faults(page)
    memory = page.locator(".why-list .link").first

    assert re.fullmatch(r"/memories\?memory=\d+", memory.get_attribute("href"))
    assert "Base model" in page.inner_text(".why-numbers")
    assert ("true", {}) == (page.get_attribute(".why-button", "aria-expanded"), found)
    expect(page).to_have_url(re.compile(r"/\?chat=\d+$"))
    page.reload()
    expect(page.locator(".bubble")).to_have_text(question)
    page.click(".why-button")
    expect(memory).to_contain_text("The user")
    assert question == page.inner_text("h1") == page.inner_text(".past-row[aria-current=true] .past-title")
    assert now == page.inner_text(".why-button")
    assert re.search(r"\d+ tokens of memories", page.inner_text(".why-numbers"))


def test_why_is_looked_up_again_when_it_is_opened_again(page, client):
    made = client.add("The user keeps a parrot called Zephyr.")["memory"]["id"]
    answered(page, "What is my parrot called, Zephyr?")
    page.click(".why-button")
    expect(page.locator(".why-list")).to_contain_text("Zephyr")
    client.forget([made])
    page.click(".why-button")
    page.click(".why-button")

    expect(page.locator(".why-list")).to_contain_text(f"Memory {made} was forgotten since.")
    assert "keeps a parrot" not in page.inner_text(".why-list")


def test_why_tells_of_an_earlier_answer_that_all_was_forgotten_that_lay_beside_it(page, client):
    answered(page, "Where does the user live, in Oslo?")
    client.forget([one["id"] for one in client.memories()["memories"]])
    expect(page).to_have_url(re.compile(r"/\?chat=\d+$"))
    page.reload()
    page.click(".why-button")

    expect(page.locator(".why")).to_contain_text("forgotten since")
    assert 0 == page.locator(".why-list li").count()


def test_an_answer_can_be_stopped_by_button_and_by_key(page):
    for stop in (lambda: page.click(".send"), lambda: page.keyboard.press("Escape")):
        ask(page, "a long one")
        page.wait_for_selector(".turn.assistant[aria-busy=true] .prose:has-text('word')")
        stop()
        wait_for_answer(page)

        assert "Stopped." in page.locator(".turn.assistant").last.inner_text()
        assert 1900 > page.locator(".turn.assistant").last.inner_text().count("word")


def test_a_failure_is_told_in_its_place_and_the_question_can_be_asked_again(page):
    answered(page, "break, please")
    told = page.inner_text(".turn.assistant .problem")

    assert "engine" in told
    assert 1 == page.locator("[aria-label='Try again']").count()
    assert {} == faults(page)


def test_an_answer_is_finished_and_kept_though_its_reader_went_to_another_room(page, url, client):
    ask(page, "a slow one")
    page.wait_for_selector(".prose:has-text('You moved')")
    page.goto(url + "/memories")
    wait_for(lambda: not client.status()["thinking"]["answers"])
    page.goto(url)
    page.click(".past-row:has-text('a slow one')")

    expect(page.locator(".turn.assistant .prose")).to_contain_text("The end.")


def test_what_is_typed_during_an_answer_waits(page):
    ask(page, "a long one")
    page.wait_for_selector(".prose:has-text('word')")
    ask(page, "and then?")
    still = page.input_value(".composer-field")
    page.click(".send")
    expect(page.locator(".send")).to_have_attribute("aria-label", "Send")

    assert "and then?" == still
    assert 1 == page.locator(".bubble").count()


def test_what_is_written_outlives_a_reload_unless_it_is_off_the_record(page):
    page.wait_for_selector(".facts")
    page.fill(".composer-field", "half a sentence")
    page.reload()
    page.wait_for_selector(".facts")
    kept = page.input_value(".composer-field")
    page.click(".veil")
    expect(page.locator("html")).to_have_attribute("data-private", "")
    page.fill(".composer-field", "half a secret")

    assert "half a sentence" == kept
    assert page.evaluate("sessionStorage.getItem('tsubasa.draft')") is None


def test_another_answer_or_another_question_takes_the_place_of_the_first(page):
    answered(page, "Only once, please")
    page.click("[aria-label='Try again']")
    expect(page.locator(".turn.assistant")).to_have_attribute("aria-busy", "true")
    wait_for_answer(page)
    once = page.locator(".bubble").count(), page.locator(".turn.assistant").count()
    listed = page.locator(".past-title:text-is('Only once, please')").count()
    page.hover(".turn.user")
    page.click("[aria-label='Edit the question']")
    page.fill(".editing textarea", "Second wording")
    page.click(".editing >> text=Send")
    expect(page.locator(".bubble")).to_have_text("Second wording")
    wait_for_answer(page)

    assert ((1, 1), 1) == (once, listed)
    assert 1 == page.locator(".turn").filter(has_text="Second wording").count()


def test_an_answer_is_copied_as_it_was_written(page):
    answered(page)
    page.click("[aria-label='Copy the answer']")
    expect(page.locator(".q-notification")).to_contain_text("Copied.")

    assert "You moved to **Oslo**." in page.evaluate("navigator.clipboard.readText()")


def test_of_a_long_chat_the_end_is_drawn_first(page, url, client):
    turns = [{"role": role, "content": f"{role} {n}"} for n in range(60) for role in ("user", "assistant")]
    list(client.chat([*turns, {"role": "user", "content": "the last"}]))
    (chat,) = [one for one in client.chats()["chats"] if one["title"] == "user 0"]
    page.goto(f"{url}/?chat={chat['id']}")
    expect(page.locator(".turn")).to_have_count(40)
    page.click("text=Show the 82 messages before")
    expect(page.locator(".turn")).to_have_count(80)
    page.click("text=Show the 42 messages before")
    expect(page.locator(".turn")).to_have_count(120)
    page.click("text=Show the 2 messages before")
    expect(page.locator(".turn")).to_have_count(122)

    assert ["user 0", "user 59", "the last"] == [
        page.locator(".bubble").nth(n).inner_text() for n in (0, 59, 60)
    ]


def test_a_chat_that_is_not_there_is_said_and_an_idea_is_asked_by_one_click(visit, url):
    page, seen = visit
    page.goto(f"{url}/?chat=999")
    expect(page.locator(".q-notification")).to_contain_text("999")
    idea = page.inner_text(".idea >> nth=0")
    page.click(".idea >> nth=0")
    wait_for_answer(page)

    assert [idea] == page.locator(".bubble").all_inner_texts()
    assert [] == seen.wrong


def test_a_narrow_window_has_everything_behind_one_tap(page, tmp_path):
    page.set_viewport_size(NARROW)
    expect(page.locator(".past-row").first).not_to_be_visible()
    page.click("[aria-label='Earlier chats']")
    page.click(".past-row:has-text('leeks')")
    expect(page.locator(".bubble")).to_have_text("What should I cook with leeks?")
    answered(page, "And for two?")
    picture(page, "chat_narrow", tmp_path)
    field = page.locator(".composer").bounding_box()
    bar = page.locator(".rail").bounding_box()

    assert {} == faults(page)
    assert field["y"] + field["height"] <= bar["y"]


def test_the_keyboard_opens_a_list_of_shortcuts_cancels_an_edit_and_finds_the_search(page):
    page.wait_for_selector(".past-row")
    tint = "document.querySelector('meta[name=theme-color]').content"
    light = page.evaluate(tint)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator(".shortcuts")).to_contain_text("Search your chats")
    found = faults(page)
    page.keyboard.press("Escape")
    expect(page.locator(".shortcuts")).to_have_count(0)
    answered(page, "A question")
    page.get_by_label("Edit the question").click(force=True)
    page.locator(".editing textarea").press("Escape")
    expect(page.locator(".bubble")).to_have_text("A question")
    page.keyboard.press("Control+k")
    expect(page.locator("[aria-label='Search your chats']")).to_be_focused()

    assert ({}, "#faf8f4", "#11121a") == (found, light, page.evaluate(tint))  # `faults` leaves it dark
