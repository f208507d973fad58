"""
A real browser for the tests: Debian's Chromium, without a window, in which only this machine exists.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from daemon.client.client import Client
from tests.daemon.api.world import KEY
from tests.whole.house import ROOT, need

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
TELL_BUGS = """addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
    for (const one of changes) for (const node of one.addedNodes) {
        if (node.textContent.includes("inside Tsubasa went wrong")) console.error("a bug was told of");
    }
}).observe(document.body, {childList: true, subtree: true}));"""
PATIENCE_MS = 20_000  # on a busy machine
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; a test without one is skipped."""
    program = need("chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a daemon with stand-ins for its models, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.daemon.web.served", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdin
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


class Seen:
    """What went on in a page besides what it shows."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []  # addresses
        self.wrong: list[
            str
        ] = []  # errors of scripts, rules that were broken, our own bugs that were told of
        page.add_init_script(TELL_BUGS)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)


@contextmanager
def signed_in(browser: Browser, url: str, *, key: str = KEY, page: str = "/") -> Iterator[tuple[Page, Seen]]:
    """A page in a browser of its own that came in through a link."""
    with Client(url, key, home=Path("/")) as client:
        link = client.open_link(page)
    context = browser.new_context(viewport=WIDE, color_scheme="light")
    context.set_default_timeout(PATIENCE_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    opened = context.new_page()
    seen = Seen(opened)
    opened.goto(link)
    opened.wait_for_selector(".rail")
    yield opened, seen
    context.close()


def picture(page: Page, name: str, folder: Path) -> None:
    """Keep a screenshot for a person to look at: in SCREENSHOTS, else in `folder`."""
    place = Path(os.environ.get("SCREENSHOTS") or folder)
    place.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(place / f"{name}.png"))
