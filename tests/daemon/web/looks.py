"""
What one looks for in a page: contrast, names, sizes, headings, width; and where the keyboard leads.
"""

from pathlib import Path

from playwright.sync_api import Page

from tests.daemon.web.browser import NARROW, WIDE

SCRIPT = (Path(__file__).parent / "looks.js").read_text()
SETTLED_MS = 300  # the page lays itself out again a moment after its width has changed
PLACE = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const ringed = [at, at.closest(".composer"), at.closest(".q-field__control")].some((el) => el && (
    getComputedStyle(el).outlineStyle !== "none" || getComputedStyle(el).boxShadow !== "none"));
  return {name: at.getAttribute("aria-label") || at.textContent.trim() || at.tagName, ringed,
    x: Math.round(box.x), y: Math.round(box.y), inside: box.bottom > 0 && box.top < innerHeight && box.right > 0};
}"""


def faults(page: Page) -> dict[str, list[str]]:
    """What is wrong, in each light and at each width, without movement; empty lists are left out."""
    found = {}
    page.emulate_media(reduced_motion="reduce")  # half-faded colours have no contrast
    for theme in ("light", "dark"):
        page.evaluate(
            f"localStorage.setItem('tsubasa.theme', '{theme}'); dispatchEvent(new StorageEvent('storage'))"
        )
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.wait_for_timeout(SETTLED_MS)
            found[f"{theme}, {name}"] = page.evaluate(SCRIPT)
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
