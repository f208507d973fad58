"""
The components that pages are built of: headings, texts, buttons, tables, fields, dialogs, in the page's own style.

They are plain elements with real names (button, a, h2) and a label each, so that keyboards and screen readers know
them. Text is text, never markup.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from nicegui import Client, helpers, ui
from nicegui.elements.mixins.text_element import TextElement

from daemon.errors import DaemonError
from daemon.web.components.icons import icon

Handler = Callable[..., Any]
_COMMAND = re.compile(
    r"`(tsubasa [^`]+)`|: (tsubasa [a-z][\w \-]*)[.,;]?"
)  # in a sentence that says what helps
_VALUE = "(event) => emit(event.target.value)"


def box(classes: str = "", *, tag: str = "div", label: str = "") -> ui.element:
    """An element to put others into: `with box("card"): ...`; `label` is what screen readers call it."""
    made = ui.element(tag).classes(classes)
    if label:
        made.props["aria-label"] = label
    return made


def text(words: str, classes: str = "", *, tag: str = "p") -> TextElement:
    """Words, as they are; markup in them is shown, not obeyed."""
    return TextElement(tag=tag, text=words).classes(classes)


def heading(title: str, lead: str = "") -> None:
    """The head of a page: its name, and one sentence about it."""
    with box("room-head", tag="header"):
        text(title, tag="h1")
        if lead:
            text(lead, "lead")


def section(title: str, lead: str = "", *, classes: str = "") -> ui.element:
    """A card with a title; put its content inside."""
    card = box(f"card {classes}", tag="section")
    with card:
        text(title, tag="h2")
        if lead:
            text(lead, "soft")
    return card


def details(summary: str, classes: str = "") -> ui.element:
    """What is folded away until somebody opens it; put its content inside."""
    made = box(classes, tag="details")
    with made:
        text(summary, tag="summary")
    return made


@contextmanager
def table(label: str, titles: Sequence[str], classes: str) -> Generator[ui.element]:
    """A table with a head; put its rows inside, as `tr`."""
    scrolls = box("table-box", label=label).props(
        "role=group tabindex=0"
    )  # by the keyboard, where it is too wide
    with scrolls, box(f"plain {classes}", tag="table", label=label):
        with box(tag="thead"), box(tag="tr"):
            for title in titles:
                if title:
                    text(title, tag="th").props("scope=col")
                else:
                    box(tag="td")  # a head without words would be read out as one
        with box(tag="tbody") as body:
            yield body


def plain_button(classes: str, on_click: Handler | None = None, *, name: str = "") -> ui.element:
    """A button without a look of its own; put its content inside. `name` is its tooltip and label."""
    made = box(classes, tag="button", label=name).props("type=button")
    if name:
        made.props["title"] = name
    return on(made, "click", on_click) if on_click else made


def button(
    words: str, on_click: Handler, *, picture: str = "", kind: str = "quiet", classes: str = ""
) -> ui.element:
    """A button with words; `kind` is "main", "quiet", "danger" or "link"."""
    made = plain_button(f"button {kind} {classes}", on_click)
    _fill_with(made, words, picture)
    return made


def icon_button(name: str, on_click: Handler, *, picture: str, classes: str = "") -> ui.element:
    """A button that is only a picture; `name` is what it does, said by its tooltip and to screen readers."""
    with plain_button(f"icon-button {classes}", on_click, name=name) as made:
        icon(picture)
    return made


def link(words: str, to: str, *, classes: str = "link", picture: str = "") -> ui.element:
    """A link to a place of the page; with the classes "button main" it looks like a button."""
    made = box(classes, tag="a")
    made.props["href"] = to
    _fill_with(made, words, picture)
    return made


def memory_link(words: str, memory_id: int, *, classes: str = "link line") -> ui.element:
    """A link to one memory."""
    return link(words, f"/memories?memory={memory_id}", classes=classes)


def chip(words: str, kind: str = "", *, picture: str = "") -> ui.element:
    """A word in a pill; `kind` is "", "good", "warm", "bad" or "wing"."""
    made = box(f"chip {kind}", tag="span")
    _fill_with(made, words, picture)
    return made


def _fill_with(made: ui.element, words: str, picture: str) -> None:
    with made:
        if picture:
            icon(picture)
        text(words, tag="span")


class Field:
    """A text field with its label above it, or several `lines`; its words are in `.value`."""

    def __init__(
        self, label: str, *, value: str = "", hint: str = "", lines: int = 1, name: str = ""
    ) -> None:
        with box("field"):
            words = text(label, "field-label", tag="label")
            made = ui.input if lines == 1 else ui.textarea
            self.input: Any = made(value=value, placeholder=hint).props("outlined dense autocomplete=off")
        self.input.props["aria-label"] = label
        self.input.props["for"] = words.props["for"] = f"f{self.input.id}"
        if name:
            self.input.props["name"] = name
        if lines > 1:
            self.input.props(f"autogrow rows={lines}")

    @property
    def value(self) -> str:
        """What is in it."""
        return str(self.input.value or "")


class DateField:
    """A day to choose, empty at first; its words are in `.value`, "2026-03-05" or ""."""

    def __init__(self, label: str, *, latest: str = "", on_change: Handler | None = None) -> None:
        self.value = ""
        self._on_change = on_change
        with box("field"):
            words = text(label, "field-label", tag="label")
            made = box("choice date", tag="input").props("type=date")
        made.props["max"] = latest
        made.props["id"] = words.props["for"] = f"d{made.id}"
        on(made, "change", self._changed, js_handler=_VALUE)

    async def _changed(self, event: Any) -> None:
        self.value = str(event.args or "")
        if self._on_change is not None:
            await self._on_change(self.value)


def choice(label: str, options: Sequence[tuple[str, str]], value: str, on_change: Handler) -> ui.element:
    """A native select; `options` are (value, words). `on_change` gets the event, the value in `.args`."""
    made = box("choice", tag="select", label=label)
    with made:
        for key, words in options:
            one = text(words, tag="option")
            one.props["value"] = key
            if key == value:
                one.props["selected"] = True
    return on(made, "change", on_change, js_handler=_VALUE)


def labelled_choice(
    label: str, options: Sequence[tuple[str, str]], value: str, on_change: Handler
) -> ui.element:
    """A `choice` with its label above it."""
    with box("field") as made:
        text(label, "field-label").props("aria-hidden=true")
        choice(label, options, value, on_change)
    return made


class Tabs:
    """Names in a row, one of them chosen; `on_choose` gets its key."""

    def __init__(self, label: str, names: Sequence[tuple[str, str]], chosen: str, on_choose: Handler) -> None:
        self._on_choose = on_choose
        self._tabs: dict[str, ui.element] = {}
        with box("tabs", label=label).props("role=group"):
            for key, words in names:
                with plain_button("tab", lambda _, key=key: self._choose(key)) as self._tabs[key]:
                    text(words, tag="span")
        self._mark(chosen)

    async def _choose(self, key: str) -> None:
        self._mark(key)
        await self._on_choose(key)

    def _mark(self, chosen: str) -> None:
        for key, tab in self._tabs.items():
            tab.props["aria-pressed"] = "true" if key == chosen else "false"
            tab.update()


def bar(part: float, label: str, *, kind: str = "") -> ui.element:
    """How much of a whole, 0 to 1, as a bar; `label` says it in words."""
    with box(f"bar {kind}", label=label).props("role=img") as made:
        box("fill").style(f"width: {max(0.0, min(1.0, part)):.1%}")
    return made


def facts(pairs: Sequence[tuple[str, str]]) -> ui.element:
    """Names and what belongs to each, in two columns; an empty one is left out."""
    with box("pairs", tag="dl") as made:
        for name, value in pairs:
            if value:
                text(name, tag="dt")
                text(value, tag="dd")
    return made


def on(element: ui.element, event: str, handler: Handler, *, js_handler: str | None = None) -> ui.element:
    """
    Have `handler` run when `event` happens, in the page and not where `element` stands.

    NiceGUI runs it where the element stands: once that place is cleared, nothing more could be said or opened.
    """
    takes_event = helpers.expects_arguments(handler)

    def run(event: Any) -> Coroutine[Any, Any, None] | None:
        client = ui.context.client
        with client:
            begun = handler(event) if takes_event else handler()
        return _within(client, begun) if inspect.iscoroutine(begun) else None

    return element.on(event, run, js_handler=js_handler) if js_handler else element.on(event, run)


async def _within(client: Client, begun: Coroutine[Any, Any, Any]) -> None:
    with client:
        await begun


def empty(picture: str, title: str, words: str) -> ui.element:
    """What a page shows while it has nothing; put a button inside if there is a way on."""
    made = box("empty")
    with made:
        icon(picture)
        text(title, tag="h2")
        text(words, "soft")
    return made


def problem(words: str) -> ui.element:
    """Something that went wrong, in the place where it matters."""
    made = box("problem").props("role=alert")
    with made:
        icon("warn")
        text(words)
    return made


def trouble(what: str, do: str) -> ui.element:
    """What a person should look at: what is wrong, what helps, and the command that does it, to be copied."""
    made = box("trouble", tag="section").props("role=alert")
    with made:
        icon("warn")
        with box("stack"):
            text(what, "what")
            text(do.replace("`", ""))
            if found := _COMMAND.search(do):
                command(found[1] or found[2])
    return made


def command(words: str) -> None:
    """Something to type into a terminal, with a button that copies it."""
    with box("command"):
        text(words, tag="code")
        copy = plain_button("button quiet", name=f"Copy {words}")
        copy.on("click", js_handler=f"() => tsubasa.copy({json.dumps(words)})")
        with copy:
            text("Copy", tag="span")


def loading(words: str = "One moment …") -> ui.element:
    """What stands where something is being fetched."""
    return text(words, "one-moment soft")


async def fill(place: ui.element, load: Callable[[], Awaitable[None]]) -> None:
    """Have `load` fill a place; where the daemon can't answer, say so there, with a way to try again."""
    try:
        await load()
    except DaemonError as error:
        place.clear()
        with place:
            problem(str(error))
            button("Try again", lambda: fill(place, load), picture="retry", classes="again")


