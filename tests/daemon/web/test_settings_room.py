"""The room of the settings in a real browser."""

from playwright.sync_api import expect

from tests.daemon.web.browser import faults, picture
from tests.whole.house import wait_for

PATH, LOADED = "/settings", ".setting"


def test_a_setting_is_changed_a_wrong_one_is_refused_and_a_pause_is_begun_and_ended(page, daemon, tmp_path):
    picture(page, "settings", tmp_path)
    found = faults(page)
    field = page.get_by_label("Temperature")
    field.fill("hot")
    field.press("Tab")
    expect(page.locator(".q-notification")).to_contain_text("0 to 2")
    field.fill("0.3")
    field.press("Tab")
    expect(page.locator(".waits .button")).to_have_text("Start again now")
    page.get_by_label("Nights by themselves").select_option("true")
    expect(page.locator(".q-notification").last).to_contain_text("Written")
    page.click("text=Pause for an hour")
    expect(page.locator(".pause")).to_contain_text("Logging is paused until")
    page.click("text=Resume")
    expect(page.get_by_text("Pause for an hour")).to_be_visible()

    assert {} == found
    assert "temperature = 0.3" in (daemon.home / "config.toml").read_text()


def test_a_zone_is_chosen_of_those_there_are_and_the_languages_of_recall_are_told(page, daemon):
    file, zone = daemon.home / "config.toml", page.get_by_label("Time zone")
    zone.fill("Atlantis/Capital")
    zone.press("Tab")
    expect(page.locator(".q-notification", has_text="Europe/Berlin")).to_be_visible()
    zone.fill("America/Sao_Paulo")
    zone.press("Tab")

    wait_for(lambda: file.exists() and 'time_zone = "America/Sao_Paulo"' in file.read_text())
    assert 1 == page.locator("#zones option[value='Asia/Kolkata']").count()
    expect(page.locator(".setting").last).to_contain_text("tsubasa up --reindex")
