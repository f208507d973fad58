"""
The audit, folded away below the memories: which look like junk, and what the person said of answers. Read when opened.
"""

from daemon.client import calls
from daemon.client.schemas.memories import Audit
from daemon.client.transport import AsyncClient
from daemon.text import counted, upright
from daemon.web.components import dom

MOST = 20  # of each, shown
THUMBS = {1: "A good answer:", -1: "A bad answer:"}


def audit_card(backend: AsyncClient) -> None:
    """The card, closed."""
    with dom.details("Audit", "card audit") as folded:
        dom.text("What looks like junk, and what you said of answers. Nothing is changed by looking.", "soft")
        place = dom.box()

    async def load() -> None:
        found = await backend.ask(calls.audit())
        place.clear()
        with place:
            _junk(found)
            _said(found)

    async def opened() -> None:
        await dom.fill(place, load)

    dom.on(folded, "toggle", opened, js_handler="(event) => { if (event.target.open) emit() }")


def _junk(found: Audit) -> None:
    held = counted(found["held"], "memory", "memories")
    looks = "looks" if found["junk"] == 1 else "look"
    dom.text(f"{found['junk']:,} of {held} {looks} like junk.", "soft")
    for one in found["suspects"][:MOST]:
        with dom.box("noted"), dom.box("noted-words"):
            dom.text(f"{one['kind'].capitalize()}:", "soft", tag="span")
            dom.memory_link(upright(one["text"]), one["memory_id"], classes="link line")
    if (left := len(found["suspects"]) - MOST) > 0:
        dom.text(f"And {left:,} more: tsubasa memories audit", "soft")


def _said(found: Audit) -> None:
    if not found["feedback"]:
        return
    dom.text("What you said of answers is never recalled nor taught.", "soft")
    for one in found["feedback"][:MOST]:
        with dom.box("noted said-of-answer"), dom.box("noted-words"):
            dom.text(THUMBS.get(one["thumb"], "An answer:"), "soft", tag="span")
            dom.text(one["answer"], "line", tag="span")
            if one["correction"]:
                dom.text(f"Better: {one['correction']}", "line better", tag="span")
    if (left := len(found["feedback"]) - MOST) > 0:
        dom.text(f"And {left:,} more: tsubasa memories audit", "soft")
