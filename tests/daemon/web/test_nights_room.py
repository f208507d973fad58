"""The room of nights in a real browser: mornings, a night under way, generations."""

from playwright.sync_api import expect

from tests.daemon.web.browser import NARROW, faults, picture
from tests.daemon.web.daemon import BASE_SAYS

PATH, LOADED = "/nights", ".headline"


def generations(page):
    page.click(".tab:has-text('Generations')")
    page.wait_for_selector(".generation")


def test_the_latest_morning_is_told_with_its_lists_its_curve_and_its_exam(page, tmp_path):
    picture(page, "morning", tmp_path)
    page.click(".for-experts > summary")
    missed = page.inner_text(".told.missed li >> nth=0")

    assert "generation 4" in page.inner_text(".told-prose")
    assert "The user lives in Ghent." == page.inner_text(".told.corrected s")
    assert "Mia" in missed and "Your name is Mira." in missed
    assert 1 == page.locator(".told.waits .link").filter(has_text="Piranesi").count()
    assert "The loss fell from" in page.get_attribute(".report .curve", "aria-label")
    assert 5 == page.locator(".report .exam tbody tr").count()
    assert {} == faults(page)
    page.click(".told.learned .link >> nth=0")
    expect(page.locator(".panel .statement")).to_have_text("The user would like to visit Japan in autumn.")


def test_another_night_is_chosen_from_the_list_which_a_narrow_window_shows_last(page, tmp_path):
    assert 6 == page.locator(".night").count()
    refused = page.locator(".night", has=page.locator(".unseen:text-is('Refused')"))
    refused.click()
    expect(page.locator(".report .chip")).to_have_text("Refused")
    page.set_viewport_size(NARROW)
    picture(page, "morning_narrow", tmp_path)
    report, nights = (page.locator(one).bounding_box() for one in (".report", ".nights-list"))

    assert "true" == refused.get_attribute("aria-current")
    assert report["y"] < nights["y"]


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
    page.click(".generation:has-text('Generation 3') >> text=Details >> nth=0")
    expect(page.locator(".generation:has-text('Generation 3') .exam")).to_be_visible()

    assert "Generation 4 answers" == page.inner_text(".generations h2")
    assert "answers now" in page.inner_text(".generation.live")
    assert 5 == page.locator(".generation").count()
    assert 0 == page.locator(".generation:has-text('Generation 3') >> text=Use this one").count()
    assert {} == faults(page)


def test_one_goes_back_a_generation_and_forth_again(page):
    generations(page)
    for back, now in (("2", "Generation 2"), ("1", "Generation 1"), ("the base model", "The base model")):
        page.click(f"text=Go back to {back}")
        page.click(".dialog .button.main")
        expect(page.locator(".generations h2")).to_have_text(f"{now} answers")
    page.click(".generation:has-text('Generation 4') >> text=Use this one")
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


def test_what_the_next_night_costs_is_found_out_by_a_button_while_the_engine_rests(page):
    words = page.locator(".tonight-words")
    expect(words).to_contain_text("not measured yet")
    words.get_by_text("Measure", exact=True).click()
    expect(words).to_contain_text("the night makes them first")  # of these memories no lessons are made yet
    expect(words.get_by_text("Measure", exact=True)).to_have_count(0)
