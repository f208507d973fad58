"""Answers in a real browser: formulas, tasks, code, thoughts, what ended early; and a file with a question."""

import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import answered, ask, faults, picture
from tests.daemon.web.chat.test_attachments import pdf


@pytest.fixture
def page(visit):
    return visit[0]


def test_formulas_are_drawn_code_is_copied_and_thoughts_and_calls_are_folded(visit, tmp_path):
    page, seen = visit
    answered(page, "maths with thoughts")
    picture(page, "chat_maths", tmp_path)
    drawn = page.locator(".prose math").count(), page.locator(".prose mfrac").count()
    page.hover(".code")
    page.click(".code-copy")
    expect(page.locator(".code-copy")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    hidden = page.get_by_text("Let me think.").is_visible(), page.get_by_text('"q": "sums"').is_visible()
    page.click("summary:text-is('Thoughts')")
    page.click("summary:text-is('It called look_up')")

    assert ((2, 1), "print(1)\n", (False, False)) == (drawn, copied, hidden)
    assert page.get_by_text("Let me think.").is_visible() and page.get_by_text('"q": "sums"').is_visible()
    assert "$5 or $10" in page.inner_text(".prose")
    assert 2 == page.locator(".prose .task").count()
    assert {} == faults(page)
    assert [] == seen.wrong


def test_an_answer_that_was_cut_goes_on(page, client):
    answered(page, "please cut it")
    page.click("text=Continue")
    expect(page.locator(".turn.assistant .prose")).to_contain_text("and this is its end.")
    expect(page.locator(".turn.assistant")).to_have_attribute("aria-busy", "false")
    text = page.inner_text(".turn.assistant .prose")

    assert text.startswith("You moved to Oslo") and 1 == page.locator(".turn.assistant").count()
    kept = [one for one in client.chats()["chats"] if one["title"] == "please cut it"]
    assert client.past_chat(kept[0]["id"])["messages"][-1]["text"].endswith("and this is its end.")


def test_a_file_goes_along_with_a_question_and_one_that_can_not_be_read_is_refused(page, client, tmp_path):
    file = tmp_path / "lease.txt"
    file.write_text("Rent is 900 euros.")
    wrong = tmp_path / "picture.png"
    wrong.write_bytes(b"\x89PNG\x00")
    page.set_input_files("input[type=file]", wrong)
    expect(page.locator(".q-notification")).to_contain_text("can't be attached")
    page.set_input_files("input[type=file]", file)
    expect(page.locator(".attached-file")).to_contain_text("lease.txt")
    answered(page, "What is the rent?")
    bubble = page.inner_text(".bubble")
    page.click("summary:has-text('lease.txt')")

    assert "What is the rent?" == bubble
    assert "Rent is 900 euros." == page.inner_text(".attached pre")
    assert "What is the rent?" == page.inner_text("h1")
    assert 0 == page.locator(".attached-file .chip").count()
    (kept,) = [one for one in client.chats()["chats"] if one["title"].startswith("What is the rent?")]
    assert '<file name="lease.txt">' in client.past_chat(kept["id"])["messages"][0]["text"]


def test_a_question_that_is_sent_while_its_file_is_read_waits_for_it(page, tmp_path):
    file = tmp_path / "contract.pdf"
    file.write_bytes(pdf("Rent is 900 euros"))
    page.set_input_files("input[type=file]", file)
    expect(page.locator(".attached-file")).to_contain_text("Reading contract.pdf")
    ask(page, "What is the rent?")
    page.locator("summary:has-text('contract.pdf')").wait_for()

    assert "What is the rent?" == page.inner_text(".bubble")
    assert "" == page.input_value(".composer-field")


def test_a_question_whose_file_can_not_be_read_stays_in_its_field(page, tmp_path):
    file = tmp_path / "broken.pdf"
    file.write_bytes(b"%PDF-1.7 broken")
    page.set_input_files("input[type=file]", file)
    expect(page.locator(".attached-file")).to_contain_text("Reading broken.pdf")
    ask(page, "What is the rent?")
    expect(page.locator(".q-notification")).to_contain_text("can't be read")

    assert "What is the rent?" == page.input_value(".composer-field")
    assert 0 == page.locator(".bubble").count()
