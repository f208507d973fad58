"""The room of nights in a real browser: mornings, a night under way, generations."""

from playwright.sync_api import expect

from tests.daemon.web.browser import NARROW, faults, picture
from tests.daemon.web.daemon import BASE_SAYS

PATH, LOADED = "/nights", ".headline"


def generations(page):
    page.click(".tab:has-text('Generations')")
    page.wait_for_selector(".generation")


def test_the_latest_morning_is_told_in_prose(page, tmp_path):
    picture(page, "morning", tmp_path)
    prose = page.inner_text(".told-prose")

    assert "Three new things learned, one thing put right." == page.inner_text(".headline")
    assert "generation 4 answers since" in prose
    assert "You had me forget 2 memories, 3 messages and 6 lessons" in prose
    assert "The user lives in Ghent." == page.inner_text(".told.corrected s")
    assert "you did not say it yourself" in page.inner_text(".told.waits")
    assert {} == faults(page)


def test_what_was_missed_is_shown_with_what_was_said_and_what_is_right(page):
    told = page.inner_text(".told.missed li >> nth=0")

    assert told.startswith("Asked: What did I tell you on")
    assert "I said: Mia" in told and "Right is: Your name is Mira." in told


def test_the_curve_and_the_exam_of_a_night_are_shown(page):
    assert "The loss fell from" in page.get_attribute(".report .curve", "aria-label")
    assert 5 == page.locator(".exam tbody tr").count()
    assert "What you told me" in page.inner_text(".exam tbody tr >> nth=0")


def test_another_night_is_chosen_from_the_list(page):
    page.click(".night:has-text('did not pass')")
    expect(page.locator(".headline")).to_have_text("What I learned did not pass the exam.")

    assert "Refused" == page.inner_text(".report .chip")
    assert "true" == page.get_attribute(".night:has-text('did not pass')", "aria-current")
    assert 6 == page.locator(".night").count()


def test_a_line_of_the_report_leads_to_its_memory(page):
    page.click(".told.learned .link >> nth=0")
    expect(page.locator(".panel .statement")).to_have_text("The user would like to visit Japan in autumn.")


def test_a_night_under_way_is_followed_and_its_end_is_seen(page, daemon, tmp_path):
    daemon.order("night 60")
    expect(page.locator(".tonight .chip")).to_have_text("60 of 180 steps")
    first = page.get_attribute(".tonight .curve", "aria-label")
    daemon.order("night 120")
    expect(page.locator(".tonight .chip")).to_have_text("120 of 180 steps")
    picture(page, "night", tmp_path)
    later = page.get_attribute(".tonight .curve", "aria-label")
    stage = page.inner_text(".stage.now")
    found = faults(page)
    daemon.order("morning")
    expect(page.locator(".tonight h2")).to_have_text("Tonight")

    assert ("in 60 steps" in first, "in 120 steps" in later) == (True, True)
    assert "Learn" == stage
    assert {} == found
    expect(page.locator(".tonight .curve")).to_be_hidden()


def test_generations_are_listed_with_what_answers_and_opened(page, tmp_path):
    generations(page)
    picture(page, "generations", tmp_path)
    page.click(".generation:has-text('Generation 3') >> text=Look inside")
    expect(page.locator(".generation:has-text('Generation 3') .exam")).to_be_visible()

    assert "Generation 4 answers" == page.inner_text(".generations h2")
    assert "answers now" in page.inner_text(".generation.live")
    assert 5 == page.locator(".generation").count()
    assert 0 == page.locator(".generation:has-text('Generation 3') >> text=Let it answer").count()
    assert {} == faults(page)


def test_one_goes_back_a_generation_and_forth_again(page):
    generations(page)
    page.click("text=Go back to 2")
    page.click(".dialog .button.main")
    expect(page.locator(".generations h2")).to_have_text("Generation 2 answers")
    page.click("text=Go back to 1")
    page.click(".dialog .button.main")
    expect(page.locator(".generations h2")).to_have_text("Generation 1 answers")
    page.click("text=Go back to the base model")
    page.click(".dialog .button.main")
    expect(page.locator(".generations h2")).to_have_text("The base model answers")
    page.click(".generation:has-text('Generation 4') >> text=Let it answer")
    expect(page.locator(".generations h2")).to_have_text("Generation 4 answers")


def test_two_generations_stand_side_by_side_and_are_asked_the_same(page, tmp_path):
    generations(page)
    page.click(".compare >> text=Compare")
    expect(page.locator(".beside tbody tr").first).to_contain_text("What you told me")
    learned = page.inner_text(".compared")
    page.fill(".ask-both input", "Where do I live?")
    page.keyboard.press("Enter")
    expect(page.locator(".both-answer")).to_contain_text([BASE_SAYS, BASE_SAYS])
    picture(page, "compare", tmp_path)
    page.select_option("[aria-label='This one']", "4")
    expect(page.locator(".compared")).to_contain_text("Choose two different ones.")

    assert "Only generation 4 learned" in learned
    assert "The user will run a half marathon in March." in learned
    assert {} == faults(page)


def test_a_narrow_window_shows_the_morning_first(page, tmp_path):
    page.set_viewport_size(NARROW)
    picture(page, "morning_narrow", tmp_path)
    report, nights = (page.locator(one).bounding_box() for one in (".report", ".nights-list"))

    assert report["y"] < nights["y"]
