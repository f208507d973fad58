"""
The pictures of the README: the page of a real daemon, after the demo's seven weeks and a night of `little`.

    python -m tests.whole.pictures docs/pictures
"""

import re
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from daemon.cli.demo_stories import LIVELY
from daemon.client.client import Client
from tests.daemon.web.browser import chromium, picture, signed_in
from tests.whole.house import Daemon, worked
from tests.whole.nights import QUIET, home_of_little, night

QUESTIONS = ("Which instrument am I learning?", "Is there anything that I'm allergic to?")
CHANGED = "Lisbon"
LATELY = date.today() - date.fromisoformat(LIVELY.chats[-1].day) - timedelta(days=1)
LONGEST_S = 1800.0
TRIES = 3  # a small model: one night of several is refused by its exam


def main(folder: Path) -> None:
    """Live through it all, and take each picture in the folder."""
    with tempfile.TemporaryDirectory(prefix="tsubasa-pictures-") as place, chromium() as browser:
        daemon = Daemon(home_of_little(Path(place)), "", **QUIET | {"threads": "2"}).start()
        try:
            with daemon.own() as client:
                live(client)
            with signed_in(browser, str(daemon.running["url"]), key=daemon.key) as (page, _):
                chat(page, folder)
                memory(page, folder)
                morning(page, folder)
                off_the_record(page, folder)
        finally:
            daemon.stop()


def live(client: Client) -> None:
    """Seven weeks that end yesterday, and a night."""
    for one in LIVELY.chats:
        history: list[dict[str, str]] = []
        for minute, said in enumerate(one.said):
            at = f"{date.fromisoformat(one.day) + LATELY}T12:{minute:02}:00+00:00"
            history.append({"role": "user", "content": said})
            extras = {"recall": False, "said_at": at}
            pieces = client.chat(
                history, model="tsubasa", temperature=0, max_tokens=LIVELY.longest, tsubasa=extras
            )
            history.append({"role": "assistant", "content": "".join(pieces)})
    worked(client, client.tend, "tended", seconds=LONGEST_S)
    reports = (night(client, seconds=LONGEST_S) for _ in range(TRIES))
    assert any(report["adopted"] for report in reports)


def chat(page: Page, folder: Path) -> None:
    """Two questions, and why the second was answered so."""
    for number, question in enumerate(QUESTIONS, start=1):
        page.fill(".composer-field", question)
        page.keyboard.press("Enter")
        expect(page.locator(".turn.assistant")).to_have_count(number)
        expect(page.locator(".turn.assistant").last).to_have_attribute("aria-busy", "false", timeout=60_000)
    page.locator(".why-button").last.click()
    page.wait_for_selector(".why-numbers")
    page.click("text=What would the base model say?")
    page.wait_for_selector(".base-answer")
    shown(page, "chat", folder)


def memory(page: Page, folder: Path) -> None:
    """One memory that changed, with its history."""
    page.click(".rail >> text=Memories")
    page.locator(".opener", has_text=CHANGED).first.click()
    page.wait_for_selector(".step")
    shown(page, "memory", folder)


def morning(page: Page, folder: Path) -> None:
    """What the night did."""
    page.click(".rail >> text=Nights")
    page.wait_for_selector(".headline")
    shown(page, "nights", folder)


def off_the_record(page: Page, folder: Path) -> None:
    """A private chat, on a small dark screen."""
    page.emulate_media(color_scheme="dark")
    page.goto(re.sub(r"/nights.*", "/?private=1", page.url))
    expect(page.locator("html")).to_have_attribute("data-private", "")
    page.fill(".composer-field", "Between us: I plan to surprise my sister.")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.assistant").last).to_have_attribute("aria-busy", "false", timeout=60_000)
    shown(page, "off_the_record", folder)
    page.set_viewport_size({"width": 360, "height": 740})
    shown(page, "off_the_record_narrow", folder)


def shown(page: Page, name: str, folder: Path) -> None:
    """The picture, once nothing moves."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(600)
    picture(page, name, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
