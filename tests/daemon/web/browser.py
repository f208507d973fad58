"""
A real browser for the tests: Debian's Chromium, without a window, in which only this machine exists; what one does in
it, and what one looks for in a page: contrast, names, sizes, headings, width, and where the keyboard leads.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from daemon.client.client import Client
from tests.daemon.api.world import KEY
from tests.whole.house import need

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
SCRIPT = (Path(__file__).parent / "looks.js").read_text()
SETTLED_MS = 300  # the page lays itself out again a moment after its width has changed
PLACE = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const ringed = [at, at.closest(".composer"), at.closest(".q-field__control")].some((el) => el && (
    getComputedStyle(el).outlineStyle !== "none" || getComputedStyle(el).boxShadow !== "none"));
  return {name: at.getAttribute("aria-label") || at.textContent.trim() || at.tagName, ringed,
    x: Math.round(box.x), y: Math.round(box.y), inside: box.bottom > 0 && box.top < innerHeight && box.right > 0};
}"""
WIDTHS = (360, 900, 1440)
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


class Seen:
    """What went on in a page besides what it shows."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []  # addresses
        self.wrong: list[str] = []  # errors of scripts, rules that were broken, our own bugs that were shown
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
    opened.wait_for_function("window.socket?.connected")  # before that, nobody hears what is sent
    yield opened, seen
    context.close()


def picture(page: Page, name: str, folder: Path) -> None:
    """Keep a screenshot for a person to look at: in SCREENSHOTS, else in `folder`."""
    place = Path(os.environ.get("SCREENSHOTS") or folder)
    place.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(place / f"{name}.png"))


def ask(page: Page, question: str) -> None:
    """Type a question and send it."""
    page.fill(".composer-field", question)
    page.keyboard.press("Enter")


def answered(page: Page, question: str = "Where do I live?") -> None:
    """Ask, and wait for the whole answer."""
    ask(page, question)
    wait_for_answer(page)


def wait_for_answer(page: Page) -> None:
    expect(page.locator(".turn.assistant").last).to_have_attribute("aria-busy", "false")


def faults(page: Page) -> dict[str, list[str]]:
    """What is wrong, in each light and at each width, without movement; empty lists are left out."""
    found = {}
    page.emulate_media(reduced_motion="reduce")  # half-faded colours have no contrast
    for theme in ("light", "dark"):
        page.evaluate(
            f"localStorage.setItem('tsubasa.theme', '{theme}'); dispatchEvent(new StorageEvent('storage'))"
        )
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(SETTLED_MS)
            found[f"{theme}, {width} px"] = page.evaluate(SCRIPT)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.emulate_media(reduced_motion="null")
    return {where: what for where, what in found.items() if what}


def to_the_top(page: Page) -> None:
    """Put the keyboard's place before everything; leaving the field alone would not move it."""
    page.evaluate("""() => {
        const start = document.createElement("span");
        start.tabIndex = -1;
        document.body.prepend(start);
        start.focus();
    }""")


def way_of_the_keyboard(page: Page, steps: int) -> list[dict[str, object]]:
    """What has the focus after each press of Tab, from the top of the page."""
    to_the_top(page)
    places = []
    for _ in range(steps):
        page.keyboard.press("Tab")
        places.append(page.evaluate(PLACE))
    return places
