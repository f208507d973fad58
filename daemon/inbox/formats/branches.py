"""
Conversations with branches: the path from the first message to the last one that was shown.

    hi ── hello ── I live in Ghent ── noted
             `─── I live in Oslo ── noted          <- the leaf: only its path is read

Promises: a circle, or a message that is named and not there, is an error with its place, never an endless loop.
Knows nothing of any one format.
"""

from collections.abc import Mapping

from daemon.inbox.errors import BrokenExport


def path_to(name: str, place: str, parents: Mapping[str, object], leaf: object) -> list[str]:
    """
    The messages from the first one to `leaf`.

    Args:
        parents: of each message, the one before it; None: it is a first one.

    Raises:
        BrokenExport: the path leaves the file, or goes in a circle.
    """
    path: dict[str, None] = {}
    at = leaf
    while at is not None:
        if not isinstance(at, str) or at not in parents:
            raise BrokenExport(name, place, f"its message {at!r:.50} is not in the file")
        if at in path:
            raise BrokenExport(name, place, "its messages go in a circle")
        path[at] = None
        at = parents[at]
    return list(reversed(path))


def newest_leaf(parents: Mapping[str, object]) -> str | None:
    """The last message in the file's order that no other one follows; None if there is none."""
    followed = {parent for parent in parents.values() if isinstance(parent, str)}
    return next((message for message in reversed(list(parents)) if message not in followed), None)
