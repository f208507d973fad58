"""
The ways out: everything as one file, this browser or all of them signed out, and everything deleted.

What is deleted is shown first, with where it lies; it is done only for words that somebody typed.
"""

from collections.abc import Sequence

from daemon.client import calls
from daemon.client.schemas.status import Place
from daemon.client.transport import AsyncClient
from daemon.text import counted
from daemon.web.components import dom
from daemon.web.formatting import size
from daemon.web.settings.restart import expect_end

TYPED = "delete everything"
NAMES = {
    "store": "Chats and memories",
    "inbox": "Files in the inbox",
    "uploads": "Files dropped onto the page",
    "models": "Models",
    "backups": "Backups",
    "prompts": "Saved system prompts",
    "profiles": "Other people's profiles, with all that is theirs",
    "keys": "Keys",
    "settings": "Settings",
    "log": "Log",
    "rest": "All else of Tsubasa",
}


def ways_out(backend: AsyncClient) -> None:
    """The card."""

    async def sign_out() -> None:
        words = "Every browser, this one too, needs a new link to come back: tsubasa open. Programs keep their keys."
        if await dom.confirm("Sign out everywhere?", words, yes="Sign all out", kind="danger"):
            await backend.ask(calls.sign_out_everywhere())

    with dom.section("Take it with you, or leave", classes="ways-out"):
        dom.text("Everything that you said and all memories, as one file that can be imported again.", "soft")
        with dom.box("row"):
            export = dom.link("Export everything", "/page/export", classes="button quiet", picture="download")
            export.props["download"] = "tsubasa.jsonl"
        with dom.box("row"):
            dom.link("Sign this browser out", "/sign-out", classes="button quiet")
            dom.button("Sign out everywhere", sign_out)
            dom.button("Delete everything", lambda: _delete(backend), kind="danger", picture="forget")


async def _delete(backend: AsyncClient) -> None:
    found = await backend.ask(calls.storage())
    with dom.dialog("Delete everything", "deleting") as dialog:
        dom.text("Delete everything?", tag="h2")
        dom.text(
            "All of this is deleted from this machine for good, and Tsubasa stops. Without a backup elsewhere nothing "
            "of it comes back. Copies that you made yourself are not touched."
        )
        _parts(found["places"])
        field = dom.Field(f"Type “{TYPED}”", name="typed")
        with dom.box("actions"):
            dom.button("Cancel", dialog.close)
            dom.button("Delete everything", lambda: dialog.submit(field.value), kind="danger")
    typed = await dom.answer_of(dialog)
    if typed is None:
        return
    if " ".join(str(typed).split()).casefold() == TYPED:
        expect_end(
            "Everything was deleted.", "Tsubasa has stopped, and nothing of yours is left in its folder."
        )
    await backend.ask(calls.delete_everything(str(typed)))
    dom.notify("Deleting …")


def _parts(places: Sequence[Place]) -> None:
    with dom.box("places", tag="ul").props("tabindex=0"):  # it scrolls, by the keyboard too
        for one in places:
            with dom.box("place-words", tag="li"):
                dom.text(
                    f"{NAMES[one['what']]}: {counted(one['files'], 'file')}, {size(one['bytes'])}", "name"
                )
                dom.text(one["path"], "soft small mono path")
