"""Every room as axe-core sees it, in both themes, on a phone, a tablet and a desk; also what opens in it."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.daemon.web.browser import SETTLED_MS, WIDTHS, signed_in

PACKAGE = find_spec("axe_playwright_python")
RUN = """async () => (await axe.run()).violations.map(
    (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`)"""
ROOMS = {  # what is opened there: a selector of what is clicked, and of what comes
    "/?chat=1": ((), ".turn.assistant"),
    "/": ((), ".composer-field"),
    "/memories?memory=2": ((), ".panel .statement"),
    "/nights": ((), ".report"),
    "/inbox": ((), ".imported"),
    "/privacy": ((), ".figure"),
    "/settings": ((".another-model summary", ".make-key summary"), ".ways-out"),
}
pytestmark = pytest.mark.skipif(PACKAGE is None, reason="axe-playwright-python is not installed")


def violations(page):
    """What axe finds in each theme and at each width, without movement; what is clean is left out."""
    page.emulate_media(reduced_motion="reduce")  # half-faded colours have no contrast
    page.evaluate(f"{axe()}; undefined")
    found = {}
    for theme in ("light", "dark"):
        chosen = (
            f"localStorage.setItem('tsubasa.theme', '{theme}'); dispatchEvent(new StorageEvent('storage'))"
        )
        page.evaluate(chosen)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(SETTLED_MS)
            found[f"{theme}, {width} px"] = page.evaluate(RUN)
    return {where: what for where, what in found.items() if what}


def axe():
    """The script, as the package brings it."""
    assert PACKAGE is not None and PACKAGE.origin
    return (Path(PACKAGE.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ROOMS)
def test_axe_finds_nothing_in_a_room(browser, daemon, path):
    clicks, comes = ROOMS[path]
    daemon.order("life")
    with signed_in(browser, daemon.url, page=path) as (page, seen):
        page.wait_for_selector(comes)
        for one in clicks:
            page.click(one)
        found = violations(page)

    assert ({}, []) == (found, seen.wrong)


def test_axe_finds_nothing_in_dialogs_and_in_the_list_of_shortcuts(browser, daemon):
    daemon.order("life")
    with signed_in(browser, daemon.url, page="/settings") as (page, _):
        page.click("text=Delete everything")
        expect(page.locator(".deleting .place-words").first).to_be_visible()
        deleting = violations(page)
        page.keyboard.press("Escape")
        expect(page.locator(".deleting")).to_have_count(0)
        page.keyboard.press("?")
        expect(page.locator("dialog.shortcuts")).to_be_visible()
        shortcuts = violations(page)

    assert ({}, {}) == (deleting, shortcuts)
