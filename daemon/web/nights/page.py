"""
The room of nights: the one that comes or runs, the mornings after the others, the generations that they made.

Promises: a night under way is followed as it goes; when it ends, its report is there. Knows nothing of how either
part is furnished.
"""

from nicegui import ui

from daemon.web.components import basic
from daemon.web.components.inputs import Tabs
from daemon.web.layout import Visit
from daemon.web.nights.current import Tonight
from daemon.web.nights.generations import Generations
from daemon.web.nights.reports import Mornings

NAMES = (("mornings", "Mornings"), ("generations", "Generations"))


def build(visit: Visit) -> None:
    """Furnish the room."""
    basic.heading("Nights", "What I learn while you sleep, and what became of it.")
    first = (
        "generations"
        if "generation" in visit.asked or visit.asked.get("tab") == "generations"
        else "mornings"
    )
    tabs: dict[str, ui.element] = {}

    async def choose(key: str) -> None:
        for name, tab in tabs.items():
            tab.set_visibility(name == key)

    async def load() -> None:
        await mornings.load()
        await generations.load()

    tonight = Tonight(visit.desk, on_end=load)
    Tabs("What to show", NAMES, first, choose)
    with basic.box("tab-page") as tabs["mornings"]:
        mornings = Mornings(visit.desk, visit.asked.get("night", ""))
    with basic.box("tab-page") as tabs["generations"]:
        generations = Generations(visit.desk, visit.asked.get("generation", ""))
    for name, tab in tabs.items():
        tab.set_visibility(name == first)
    ui.timer(0.01, load, once=True)
    tonight.follow()
