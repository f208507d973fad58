"""
The daemons of profiles: one process each, started by the main daemon when it is asked for, ended with it.

    a request that names anna ──> runs? ──no──> `tsubasa up` on profiles/anna, a free port of loopback ──> its address
    main daemon ── standard input ──> "1" somebody is being answered, "0" nobody any more, its end: leave

Nothing of a profile is opened here: its store has a key of its own, and what comes of it comes over HTTP. Which model
answers, and how, is the main daemon's; what a profile's own config.toml says counts more. An idle daemon without work
ends by itself (`below.py`); each is started once a day for its night, and once after the main daemon's start for what
was left undone.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from daemon import home as homes
from daemon.config import settings as configuration
from daemon.config.night_window import DAY, When, read_when
from daemon.config.settings import ENVIRONMENT, Config, Settings
from daemon.errors import KNOWN, DaemonError, HomeInUse, ProfileUnusable
from daemon.hardware.offload_plan import FITS
from daemon.home import Home, HomeLock
from daemon.processes.process import environment, module
from daemon.processes.supervisor import ignore_failure
from daemon.profiles.below import ANSWERING, SILENT
from daemon.profiles.registry import Profiles, find

BELOW = "--below"  # the option of `tsubasa up` that has it serve a profile for its parent
OWN = frozenset({"host", "port", "model", "users", "system_prompt"})  # settings that are nobody else's
START_S = 600.0  # a large model may come from a cold disk
FREE_S = 15.0  # that the daemon of a main one that was killed has to go away
ENDING_S = 30.0  # that one has to end in peace
TRIED_AGAIN_S = 5.0  # after a start that failed
LOOK_EVERY_S = 0.05
WAKE_AFTER_S = 600.0  # after the main daemon's start
WAKE_EVERY_S = 60.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the daemon of a profile answers, and to whom."""

    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How a daemon is started."""

    argv: list[str]
    environment: Mapping[str, str]


def command(settings: Settings, model: str, home: Home) -> Command:
    """
    `tsubasa up` for the profile at `home`, with the main daemon's settings where its config.toml names none.

    Raises:
        ConfigError: that file can't be read, or says what it can't say.
    """
    named = configuration.load(home.config, environment={}).origin
    given = {
        key: value
        for key, value in _values(settings.config).items()
        if key not in OWN and settings.origin[key] not in ("default", FITS)
    }
    shared = {key: value for key, value in given.items() if named[key] == "default"}
    others = {name: value for name, value in environment().items() if not name.startswith(ENVIRONMENT)}
    ours = {ENVIRONMENT + key.upper(): value for key, value in {**shared, "users": "*"}.items()}
    which = ["--model", model] if named["model"] == "default" else []
    argv = [*module("daemon"), "up", "--home", str(home.path), "--port", "0", *which, BELOW]
    return Command(argv=argv, environment={**others, **ours})


def _values(config: Config) -> dict[str, str]:
    return {name: _text(value) for name, value in asdict(config).items()}


def _text(value: object) -> str:
    """A setting as the environment has it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


class Daemon:
    """That of one profile; runs or not."""

    def __init__(self, name: str, home: Home, made: Callable[[Home], Command]) -> None:
        """`made`: how to start it."""
        self.name, self._home, self._made = name, home, made
        self.failure: str | None = None  # why the last start failed, or how the last life ended
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[Place] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._last_words = ""
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """Of its process while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def served(self, *, is_answering: bool) -> Place:
        """Where it answers; started where it does not run. Raises `ProfileUnusable`."""
        if (place := self._place()) is not None:
            return place
        if self._starting is None or self._starting.done():
            if self.failure is not None and time.monotonic() < self._not_before:
                raise ProfileUnusable(self.name, self.failure)
            self._starting = asyncio.create_task(self._start(is_answering), name=f"profile {self.name}")
            self._starting.add_done_callback(ignore_failure)
        try:
            return await asyncio.shield(self._starting)  # who gives up does not end it for the others
        except asyncio.CancelledError:
            if self._starting.cancelled():
                raise ProfileUnusable(self.name, "the daemon is stopping") from None
            raise

    async def gone(self) -> None:
        """It does not answer any more: wait for its end. Raises `ProfileUnusable` where it does not end."""
        try:
            async with asyncio.timeout(FREE_S):
                if self._process is not None:
                    await self._process.wait()
        except TimeoutError as error:
            raise ProfileUnusable(self.name, "its process is there and does not answer") from error

    def tell(self, is_answering: bool) -> None:
        """Let it know whether somebody is being answered, whose processors its night would take."""
        process = self._process
        if process is not None and process.returncode is None and process.stdin is not None:
            process.stdin.write(ANSWERING if is_answering else SILENT)

    async def stop(self) -> None:
        """End it; it commits open answers first."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(ENDING_S):
                await process.wait()
        except TimeoutError:
            log.error("The daemon of the profile %r did not end in time and was killed", self.name)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=1)

    def _place(self) -> Place | None:
        """Where it has announced itself, if it runs."""
        found = homes.running(self._home)
        if found is None or self.pid is None or found.pid != self.pid:
            return None
        key = homes.read_api_key(self._home)
        return Place(found.url, key) if key else None

    async def _start(self, is_answering: bool) -> Place:
        try:
            place = await self._announced() if self.pid else None  # it starts again by itself, or just ends
            if place is None:
                await self._started()
                self.tell(is_answering)
                place = await self._announced()
            if place is None:
                raise DaemonError(self._last_words.removeprefix("tsubasa: ") or "its process said nothing")
        except (*KNOWN, OSError) as error:
            self.failure, self._not_before = str(error), time.monotonic() + TRIED_AGAIN_S
            log.error("The daemon of the profile %r does not start: %s", self.name, error)
            raise ProfileUnusable(self.name, str(error)) from error
        self.failure = None
        log.info("The daemon of the profile %r serves, process %s", self.name, self.pid)
        return place

    async def _started(self) -> None:
        homes.prepare(self._home)
        made = self._made(self._home)
        await self._free()
        self._last_words = ""
        self._process = await asyncio.create_subprocess_exec(
            *made.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=dict(made.environment),
            start_new_session=True,  # Ctrl-C is for the main daemon, which ends this one
        )
        self._reading = asyncio.create_task(self._log(self._process), name=f"log of {self.name}")

    async def _free(self) -> None:
        """Wait for the daemon that a killed main one has left: it is about to end."""
        end = time.monotonic() + FREE_S
        lock = HomeLock(self._home)
        while True:
            try:
                lock.take()
            except HomeInUse:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                return lock.release()

    async def _announced(self) -> Place | None:
        """Once it serves; None once its process has ended."""
        end = time.monotonic() + START_S
        while self.pid is not None and time.monotonic() < end:
            if (place := self._place()) is not None:
                return place
            await asyncio.sleep(LOOK_EVERY_S)
        if self.pid is not None and self._process is not None:
            self._process.kill()
            raise DaemonError(f"it did not serve within {START_S:.0f} s")
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=1)
        return None

    async def _log(self, process: asyncio.subprocess.Process) -> None:
        """Its log in ours, line by line, and how it ended."""
        logger = logging.getLogger(f"daemon.profile.{self.name}")
        while process.stderr is not None:
            try:
                line = await process.stderr.readline()
            except ValueError:  # longer than the reader's buffer
                continue
            if not line:
                break
            self._last_words = line.decode("utf-8", "replace").rstrip()
            logger.info("%s", self._last_words)
        code = await process.wait()
        if process.stdin is not None:
            with suppress(
                OSError
            ):  # before 3.11.5 Python logs a traceback where a broken pipe is not asked for
                await process.stdin.wait_closed()
        if code:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            logger.warning("Its process %s; the next request starts it again", how)


