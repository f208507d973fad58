"""The room of memories in a real browser."""

import re

from playwright.sync_api import expect

from tests.daemon.web.browser import NARROW, faults, picture

LISBON, GHENT = "The user lives in Lisbon.", "The user lives in Ghent."


PATH, LOADED = "/memories", ".memory"


def opened(page, text):
    """Open a memory by its text."""
    page.click(f".opener:has-text('{text}')")
    expect(page.locator(".panel .statement")).to_have_text(text)


def listed(page):
    return page.locator(".opener > span:first-child").all_inner_texts()


def remember(page, text):
    page.click(".finder .button.main")
    page.fill(".dialog textarea", text)
    page.click(".dialog >> text=Remember")


def forget(page):
    """Say yes to what the dialog shows; what it tells then."""
    page.click(".dialog >> text=Forget for good")
    expect(page.locator(".dialog h2")).to_have_text("Forgotten")
    report = page.inner_text(".forgetting")
    page.click(".dialog >> text=Done")
    return report


def test_all_that_holds_is_listed_newest_first_and_narrowed_by_words_meaning_day_and_speaker(page, tmp_path):
    picture(page, "memories", tmp_path)
    all_of_them, newest = page.inner_text(".count"), listed(page)[0]
    page.fill("input[name=search]", "cello")
    expect(page.locator(".count")).to_contain_text("1 of 18")
    by_word = listed(page)[0]
    page.fill("input[name=search]", "where is my home")
    expect(page.locator(".count")).to_have_text(re.compile(r"^\d+ of 18 memories, close in meaning$"))
    near = page.inner_text(".count")
    assert near.startswith(f"{len(listed(page))} of")
    page.fill("input[name=search]", "")
    page.select_option("[aria-label='Said by']", "assistant")
    expect(page.locator(".count")).to_have_text("1 of 18 memories")
    by_speaker = listed(page)
    page.select_option("[aria-label='Said by']", "")
    then = page.evaluate("new Date(Date.now() - 60 * 864e5).toISOString().slice(0, 10)")
    page.fill("input[type=date]", then)
    expect(page.locator(".count")).to_contain_text("held on")

    assert ("18 memories", "The user will run a half marathon in March.") == (all_of_them, newest)
    assert "The user plays the cello on Thursdays." == by_word
    assert ["The assistant recommended the user the book Piranesi."] == by_speaker
    assert (True, False) == (GHENT in listed(page), LISBON in listed(page))


def test_a_memory_tells_how_it_came_about(page, tmp_path):
    opened(page, LISBON)
    picture(page, "memory_history", tmp_path)
    steps = page.locator(".step .what").all_inner_texts()

    assert ["You told me", "It changed"] == steps
    assert "I live in Ghent, in a small flat near the canal." in page.inner_text(".step >> nth=0")
    assert "I moved to Lisbon last week!" in page.inner_text(".step >> nth=1")
    assert ["1", "2", "3", "4"] == page.locator(".panel .chip.wing").all_inner_texts()
    assert {} == faults(page)


def test_a_memory_is_opened_and_closed_by_keyboard(page):
    page.focus(".opener >> nth=0")
    page.keyboard.press("Enter")
    expect(page.locator(".panel .statement")).to_have_text(listed(page)[0])
    page.focus(".panel .close")
    page.keyboard.press("Enter")

    expect(page.locator(".panel")).to_be_hidden()


def test_a_link_leads_to_one_memory_also_to_one_that_no_longer_holds_or_is_not_there(page, daemon, tmp_path):
    page.goto(daemon.url + "/memories?memory=4711")
    expect(page.locator(".q-notification")).to_contain_text("4711")
    page.set_viewport_size(NARROW)
    page.goto(daemon.url + "/memories?memory=2")
    expect(page.locator(".panel .statement")).to_have_text(GHENT)
    picture(page, "memory_narrow", tmp_path)

    assert 1 == page.locator(".panel-head .chip.warm").count()
    assert 0 == page.locator(".panel .button:has-text('Edit')").count()


