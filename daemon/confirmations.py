"""
Confirmations: what a program wants to do and a person must allow first.

    ask ──> waiting ──> allowed: working ──> done | failed
               |──────> refused
               |──────> expired   nobody answered within ten minutes
               '──────> void      what it was about is gone

The first decision counts; silence means no. All of it is in memory: after a restart nothing waits. The number of a
confirmation can't be guessed.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from daemon.errors import NoSuchConfirmation, NotWaiting, TooManyWaiting

WAITS = timedelta(minutes=10)
KEPT = timedelta(minutes=10)  # so long the one who asked can see how it ended
MOST = 20  # that wait at once
State = Literal["waiting", "working", "done", "failed", "refused", "expired", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Forget these memories for good."""

    memories: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Put a memory in other words."""

    memory: int
    text: str


@dataclass(slots=True, kw_only=True)
class Confirmation:
    """One act and what became of it."""

    id: str
    act: Forget | Edit
    asked_by: str  # the program, as it calls itself
    asked_at: datetime  # UTC
    state: State = "waiting"
    outcome: Mapping[str, Any] | None = None  # ids and numbers, no words of the user's; None until it is done
    failure: str | None = None  # why it could not be done
    ended_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """Until then it can be decided; UTC."""
        return self.asked_at + WAITS

    @property
    def memories(self) -> tuple[int, ...]:
        """The memories that it is about."""
        return self.act.memories if isinstance(self.act, Forget) else (self.act.memory,)


class Confirmations:
    """All that wait, and those that ended a short while ago."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._all: dict[str, Confirmation] = {}

    def ask(self, act: Forget | Edit, *, asked_by: str) -> Confirmation:
        """
        Have a person asked; the same act asked again by the same program is the same confirmation.

        Raises:
            TooManyWaiting: nobody would read them all.
        """
        waiting = self.waiting()
        for one in waiting:
            if (one.act, one.asked_by) == (act, asked_by):
                return one
        if len(waiting) >= MOST:
            raise TooManyWaiting(MOST)
        made = Confirmation(id=secrets.token_hex(4), act=act, asked_by=asked_by, asked_at=self._now())
        self._all[made.id] = made
        return made

    def waiting(self) -> list[Confirmation]:
        """Those that nobody has decided, the oldest first."""
        self._look_at_the_clock()
        return [one for one in self._all.values() if one.state == "waiting"]

    def get(self, id: str) -> Confirmation:
        """One confirmation, or `NoSuchConfirmation`."""
        self._look_at_the_clock()
        if id not in self._all:
            raise NoSuchConfirmation(id)
        return self._all[id]

    def decide(self, id: str, *, allow: bool) -> Confirmation:
        """
        Allow it, and the caller does it and says how it `ended`; or refuse it.

        Raises:
            NoSuchConfirmation, NotWaiting: there is nothing to decide.
        """
        one = self.get(id)
        if one.state != "waiting":
            raise NotWaiting(id, one.state)
        if allow:
            one.state = "working"
        else:
            self.ended(one, "refused")
        return one

    def ended(
        self,
        one: Confirmation,
        state: State,
        *,
        outcome: Mapping[str, Any] | None = None,
        failure: str | None = None,
    ) -> None:
        """Note how it ended; words that it proposed are kept no longer."""
        one.state, one.outcome, one.failure, one.ended_at = state, outcome, failure, self._now()
        if isinstance(one.act, Edit):
            one.act = Edit(memory=one.act.memory, text="")

    async def forget(self) -> None:
        """Something was forgotten: edits that wait may tell it, so they wait no longer."""
        for one in self.waiting():
            if isinstance(one.act, Edit):
                self.ended(one, "void")

    def _look_at_the_clock(self) -> None:
        now = self._now()
        for one in list(self._all.values()):
            if one.state == "waiting" and now >= one.expires_at:
                self.ended(one, "expired")
            if one.ended_at is not None and now >= one.ended_at + KEPT:
                del self._all[one.id]
