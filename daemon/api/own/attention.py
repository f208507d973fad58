"""
What a person should look at: troubles of this moment, and notices of what happened, each with what helps.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.processes.supervisor import Supervisor
from daemon.text import counted, shorten, who_answers
from store.jobs import Job
from store.notices import Notice

LITTLE_ROOM = 500 * 2**20  # bytes; below, a night or a large import may not fit
STARTS_NOT = {  # child: what helps
    "engine": "Choose another model, under Settings on the page or in a terminal: tsubasa pull",
    "embedder": "Memories are found by their words meanwhile. See what it lacks: tsubasa doctor",
}
MEND_MODELS = "Put the setting models right in config.toml, and start Tsubasa again."
LOOK_AT_LOG = "See what it lacks: tsubasa doctor"
MAKE_ROOM = "Make room: models and backups are the largest of Tsubasa's own; Privacy on the page shows where they lie."
SEEN = "Once you have seen it: tsubasa status --seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing to look at."""

    kind: str  # "child" | "work" | "night" | "disk" | "store" | "model" | "profile", or of a notice
    what: str  # one sentence
    do: str  # what helps, for a person


def troubles(
    *,
    children: Sequence[Supervisor],
    failure: str | None,
    night: Job | None,
    free_bytes: int | None,
    rests: str | None = None,
) -> list[Trouble]:
    """
    What a person should look at now.

    Args:
        failure: what the last look of the background work failed with.
        night: the job of the latest night.
        free_bytes: room on the disk of the home; None: unknown.
        rests: why nights that failed alike are not tried again by themselves.
    """
    found = [
        Trouble(
            kind="child",
            what=f"The {child.name} does not start: {child.last_error}",
            do=STARTS_NOT.get(child.name, LOOK_AT_LOG),
        )
        for child in children
        if child.state == "failed" and child.last_error
    ]
    if free_bytes is not None and free_bytes < LITTLE_ROOM:
        what = f"Only {free_bytes // 2**20} MB are free on the disk of the home."
        found.append(Trouble(kind="disk", what=what, do=MAKE_ROOM))
    if night is not None and night.error and night.state != "running":
        what = f"The last night failed: {night.error}"
        again = f"{rests[0].upper()}{rests[1:]}. " if rests else ""
        found.append(Trouble(kind="night", what=what, do=f"{again}Try again: `tsubasa night`."))
    if failure is not None and not (night is not None and night.error and night.error in failure):
        what = f"Background work failed: {failure}"
        found.append(Trouble(kind="work", what=what, do="It is tried again later."))
    return found


def damaged(why: str) -> Trouble:
    """A store of which something can't be read."""
    do = (
        "Stop Tsubasa and put the newest backup back: tsubasa restore --replace, which moves the damaged file aside. "
        "Without one, take out what can be read: tsubasa export; and import it into a new home."
    )
    return Trouble(kind="store", what=f"The store is damaged: {why}", do=do)


def unusable_profile(name: str, why: str) -> Trouble:
    """A profile whose daemon does not start."""
    do = f"It is tried again when somebody asks for it. Try: tsubasa profiles start {name}"
    return Trouble(kind="profile", what=f"The profile {name!r} does not start: {why}", do=do)


def told(found: Sequence[Notice]) -> list[Trouble]:
    """What happened and nobody has seen yet, in words."""
    return [Trouble(kind=one.kind, what=_what(one), do=f"{_do(one)} {SEEN}") for one in found]


def _what(one: Notice) -> str:
    about, on = one.about, f"{one.at.astimezone():%Y-%m-%d %H:%M}"
    match one.kind:
        case "missing":
            return (
                f"{counted(about['commits'], 'change')} that had been kept {'is' if about['commits'] == 1 else 'are'} "
                f"missing: when the store was opened on {on}, its log (store.db-wal) was lost or damaged, or an older "
                f"copy stood in its place."
            )
        case "adapter":
            instead = who_answers(about["instead"])
            which = f"Generation {about['generation']}"
            return f"{which} can't answer since {on}: its adapter is damaged. Now {instead} answers."
        case "backup":
            return f"On {on} no backup could be made: {about['why']}"
        case "flood":
            return (
                f"On {on} {about['program']} wanted to add more memories than the {about['limit']} that programs may "
                f"in an hour; what went beyond was refused."
            )
        case "user":
            return (
                f"A client named another user on {on}, {shorten(about['name'], 40)!r}. This home is one person's: "
                f"others "
                f"are answered without memories, and nothing of their chats is kept."
            )
        case _:
            return f"Something happened on {on} ({one.kind})."


def _do(one: Notice) -> str:
    match one.kind:
        case "missing":
            return (
                "Look at your last chats: what is not there was lost. If you have a newer copy, stop Tsubasa and put "
                "it back, with its store.db-wal."
            )
        case "adapter":
            return "Learn anew: tsubasa night. The disk may be failing: look at it, and make a copy of your home."
        case "backup":
            return "Try it: tsubasa backup."
        case "flood":
            name = shlex.quote(one.about["program"])
            return f"See them: tsubasa memories programs. Take all of it back: tsubasa memories take-back {name}."
        case "user":
            name = json.dumps(one.about["name"])
            return (
                f"If that is you: users = {name} in config.toml. If not, and they want to be remembered: tsubasa "
                f"profiles add NAME --user {shlex.quote(one.about['name'])}."
            )
        case _:
            return "Look at the log."
