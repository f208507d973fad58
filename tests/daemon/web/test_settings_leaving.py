"""The settings' keys and ways out in a real browser: what is taken along, who is signed out, what is deleted."""

import json

import httpx
from playwright.sync_api import expect

from tests.daemon.web.browser import faults, picture, signed_in

PATH, LOADED = "/settings", ".keys"


def test_a_key_is_made_shown_once_and_revoked(page, daemon, tmp_path):
    page.click(".make-key summary")
    page.get_by_label("For which program?").fill("editor")
    page.get_by_label("read: see chats").check()
    page.click("text=Make it")
    key = page.inner_text(".new-key code")
    row = page.locator(".key-list li")
    expect(row.locator(".chip")).to_have_text(["chat", "read"])
    models = httpx.get(f"{daemon.url}/v1/models", headers={"authorization": f"Bearer {key}"}, trust_env=False)
    picture(page, "keys", tmp_path)
    found = faults(page)
    page.reload()
    expect(row).to_contain_text("used last on")
    assert 0 == page.locator(f"text={key}").count()
    page.click("text=Revoke")
    page.click(".dialog .button.danger")
    expect(row).to_have_text("No program has a key of its own.")

    assert (200, {}) == (models.status_code, found)


def test_everything_is_taken_out_as_one_file(page):
    with page.expect_download() as begun:
        page.click("text=Export everything")
    lines = [json.loads(line) for line in begun.value.path().read_text().splitlines()]

    assert "tsubasa.jsonl" == begun.value.suggested_filename
    assert any("Lisbon" in json.dumps(line) for line in lines)


def test_what_is_deleted_is_shown_first_and_only_typed_words_delete_it(page, daemon, tmp_path):
    page.click("text=Delete everything")
    expect(page.locator(".deleting .place-words").first).to_contain_text("Chats and memories")
    expect(page.locator(".deleting")).to_contain_text(str(daemon.home))
    picture(page, "deleting", tmp_path)
    found = faults(page)
    page.fill(".deleting input", "yes")
    page.click(".deleting .button.danger")
    expect(page.locator(".q-notification")).to_contain_text("Nothing was deleted")

    assert {} == found
    assert (daemon.home / "store.db").exists()


def test_a_long_system_prompt_is_written_as_it_stands(page, daemon):
    field = page.get_by_label("System prompt")
    field.fill('Answer briefly.\nSay "du" to me.')
    field.press("Tab")
    expect(page.locator(".waits .button")).to_have_text("Start again now")
    page.reload()

    expect(page.get_by_label("System prompt")).to_have_value('Answer briefly.\nSay "du" to me.')


def test_signed_out_everywhere_every_open_page_ends_with_the_way_back_in(browser, daemon):
    daemon.order("life")
    with signed_in(browser, daemon.url, page="/settings") as (first, _):
        with signed_in(browser, daemon.url, page="/memories") as (second, _):
            first.click("text=Sign out everywhere")
            first.click(".dialog .button.danger")
            for page in (first, second):
                expect(page.locator("main")).to_contain_text("tsubasa open")