def test_an_edit_is_undone_again(page):
    opened(page, LISBON)
    page.click(".panel .button:has-text('Edit')")
    page.fill(".editor textarea", "The user lives in Lisbon, near the river.")
    page.click("text=Save")
    expect(page.locator(".panel .statement")).to_have_text("The user lives in Lisbon, near the river.")
    steps = page.locator(".step .what").all_inner_texts()
    page.click(".panel .button:has-text('Undo')")
    words = page.locator(".dialog p").first
    expect(words).to_have_text(f"“{LISBON}” will hold again, as before.")
    page.click(".dialog .button:has-text('Undo')")
    expect(page.locator(".panel .statement")).to_have_text(LISBON)

    assert "You corrected it" == steps[-1]
    assert LISBON in listed(page)


def test_the_kind_of_a_memory_is_set_shown_in_the_list_and_undone(page):
    opened(page, LISBON)
    page.click(".panel .button:has-text('Edit')")
    page.select_option("[aria-label='It is']", "standing")
    page.click("text=Save")
    row = page.locator(".memory", has_text=LISBON)
    expect(row.locator(".chip.good")).to_have_text("standing")
    expect(page.locator(".panel")).to_contain_text("how you want things done")
    page.click(".panel .button:has-text('Undo')")
    page.click(".dialog .button:has-text('Undo')")

    expect(row.locator(".chip.good")).to_have_count(0)
    assert {} == faults(page)


def test_one_s_own_statement_is_added_and_a_second_time_refused(page):
    for expected in ("Remembered.", "says that already"):
        remember(page, "The user has a cat called Miso.")
        expect(page.locator(".q-notification").last).to_contain_text(expected)

    expect(page.locator(".count")).to_have_text("19 memories")


def test_forgetting_shows_first_what_it_takes_and_then_what_it_did(page, tmp_path):
    opened(page, LISBON)
    page.click(".panel .button:has-text('Forget')")
    page.click(".dialog >> text=Cancel")
    expect(page.locator(".dialog")).to_have_count(0)
    assert LISBON in listed(page)
    page.click(".panel .button:has-text('Forget')")
    expect(page.locator(".goes li")).to_have_text([GHENT, LISBON])
    told = page.inner_text(".forgetting")
    picture(page, "forget", tmp_path)
    found = faults(page)
    report = forget(page)
    expect(page.locator(".count")).to_have_text("17 memories")

    assert "Generations 1, 2, 3 and 4 have learned it" in told
    assert "the base model answers until the next night" in report
    assert {} == found
    assert LISBON not in listed(page)


def test_a_memory_found_by_its_meaning_is_gone_from_the_list_when_it_is_forgotten(page):
    page.fill("input[name=search]", "where is my home")
    expect(page.locator(".group")).to_have_text("Close in meaning")
    text = listed(page)[0]
    page.click(".opener >> nth=0")
    expect(page.locator(".panel .statement")).to_have_text(text)
    page.click(".panel .button:has-text('Forget')")
    forget(page)
    expect(page.locator(".count")).to_contain_text(" of 17 memories, close in meaning")
    expect(page.locator(".group")).to_have_text("Close in meaning")

    assert listed(page)
    assert text not in listed(page)


def test_nothing_is_forgotten_that_the_preview_did_not_show(page):
    remember(page, "The user has lived in Lisbon for years.")
    expect(page.locator(".count")).to_have_text("19 memories")
    opened(page, LISBON)
    page.click(".panel .button:has-text('Forget')")
    expect(page.locator(".also:not(.certain) input")).to_have_count(1)
    page.evaluate("""() => {
        document.querySelector(".also:not(.certain) input").click();
        document.querySelector(".dialog .button.danger").click();
    }""")
    expect(page.locator(".goes li")).to_have_count(3)
    seen_after = page.inner_text(".dialog h2")
    forget(page)

    assert "Forget this for good?" == seen_after
    expect(page.locator(".count")).to_have_text("17 memories")