def fill_soon(place: ui.element, load: Callable[[], Awaitable[None]], words: str = "One moment …") -> None:
    """`fill` a place once the page is there; until then it says that something is being fetched."""
    with place:
        loading(words)
    ui.timer(0.01, lambda: fill(place, load), once=True)


def notify(words: str, kind: str = "") -> None:
    """A message that passes: at the edge of the window, and to screen readers; `kind` "bad" stays longer."""
    ui.notify(
        words,
        position="bottom",
        timeout=9000 if kind == "bad" else 4000,
        classes=f"said {kind}",
        close_button="Close" if kind == "bad" else False,
    )


@contextmanager
def dialog(label: str, classes: str = "") -> Generator[ui.dialog]:
    """A dialog; put its content inside, then `open` it, or wait for `answer_of` it."""
    with ui.dialog() as made, box(f"dialog {classes}"):
        made.props["aria-label"] = label
        yield made


async def answer_of(dialog: ui.dialog) -> Any:
    """What was submitted in a dialog, None when it was closed; the dialog is removed."""
    waiting: Awaitable[Any] = dialog
    answer = await waiting
    if not dialog.is_deleted:  # a visitor who left the page has taken it away already
        dialog.delete()
    return answer


async def confirm(
    title: str, words: str, *, yes: str, kind: str = "main", more: Callable[[], None] | None = None
) -> bool:
    """Ask before something is done; `more` may put further elements under the words."""
    with dialog(title) as made:
        text(title, tag="h2")
        text(words)
        if more:
            more()
        with box("actions"):
            button("Cancel", lambda: made.submit(False))
            button(yes, lambda: made.submit(True), kind=kind)
    return bool(await answer_of(made))