class Daemons:
    """Those of all profiles of a home."""

    def __init__(self, home: Home, settings: Settings, made: Callable[[Home], Command]) -> None:
        """Nothing is started yet. `made`: how to start the daemon of the profile at a home."""
        self.known = Profiles(home)
        self.is_answering = False  # somebody, here or in a profile
        self._home, self._made = home, made
        config = settings.config
        self._night: When | None = read_when(config.night_when) if config.night else None
        self._daemons: dict[str, Daemon] = {}
        self._woken: dict[str, str] = {}  # name -> the day for whose night it was started
        self._waking: asyncio.Task[None] | None = None
        self._is_stopping = False

    def begin(self) -> None:
        """From now on start each once for its night."""
        self._waking = asyncio.create_task(self._wake(), name="profiles")

    async def served(self, name: str) -> Place:
        """Where the profile's daemon answers; raises `ProfileUnusable`, and `DaemonError` where there is no such."""
        if self._is_stopping:
            raise ProfileUnusable(name, "the daemon is stopping")
        find(self._home, name)
        return await self._daemon(name).served(is_answering=self.is_answering)

    async def gone(self, name: str) -> None:
        """As `Daemon.gone`."""
        await self._daemon(name).gone()

    def pid(self, name: str) -> int | None:
        """Of the profile's daemon, while it runs."""
        return self._daemon(name).pid

    @property
    def failures(self) -> dict[str, str]:
        """Why the daemons of profiles do not start, where they don't."""
        return {one.name: one.failure for one in self._daemons.values() if one.failure}

    def tell(self, is_answering: bool) -> None:
        """Whether somebody is being answered: no night of anybody takes the processors then."""
        self.is_answering = is_answering
        for one in self._daemons.values():
            one.tell(is_answering)

    async def stop_one(self, name: str) -> None:
        """End the daemon of a profile, if it runs; the next request starts it again."""
        if (one := self._daemons.pop(name, None)) is not None:
            await one.stop()

    async def stop(self) -> None:
        """End all of them; none starts any more."""
        self._is_stopping = True
        if self._waking is not None:
            self._waking.cancel()
        await asyncio.gather(*(one.stop() for one in self._daemons.values()))

    def _daemon(self, name: str) -> Daemon:
        if name not in self._daemons:
            self._daemons[name] = Daemon(name, self._home.profile(name), self._made)
        return self._daemons[name]

    async def _wake(self) -> None:
        """One after the other: a machine in the night, or just started, is not to load all of them at once."""
        await asyncio.sleep(WAKE_AFTER_S)
        while True:
            if self._night is not None:
                await self._wake_one(_day(datetime.now(), self._night))
            await asyncio.sleep(WAKE_EVERY_S)

    async def _wake_one(self, day: str) -> None:
        try:
            waiting = [one.name for one in self.known.every if self._woken.get(one.name) != day]
            lived = [name for name in waiting if self._home.profile(name).store.exists()]
            if lived:
                self._woken[lived[0]] = day
                await self.served(lived[0])
        except DaemonError as error:
            log.warning("A night of a profile may be missed: %s", error)


def _day(now: datetime, when: When) -> str:
    """The day on which the hours of the night began last."""
    begins = datetime.combine(now.date(), when.begins)
    return (begins if begins <= now else begins - DAY).date().isoformat()
