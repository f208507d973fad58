"""The room of the inbox in a real browser."""

import json

import pytest
from playwright.sync_api import expect

from daemon.web.inbox.uploads import FOLDER
from tests.daemon.web.browser import faults, picture, signed_in

LINES = [
    {"role": "user", "text": "I have just adopted a cat called Miso."},
    {"role": "assistant", "text": "How lovely! <b>Miso</b> is a wonderful name."},
]
DROP = """(drops) => {
    for (const files of drops) {
        const data = new DataTransfer();
        for (const [name, text] of files) {
            const content = text || "x".repeat(40e6);
            data.items.add(new File([content], name, {lastModified: 1}));
        }
        const dropped = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.querySelector(".drop").dispatchEvent(dropped);
    }
}"""
LARGE = ["large.txt", ""]


PATH, LOADED = "/inbox", ".imported"


@pytest.fixture
def home(daemon):
    return daemon.home


def jsonl(*more):
    return "\n".join(map(json.dumps, [*LINES, *more]))


def choose(page, name, text):
    """Choose a file, as the button lets one do."""
    page.set_input_files("input[type=file]", [{"name": name, "mimeType": "", "buffer": text.encode()}])


def left(home):
    return [file for file in (home / FOLDER).rglob("*") if not file.is_dir()]


def on_disk(home):
    return [file for file in left(home) if not file.is_symlink()]


def test_a_dropped_file_is_looked_into_taken_in_and_taken_back(page, home, tmp_path):
    page.evaluate(DROP, [[["cat.jsonl", jsonl()]]])
    page.click(".import >> text=How it begins")
    card = page.inner_text(".import")
    before = page.locator(".imported tbody tr").count()
    waits, plain = len(left(home)), on_disk(home)
    picture(page, "inbox", tmp_path)
    found = faults(page)
    page.click("text=Import 2 messages")
    expect(page.locator(".imported tbody tr")).to_have_count(before + 1)
    taken = page.inner_text(".import")
    page.click(".import >> text=Undo")
    expect(page.locator(".dialog")).to_contain_text("This takes 2 messages")
    page.click(".dialog .button.danger")
    expect(page.locator(".imported tbody tr")).to_have_count(before)

    assert "JSONL chat log" in card and "2 new, 0 known here already" in card
    assert "How lovely! <b>Miso</b> is a wonderful name." in card  # text is text
    assert "imported" in taken
    assert (1, [], []) == (waits, plain, left(home))
    assert {} == found


def test_a_file_that_is_left_out_leaves_nothing(page, home):
    choose(page, "cat.jsonl", jsonl())
    page.click(".import >> text=Skip")
    expect(page.locator(".import")).to_have_count(0)

    assert [] == left(home)


def test_a_file_that_was_not_decided_about_is_found_again_and_imported(page, home):
    choose(page, "cat.jsonl", jsonl())
    expect(page.locator(".import h2")).to_have_text("cat.jsonl")
    page.reload()
    expect(page.locator(".import h2")).to_have_text("cat.jsonl")
    plain = on_disk(home)
    page.click("text=Import 2 messages")
    expect(page.locator(".import .chip.good")).to_have_text("imported")

    assert ([], []) == (plain, left(home))


def test_a_file_that_nobody_can_read_says_why_in_its_place(page, home):
    choose(page, "holiday.png", "\x89PNG")
    expect(page.locator(".import .problem")).to_contain_text("its format is not known")

    assert [] == left(home)
    assert {} == faults(page)


def test_several_files_get_a_card_each_and_what_is_known_is_not_offered(page):
    choose(page, "a.jsonl", jsonl({"role": "user", "text": "She hates the rain."}))
    page.click("text=Import 3 messages")
    expect(page.locator(".import .chip.good")).to_have_text("imported")
    choose(page, "again.jsonl", jsonl())
    expect(page.locator(".import")).to_have_count(2)
    expect(page.locator(".import .chip").first).to_have_text("known already")
    again = page.inner_text(".import >> nth=0")

    assert "0 new, 2 known here already" in again
    assert "Import 3" not in again


def test_of_files_dropped_together_the_large_one_comes_too_and_the_same_twice_comes_once(page):
    page.evaluate(DROP, [[["small.jsonl", jsonl()], LARGE], [LARGE]])
    expect(page.locator(".q-notification")).to_have_text("That file is on its way already.")
    expect(page.locator(".import h2")).to_have_count(2)

    assert {"small.jsonl", "large.txt"} == set(page.locator(".import h2").all_inner_texts())


def test_a_file_that_did_not_arrive_is_told_of(browser, daemon):
    daemon.order("life")
    with signed_in(browser, daemon.url, page="/inbox") as (page, _):
        page.wait_for_selector(".imported")
        page.evaluate(DROP, [[["x" * 5000 + ".jsonl", jsonl()]]])
        expect(page.locator(".q-notification")).to_contain_text("Did not get xxx")
        page.evaluate(DROP, [[["cat.jsonl", jsonl()]]])
        expect(page.locator(".import h2")).to_have_text("cat.jsonl")


def test_an_older_import_is_taken_back_from_the_list(page):
    page.click("[aria-label='Undo the import of lm-studio-notes.json']")
    expect(page.locator(".dialog h2")).to_have_text("Undo the import of lm-studio-notes.json?")
    page.click(".dialog >> text=Cancel")
    kept = page.locator(".imported tbody tr:has-text('lm-studio')").count()
    page.click("[aria-label='Undo the import of lm-studio-notes.json']")
    page.click(".dialog .button.danger")

    expect(page.locator(".imported tbody tr:has-text('lm-studio')")).to_have_count(0)
    assert 1 == kept
