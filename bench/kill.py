"""
What SIGKILL takes: python -m bench.kill [--times N] [--nights SHARE] [--seed S] [--json]

    a daemon with nano ── one piece of work ── SIGKILL at a random moment ── look into the store ── start again ── ...

The work: a turn, a memory, an import, an undone import, something forgotten, a reading of chats, an export, a backup, a
restore over a store, an old store brought up to date, a swap of the generation, a restart, a night at any of its
stages. Killed are the daemon, its engine, embedder or trainer, or the command.
What came back as done is acknowledged, and must be in the store once (what was forgotten or undone: not at all), each
night must have decided once, the database must be whole, backups and restored stores too, and the daemon answers.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from daemon.client.client import Client, connect
from daemon.errors import DaemonError
from daemon.home import Home, running
from store import backup
from store.database import Connection, give_key, migrate, open_store, rows, vector_bits, writing
from store.errors import StoreUnusable
from store.keys import load_or_create_key
from store.schema import APPLICATION_ID, MIGRATIONS
from store.switch import settle
from store.text import base_forms_for_sql, turn_mark

START_S = 600.0
DONE_FIRST = 0.4  # share of the kills that come right after the work was acknowledged
IMPORTED = 150  # messages of one export
OLD, OLD_COUNT = 8, 3000  # schema and messages of the store that is brought up to date
SETTINGS = {
    "PORT": "0",
    "NIGHT": "false",
    "OBSERVE": "false",
    "KEYRING": "file",
    "MODEL": "nano",
    "JOBS_EVERY_S": "0.2",
}
TOLD = (
    "I live in Ghent.",
    "My sister is called Priya.",
    "I have a dog named Biscuit.",
    "My boss is called Ingrid.",
)
LONGEST_S = {  # until the kill, from the beginning of the work; half of the others come within a quarter of it
    "turn": 2.0, "memory": 0.5, "import": 3.0, "undo": 1.0, "forget": 2.0, "tend": 10.0, "export": 0.5, "backup": 3.0,
    "restore": 3.0, "migrate": 3.0, "swap": 0.5, "restart": 3.0, "night": 40.0,
}  # fmt: skip
VICTIMS = {"turn": ("daemon", "daemon", "engine"), "tend": ("daemon", "engine", "embedder"),
           "night": ("daemon", "trainer", "engine"), "backup": ("command",), "restore": ("command",),
           "migrate": ("command",)}  # fmt: skip


@dataclass
class Ledger:
    """What was acknowledged."""

    turns: list[str] = field(default_factory=list)
    memories: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)  # names of files, which stand in each message
    gone: list[str] = field(default_factory=list)  # words that were forgotten, or undone
    backups: int = 0


class House:
    """One home, its daemon, and what is done there."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.scratch = folder
        self.fresh, self.old = folder / "fresh" / "store.db", folder / "old" / "store.db"
        self.restored = 0  # messages in the backup that is restored
        self.ledger = Ledger()
        self.daemon: subprocess.Popen[bytes] | None = None
        self.command: subprocess.Popen[bytes] | None = None
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TSUBASA_")}
        ours = {f"TSUBASA_{key}": value for key, value in SETTINGS.items()}
        self.environment = kept | ours | {"TSUBASA_HOME": str(self.home.path)}

    def start(self, said: IO[bytes] | None = None) -> None:
        """Start the daemon and wait until it serves; `said`: where its log goes."""
        self.daemon = self._run("up", said=said)
        end = time.monotonic() + START_S
        while (there := running(self.home)) is None or there.pid != self.daemon.pid:
            if self.daemon.poll() is not None or time.monotonic() > end:
                raise SystemExit("The daemon did not start again: tsubasa up says why.")
            time.sleep(0.05)

    def kill(self, victim: str) -> bool:
        """SIGKILL one process; False: it was not there."""
        assert self.daemon is not None
        if victim == "command":
            if self.command is None or self.command.poll() is not None:
                return False
            self.command.kill()
            self.command.wait()
            return True
        family = psutil.Process(self.daemon.pid).children(recursive=True)
        chosen = [self.daemon.pid] if victim == "daemon" else [one.pid for one in family if _is(one, victim)]
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if victim == "daemon":
            self.daemon.wait()
            psutil.wait_procs(family, timeout=30)  # they die with it
            self.daemon = None
        return bool(chosen)

    def sizes(self) -> dict[str, float]:
        """Memory (MB) and descriptors of each process, by its name."""
        assert self.daemon is not None
        daemon = psutil.Process(self.daemon.pid)
        found = {"daemon_mb": daemon.memory_info().rss / 2**20, "daemon_fds": float(daemon.num_fds())}
        for child in daemon.children(recursive=True):
            for name in ("engine", "embedder", "trainer"):
                with suppress(psutil.Error):
                    if _is(child, name):
                        found[f"{name}_mb"] = child.memory_info().rss / 2**20
                        found[f"{name}_fds"] = float(child.num_fds())
        return found

    def work(self, kind: str, number: int) -> None:
        """Do one piece of work; what comes back as done goes into the ledger."""
        word = f"{kind}{number}x"
        if kind in ("backup", "restore", "migrate"):
            return self._by_command(kind)
        with connect(self.home) as client:
            getattr(self, f"_{kind}")(client, word)

    def _turn(self, client: Client, word: str) -> None:
        list(client.chat([{"role": "user", "content": f"{word}: how are you?"}], max_tokens=12))
        self.ledger.turns.append(f"{word}: how are you?")

    def _memory(self, client: Client, word: str) -> None:
        client.add(f"The user owns a boat called {word}.")
        self.ledger.memories.append(f"The user owns a boat called {word}.")

    def _import(self, client: Client, word: str) -> None:
        file = self.scratch / f"{word}.jsonl"
        _write_export(file, word)
        moved = self.home.inbox / file.name
        file.rename(moved)
        self.ledger.imports.append(word)  # from here on it is the daemon's to take in, killed or not
        while moved.exists():
            time.sleep(0.05)

    def _undo(self, client: Client, word: str) -> None:
        file = self.scratch / f"{word}.jsonl"
        _write_export(file, word)
        taken = client.import_file(file)
        client.undo_import(taken["import_id"] or 0)
        self.ledger.gone.append(word)

    def _forget(self, client: Client, word: str) -> None:
        made = client.add(f"The user's cat is called {word}.")
        client.forget(memory_ids=[made["memory"]["id"]])
        self.ledger.gone.append(word)

    def _tend(self, client: Client, word: str) -> None:
        client.tend()
        while (job := client.tended()["job"]) and job["state"] in ("waiting", "running"):
            time.sleep(0.1)

    def _export(self, client: Client, word: str) -> None:
        for _ in client.export():
            pass

    def _swap(self, client: Client, word: str) -> None:
        every = [one["id"] for one in client.generations()["generations"] if one["state"] == "adopted"]
        client.use(random.choice([0, *every]))

    def _restart(self, client: Client, word: str) -> None:
        before = client.status()["started_at"]
        self._turn(client, word)
        client.restart()
        while self.daemon is not None and self._started_at() in ("", before):
            time.sleep(0.05)

    def _started_at(self) -> str:
        """When the daemon that answers now began; "": none does."""
        with suppress(OSError, DaemonError), connect(self.home, patience_s=5.0) as client:
            return str(client.status()["started_at"])
        return ""

    def _night(self, client: Client, word: str) -> None:
        client.night(recipe={"steps": 40, "threads": 1})
        while (job := client.nights()["job"]) and job["state"] in ("waiting", "running"):
            time.sleep(0.2)

    def _by_command(self, kind: str) -> None:
        if kind == "backup":
            self.command = self._run("backup")
        elif kind == "restore":
            for aside in self.fresh.parent.glob("*.before-*"):
                aside.unlink()
            words = [str(self.scratch / "first.backup"), "--replace", "--key", str(self.home.path / "key")]
            self.command = self._run("restore", *words, "--home", str(self.fresh.parent))
        else:
            shutil.rmtree(self.old.parent, ignore_errors=True)
            write_old_store(self.old, load_or_create_key(self.old.parent, keyring="file"))
            self.command = self._run("up", "--home", str(self.old.parent))
            wait = time.monotonic() + START_S
            while running(Home(self.old.parent)) is None and time.monotonic() < wait:
                time.sleep(0.05)
            self.command.terminate()
        if self.command.wait() == 0:
            self.ledger.backups += 1

    def _run(self, *words: str, said: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
        nothing = subprocess.DEVNULL
        command = [sys.executable, "-m", "daemon", *words]
        return subprocess.Popen(command, env=self.environment, stdout=nothing, stderr=said or nothing)


def _is(process: psutil.Process, victim: str) -> bool:
    with suppress(psutil.Error):
        words = " ".join(process.cmdline())
        return {"engine": "daemon.engine", "embedder": "daemon.embedding", "trainer": "-m trainer"}[
            victim
        ] in words
    return False


def _write_export(file: Path, word: str) -> None:
    turns = (
        {"role": "assistant" if n % 2 else "user", "content": f"{word} {n} by the river"}
        for n in range(IMPORTED)
    )
    file.write_text("\n".join(map(json.dumps, turns)), encoding="utf-8")


def write_old_store(file: Path, key: bytes) -> None:
    """A store as an early release left it, with some chats."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(Connection(str(file))) as db:
        give_key(db, key)
        db.pragma("application_id", APPLICATION_ID)
        for name, function, count in (
            ("base_forms", base_forms_for_sql, 1),
            ("vector_bits", vector_bits, 1),
            ("turn_mark", turn_mark, 3),
        ):
            db.create_scalar_function(name, function, count, deterministic=True)
        migrate(db, MIGRATIONS[:OLD])
        at = "2026-03-05T12:00:00.000000+00:00"
        with writing(db):
            db.execute("insert into chats values (1, 'api', ?, ?)", (at, at))
            said = ((n, f"old {n} by the river", at, at, f"hash {n}") for n in range(OLD_COUNT))
            db.executemany(
                """insert into messages (id, chat_id, role, speaker, text, said_at, stored_at, source, hash)
                values (?, 1, 'user', '', ?, ?, ?, 'api', ?)""",
                said,
            )


def look(house: House, *, at_rest: bool) -> Counter[str]:
    """What is lost, doubled or broken in the store of a killed daemon; `at_rest`: what was begun had its time."""
    found: Counter[str] = Counter()
    key = load_or_create_key(house.home.path, keyring="file")
    with closing(open_store(house.home.store, key)) as db:
        found["broken"] += [said for (said,) in rows(db, "pragma integrity_check")] != ["ok"]
        texts = Counter(text for (text,) in rows(db, "select text from messages where not redacted"))
        memories = Counter(text for (text,) in rows(db, "select text from memories"))
        for wanted, held in ((house.ledger.turns, texts), (house.ledger.memories, memories)):
            found["lost"] += sum(held[text] == 0 for text in wanted)
            found["doubled"] += sum(held[text] > 1 for text in wanted)
        for word in house.ledger.imports:
            counts = [texts[f"{word} {n} by the river"] for n in range(IMPORTED)]
            found["lost"] += at_rest and counts.count(0)
            found["doubled"] += sum(count > 1 for count in counts)
        told = [*texts, *memories]
        found["not gone"] += sum(any(word in text for text in told) for word in house.ledger.gone)
        twice = """select job_id from nights where outcome in ('adopted', 'refused') and job_id is not null
            group by job_id having count(*) > 1"""
        found["nights twice"] += len(rows(db, twice))
        found["lost"] += len(rows(db, "select 1 from notices where kind = 'missing'"))
    try:
        for file in house.home.backups.glob(f"*{backup.ENDING}"):
            backup.check(file, key)
        found["broken"] += _holds(house.fresh, key) not in (None, house.restored)
        if (house.old.parent / "key").exists():
            secret = load_or_create_key(house.old.parent, keyring="file")
            found["lost"] += OLD_COUNT - (_holds(house.old, secret) or 0)
            for file in Home(house.old.parent).backups.glob(f"*{backup.ENDING}"):
                backup.check(file, secret)
    except StoreUnusable:
        found["broken"] += 1
    return found


def _holds(store: Path, key: bytes) -> int | None:
    """How many messages there are in a store that a command worked on; None: it was not made yet."""
    settle(store)
    if not store.exists():
        return None
    with closing(open_store(store, key)) as db:
        return int(rows(db, "select count(*) from messages")[0][0])


def measure(folder: Path, times: int, nights: float, seed: int, tell: Callable[[str], None]) -> Counter[str]:
    """Kill so many times; what was found, and how much was acknowledged."""
    chance, house, found = random.Random(seed), House(folder), Counter[str]()
    house.start()
    with connect(house.home) as client:
        for text in TOLD:
            list(client.chat([{"role": "user", "content": text}], max_tokens=12))
        house._tend(client, "")
    key = load_or_create_key(house.home.path, keyring="file")
    house.restored = backup.back_up(house.home.store, key, folder / "first.backup")["chats"]
    kinds = [kind for kind in LONGEST_S if kind != "night"]
    number = 0
    while found["kills"] < times:
        number += 1
        kind = "night" if chance.random() < nights else chance.choice(kinds)
        victim = chance.choice(VICTIMS.get(kind, ("daemon",)))
        work = threading.Thread(target=_quietly, args=(house.work, kind, number), daemon=True)
        work.start()
        at_once = chance.random() < DONE_FIRST
        share = chance.random() if kind == "night" else chance.random() ** 2  # all stages of a night alike
        work.join(600.0 if at_once else LONGEST_S[kind] * share)
        killed = house.kill(victim)
        found["kills"] += killed
        if victim != "daemon":
            house.kill("daemon")
            found["kills"] += 1
        work.join(60)
        worst = look(house, at_rest=False)
        found += worst
        tell(f"{found['kills']:4} {kind:8} {victim:8} {dict(+worst) or 'well'}")
        house.start()
    while any(house.home.inbox.glob("*.jsonl")):
        time.sleep(0.2)
    with connect(house.home) as client:
        found["unanswered"] += not "".join(client.chat([{"role": "user", "content": "hello"}], max_tokens=4))
    house.kill("daemon")
    found += look(house, at_rest=True)
    led = house.ledger
    found["acknowledged"] = sum(map(len, (led.turns, led.memories, led.gone))) + led.backups
    found["acknowledged"] += IMPORTED * len(led.imports)
    return found


def _quietly(work: Callable[[str, int], None], kind: str, number: int) -> None:
    """Whatever a kill does to a piece of work is no result of its own."""
    with suppress(Exception):
        work(kind, number)


def main() -> None:
    """Kill and tell; the exit status says whether anything was lost, doubled, broken or not answered."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--nights", type=float, default=0.05, help="share of the work that is a night")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tsubasa-kill-") as folder:
        tell = (lambda line: None) if given.json else (lambda line: print(line, flush=True))  # noqa: T201
        found = measure(Path(folder), given.times, given.nights, given.seed, tell)
    bad = ("lost", "doubled", "not gone", "nights twice", "broken", "unanswered")
    told = {name: found[name] for name in ("kills", "acknowledged", *bad)}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(int(any(found[name] for name in bad)))


if __name__ == "__main__":
    main()
