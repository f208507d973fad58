"""
Watches the daemon and does what the menu asks for, in a thread of its own.

    every second or so: status ──view──> icon           menu ──Action──> queue ──> daemon ──> notification

One request at a time. A daemon that stops, starts or refuses is shown and never ends the icon; each trouble is
shown once as a notification.
"""

import queue
from collections.abc import Callable, Sequence
from typing import TypeVar

from daemon.client.client import Client
from daemon.client.schemas.memories import Confirmation
from daemon.client.schemas.nights import Generations
from daemon.client.schemas.status import Status
from daemon.errors import DaemonError, NotRunning
from tray import actions
from tray.state import Action, Seen, View, view

BUSY_S, IDLE_S, DOWN_S = 1.0, 2.0, 2.0  # seconds between two looks
LISTED_EVERY = 30  # looks; the list of generations changes when a night ends, and rarely otherwise

T = TypeVar("T")


class Watcher:
    """From `run` to `stop`."""

    def __init__(
        self,
        connect: Callable[[], Client],
        *,
        show: Callable[[View], None],
        notify: Callable[[str], None],
        start: actions.DaemonStart,
        leave: Callable[[], None],
        browse: actions.Browse = actions.browse,
    ) -> None:
        """
        Args:
            notify: shows a notification.
            leave: called when the user closes the icon.
        """
        self._connect, self._show, self._notify = connect, show, notify
        self._start, self._leave, self._browse = start, leave, browse
        self._asked: queue.Queue[Action | None] = queue.Queue()
        self._client: Client | None = None
        self._generations: Generations | None = None
        self._listed_for: tuple[object, ...] = ()
        self._looks = 0
        self._notified: frozenset[str] = frozenset()
        self._is_first = True

    def ask(self, action: Action) -> None:
        """Have it done soon; from any thread."""
        self._asked.put(action)

    def stop(self) -> None:
        """End `run` soon; from any thread."""
        self._asked.put(None)

    def run(self) -> None:
        """Look and act until `stop`."""
        while True:
            seen = self.look()
            self._show(view(seen))
            try:
                action = self._asked.get(timeout=pause_s(seen))
            except queue.Empty:
                continue
            if action is None:
                break
            self._do(action)
        if self._client is not None:
            self._client.close()

    def look(self) -> Seen:
        """What the daemon says now."""
        is_starting = self._is_starting()
        try:
            status = self._with_client(lambda client: client.status())
            seen = Seen(
                status=status,
                generations=self._list_generations(status),
                confirmations=self._list_confirmations(status),
            )
        except NotRunning:
            return Seen(starting=is_starting)
        except DaemonError as error:  # another key, say
            return Seen(why_down=str(error), starting=is_starting)
        self._notify_of_news(seen)
        return seen

    def _do(self, action: Action) -> None:
        try:
            if action.does == "quit":
                self._leave()
            elif action.does == "start":
                self._start.begin()
            else:
                message = self._with_client(lambda client: actions.act(action, client, browse=self._browse))
                self._listed_for = ()
                if message is not None:
                    self._notify(message)
        except DaemonError as error:
            self._notify(str(error))

    def _with_client(self, ask: Callable[[Client], T]) -> T:
        if self._client is None:
            self._client = self._connect()
        try:
            return ask(self._client)
        except NotRunning:
            self._client.close()
            self._client = None  # the next daemon may have another port
            raise

    def _is_starting(self) -> bool:
        try:
            return self._start.is_under_way()
        except DaemonError as error:
            self._notify(str(error))
            return False

    def _list_generations(self, status: Status) -> Generations:
        self._looks += 1
        night = status["work"]["night"]
        now = (status["pid"], status["generation"], night["progress"] is None, self._looks // LISTED_EVERY)
        if self._generations is None or now != self._listed_for:
            self._generations = self._with_client(lambda client: client.generations())
            self._listed_for = now
        return self._generations

    def _list_confirmations(self, status: Status) -> Sequence[Confirmation]:
        if not status["confirmations"]:
            return ()
        return self._with_client(lambda client: client.confirmations())["confirmations"]

    def _notify_of_news(self, seen: Seen) -> None:
        """Tell what was not there at the last look; what is there at the first is seen on the icon."""
        asked = {one["id"]: f"{one['says']} Decide in the menu of the icon." for one in seen.confirmations}
        assert seen.status is not None
        troubles = {one["what"]: f"{one['what']} {one['do']}" for one in seen.status["attention"]}
        news = asked if self._is_first else asked | troubles
        for name, text in news.items():
            if name not in self._notified:
                self._notify(text)
        self._notified = frozenset(asked) | frozenset(troubles)
        self._is_first = False


def pause_s(seen: Seen) -> float:
    """Until the next look: shorter while something goes on."""
    if seen.status is None:
        return DOWN_S
    is_busy = seen.status["thinking"]["answers"] or seen.status["work"]["night"]["progress"]
    return BUSY_S if is_busy else IDLE_S
