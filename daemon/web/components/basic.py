"""
What rooms are furnished with: headings, texts, buttons, cards, fields, dialogs, in the page's own style.

Promises: plain elements with real names (button, a, h2), so that keyboards and screen readers know them; text
is text, never markup; what a click starts goes on when the place that was clicked is cleared meanwhile.
Knows nothing of the rooms.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from nicegui import Client, helpers, ui
from nicegui.elements.mixins.text_element import TextElement

from daemon.web.components.icons import icon

Handler = Callable[..., Any]


def box(classes: str = "", *, tag: str = "div") -> ui.element:
    """An element to put others into: `with box("card"): ...`."""
    return ui.element(tag).classes(classes)


def text(words: str, classes: str = "", *, tag: str = "p") -> TextElement:
    """Words, as they are; markup in them is shown, not obeyed."""
    return TextElement(tag=tag, text=words).classes(classes)


def heading(title: str, lead: str = "") -> None:
    """The head of a room: its name, and one sentence about it."""
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


def button(
    words: str, on_click: Handler, *, picture: str = "", kind: str = "quiet", classes: str = ""
) -> ui.element:
    """A button with words; `kind` is "main", "quiet", "danger" or "link"."""
    made = ui.element("button").classes(f"button {kind} {classes}").props("type=button")
    with made:
        if picture:
            icon(picture)
        text(words, tag="span")
    on(made, "click", on_click)
    return made


def icon_button(name: str, on_click: Handler, *, picture: str, classes: str = "") -> ui.element:
    """A button that is only a picture; `name` is what it does, said by its tooltip and to screen readers."""
    made = ui.element("button").classes(f"icon-button {classes}").props("type=button")
    made.props["aria-label"] = name
    made.props["title"] = name
    with made:
        icon(picture)
    on(made, "click", on_click)
    return made


def link(words: str, to: str, *, classes: str = "", picture: str = "") -> ui.element:
    """A link to a place of the page."""
    made = ui.element("a").classes(f"link {classes}")
    made.props["href"] = to
    with made:
        if picture:
            icon(picture)
        text(words, tag="span")
    return made


def chip(words: str, kind: str = "", *, picture: str = "") -> ui.element:
    """A word in a pill; `kind` is "", "good", "warm", "bad" or "wing"."""
    made = box(f"chip {kind}", tag="span")
    with made:
        if picture:
            icon(picture)
        text(words, tag="span")
    return made


def field(label: str, *, value: str = "", hint: str = "", lines: int = 1, name: str = "") -> "Field":
    """A labelled line of text, or several `lines`; its words are in `.value`."""
    return Field(label, value=value, hint=hint, lines=lines, name=name)


class Field:
    """A text field with its label above it."""

    def __init__(self, label: str, *, value: str, hint: str, lines: int, name: str) -> None:
        with box("field") as self.box:
            words = text(label, "field-label", tag="label")
            made = ui.input if lines == 1 else ui.textarea
            self.input: Any = made(value=value, placeholder=hint).props("outlined dense autocomplete=off")
            self.input.props["aria-label"] = label
            self.input.props["for"] = f"f{self.input.id}"
            words.props["for"] = f"f{self.input.id}"
            if name:
                self.input.props["name"] = name
            if lines > 1:
                self.input.props(f"autogrow rows={lines}")

    @property
    def value(self) -> str:
        """What is in it."""
        return str(self.input.value or "")


def choice(
    label: str, options: Sequence[tuple[str, str]], value: str, on_change: Handler, *, classes: str = ""
) -> ui.element:
    """A native select; `options` are (value, words). `on_change` gets the event, the value in `.args`."""
    made = ui.element("select").classes(f"choice {classes}")
    made.props["aria-label"] = label
    with made:
        for key, words in options:
            one = text(words, tag="option")
            one.props["value"] = key
            if key == value:
                one.props["selected"] = True
    on(made, "change", on_change, js_handler="(event) => emit(event.target.value)")
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
    """What a room shows while it has nothing; put a button inside if there is a way on."""
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


def say(words: str, kind: str = "") -> None:
    """A word that passes: at the edge of the window, and to screen readers; `kind` "bad" stays longer."""
    ui.notify(
        words,
        position="bottom",
        timeout=9000 if kind == "bad" else 4000,
        classes=f"said {kind}",
        close_button="Close" if kind == "bad" else False,
    )


async def confirm(
    title: str, words: str, *, yes: str, kind: str = "main", more: Callable[[], None] | None = None
) -> bool:
    """Ask before something is done; `more` may put further elements under the words."""
    with ui.dialog() as dialog, box("dialog"):
        dialog.props["aria-label"] = title
        text(title, tag="h2")
        text(words)
        if more:
            more()
        with box("actions"):
            button("Cancel", lambda: dialog.submit(False))
            button(yes, lambda: dialog.submit(True), kind=kind)
    dialog.on("hide", dialog.delete)
    answer: Awaitable[Any] = dialog
    return bool(await answer)
