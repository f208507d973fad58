"""The page in a real browser: who gets in, what it loads, and how it looks to everybody."""

import re

import pytest
from playwright.sync_api import expect

from daemon.web.layout import VIEWS
from tests.daemon.web.browser import Seen, faults, picture, signed_in, to_the_top, way_of_the_keyboard


def test_a_stranger_sees_nothing_but_how_to_get_in(browser, url):
    context = browser.new_context()
    page = context.new_page()
    seen = Seen(page)
    reply = page.goto(url + "/memories")

    assert 401 == reply.status
    assert "tsubasa open" in page.inner_text("main")
    assert [] == [address for address in seen.asked if not address.startswith(url)]
    context.close()


def test_a_link_leads_in_and_works_in_one_browser_only(browser, url, visit):
    page, _ = visit
    stranger = browser.new_context()
    other = stranger.new_page()
    other.goto(url)

    assert url + "/" == page.url
    assert "This page is yours alone" == other.inner_text("h1")
    stranger.close()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_loads_from_this_machine_only_and_can_be_read_by_all(visit, url, view, tmp_path):
    page, seen = visit
    page.goto(url + view.path)
    page.wait_for_selector(".status:not(:has-text('…'))")
    foreign = [one for one in seen.asked if not one.startswith((url, url.replace("http", "ws"), "data:"))]
    found = faults(page)
    picture(page, f"page_{view.name.lower()}", tmp_path)

    assert ([], [], {}) == (foreign, seen.wrong, found)
    assert f"{view.name} · Tsubasa" == page.title()
    assert view.name == page.inner_text("[aria-current=page]").strip()


def test_the_keyboard_goes_from_the_skip_link_through_the_rooms_into_the_room(visit):
    page, _ = visit
    page.wait_for_selector(".past-row")
    way = way_of_the_keyboard(page, 14)
    names = [str(place["name"]) for place in way]

    assert ["Skip to the room", "Tsubasa, to the chat"] == names[:2]
    assert [view.name for view in VIEWS] == names[2:7]
    assert ["Ready", "Switch between light and dark", "Who answers", "Off the record", "New chat"] == names[
        7:12
    ]
    assert all(place["ringed"] and place["inside"] for place in way), way


def test_the_skip_link_leads_into_the_room(visit):
    page, _ = visit
    to_the_top(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert "room" == page.evaluate("document.activeElement.id")


def test_the_light_follows_the_system_until_one_chooses_and_the_choice_stays(visit, url):
    page, _ = visit
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-theme", "dark")
    page.click(".theme")
    expect(html).to_have_attribute("data-theme", "light")
    page.goto(url + "/nights")

    expect(html).to_have_attribute("data-theme", "light")


def test_the_first_paint_comes_within_a_second(visit, url):
    page, _ = visit
    paints = []
    for _ in range(3):
        page.goto(url + "/memories")
        page.wait_for_selector(".rail")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))

    assert 1000 > sorted(paints)[1], paints


def test_text_in_the_page_can_not_become_a_script(visit, url):
    page, seen = visit
    page.goto(url + "/")
    page.wait_for_selector(".rail")
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.taken = 1';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.taken = 2">');
    }""")
    page.wait_for_timeout(200)

    assert page.evaluate("window.taken === undefined")
    assert any(re.search("Content Security Policy", one) for one in seen.wrong)


def test_the_visit_of_a_link_begins_in_its_room(browser, url):
    with signed_in(browser, url, page="/nights") as (page, _):
        assert url + "/nights" == page.url
