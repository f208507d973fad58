"""
A daemon in a process of its own for a browser to look at: a real store, and stand-ins for the two models.

    python -m tests.daemon.web.daemon FOLDER [small]   prints its address; serves until its input ends
    small: no file above 1 MiB is imported, the inbox is watched, and the embedder may be fetched

Orders on its input, each answered by a line:

    few | life | empty   the store holds three memories and two chats, half a year of a person, or nothing
    night N | morning    a night has come to step N of its training, or is over
    change WORDS         the first memory is replaced by these words, which the last message tells
    note WORDS           a memory is drawn from the last message
    propose WORDS        a sentence waits for the user's word
    break                the store is closed
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from daemon.engine.client import Completion, Piece
from daemon.memory.indexing import index_missing
from daemon.night.loss_curve import NightProgress
from daemon.processes.errors import ChildCrashed
from daemon.progress import Progress
from store import memories, proposals
from store.database import FILE_NAME, Connection, open_store
from tests.daemon.api.world import World, serving
from tests.daemon.web.life import curve, live
from tests.fakes import FakeEngine
from tests.whole.house import ROOT

PACE_S = 0.01  # a word
BASE_SAYS = "I do not know where you live."
FEW = ("The user lives in Oslo.", "The user likes quiet places.", "Ana is a friend of the user.")
CHATS = ("What should I cook with leeks?", "Which trains go to Bergen?")
ANSWER = """You moved to **Oslo**. For a quiet day:

1. Walk by the river
2. Bread at the corner

```python
def pack(rain: bool) -> str:
    return "umbrella" if rain else "book"
```

| when | what |
|---|---|
| 10:00 | walk |

<script>document.title = "taken"</script>
<img src="http://pictures.example/a.png" onerror="document.title = 'taken'">
![spy](http://pictures.example/b.png) [out](http://elsewhere.example/) [run](javascript:document.title='taken')
The end."""

MATHS = """The sum is \\(\\sum_{k=1}^n k = \\frac{n(n+1)}{2}\\), for $5 or $10.

$$
e^{i\\pi} + 1 = 0
$$

- [x] bread
- [ ] milk

```python
print(1)
```

<tool_call>
{"name": "look_up", "arguments": {"q": "sums"}}
</tool_call>"""


class Slow(FakeEngine):
    """Says its words one by one; more of them when it is asked for a long answer."""

    def __init__(self) -> None:
        super().__init__()
        self.tiny = False  # whose lessons are those of the model that serves

    async def chat(self, *args: Any, **named: Any) -> AsyncGenerator[Piece, None]:
        asked = args[0][-1]["content"]
        if "break" in asked:
            raise ChildCrashed("engine", exit_code=9)
        if "flood" in asked:  # faster than a page can read
            for said in range(10_000):
                yield Piece(text=f"{said} " if said else "", prompt_tokens=9, completion_tokens=said)
                await asyncio.sleep(0)
            await asyncio.sleep(3600)  # until it is stopped
        is_last_mine = args[0][-1]["role"] == "assistant"
        self.finish = "length" if "cut" in asked and not is_last_mine else "stop"
        self.thoughts = ["Let me ", "think."] if "thoughts" in asked else []
        if "maths" in asked or is_last_mine:
            self.words = [MATHS if "maths" in asked else " and this is its end."]
            async for piece in super().chat(*args, **named):
                yield piece
            return
        self.words = ["word "] * 2000 if "long" in asked else [word + " " for word in ANSWER.split(" ")]
        async for piece in super().chat(*args, **named):
            await asyncio.sleep(10 * PACE_S if "slow" in asked else PACE_S)
            yield piece

    async def complete(self, *args: Any, **named: Any) -> Completion:
        """What is asked of one generation: it knows nothing."""
        return Completion(text=BASE_SAYS, finish="stop", prompt_tokens=9, completion_tokens=8)


class Stores:
    """What the store can hold: filled when it is first ordered, and copied in each time."""

    def __init__(self, world: World, home: Path, folder: Path) -> None:
        self._world, self._home, self._folder = world, home, folder

    async def load(self, name: str) -> None:
        """Begin again with this store, and a home without files."""
        if not (self._folder / f"{name}.db").exists():
            if name != "empty":
                await self.load("empty")
                await getattr(self, name)()
            await self._world.store_thread.run(lambda db: _copy(db, self._open(name)))
        http = self._world.http
        for one in (await http.get("/tsubasa/confirmations")).json()["confirmations"]:
            await http.post(f"/tsubasa/confirmations/{one['id']}", json={"allow": False})
        await self._world.store_thread.run(lambda db: _copy(self._open(name), db))
        for file in self._home.iterdir():
            if file.is_dir():
                shutil.rmtree(file)
            elif not file.name.startswith((FILE_NAME, "api_key")):
                file.unlink()

    async def few(self) -> None:
        for text in FEW:
            (await self._world.http.post("/tsubasa/memories", json={"text": text})).raise_for_status()
        for text in CHATS:
            (await self._world.chat(text)).raise_for_status()

    async def life(self) -> None:
        await self._world.store_thread.run(live)
        await index_missing(self._world.store_thread, self._world.services.embedder)

    def _open(self, name: str) -> Connection:
        return open_store(self._folder / f"{name}.db", b"k" * 32)


def _copy(source: Connection, target: Connection) -> None:
    with target.backup("main", source, "main") as backup:
        backup.step()


async def serve(folder: Path, **config: Any) -> None:
    """Serve until the input is closed."""
    with tempfile.TemporaryDirectory() as kept:
        async with serving(folder, engine=Slow(), **config) as world:
            stores = Stores(world, folder, Path(kept))
            _say(world.url)
            while order := (await asyncio.to_thread(sys.stdin.readline)).split():
                if order[0] == "break":
                    await world.store_thread.close()
                elif order[0] == "change":
                    await world.store_thread.run(_changed, " ".join(order[1:]))
                elif order[0] == "note":
                    ((last,),) = await world.rows("select max(id) from messages where role = 'user'")
                    await world.remember(" ".join(order[1:]), last)
                elif order[0] == "propose":
                    await world.store_thread.run(_propose, " ".join(order[1:]))
                elif order[0] in ("night", "morning"):
                    _night(world, int(order[1]) if order[0] == "night" else 0)
                else:
                    _night(world, 0)
                    await stores.load(order[0])
                _say("done")


def _propose(db: Connection, text: str) -> None:
    now = datetime.now(UTC)
    proposals.put(db, text, day=now.date(), told_on=now.date(), trust="user", at=now)


def _changed(db: Connection, text: str) -> None:
    ((last,),) = db.execute("select max(id) from messages where role = 'user'").fetchall()
    memories.reconcile(db, memories.get(db, 1), text, told_on=date.today(), sources=[last])


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _night(world: World, step: int) -> None:
    progress = world.services.nights.progress = NightProgress()
    for number, loss in curve(3)["train"][:step]:  # type: ignore[index]
        progress.note(Progress(done=number, total=180, unit="steps", note="learning", loss=loss))


class Daemon:
    """Such a process, from outside."""

    def __init__(self, home: Path, process: "subprocess.Popen[str]") -> None:
        assert process.stdout and process.stdin
        self.home, self.process = home, process
        self._in, self._out = process.stdin, process.stdout
        self.url = self._out.readline().strip()

    def order(self, line: str) -> "Daemon":
        self._in.write(line + "\n")
        self._in.flush()
        assert "done\n" == self._out.readline()
        return self

    def stop(self) -> None:
        with suppress(BrokenPipeError):  # it has ended by itself, and what it did not read is still held
            self._in.close()
        self._out.close()
        self.process.wait(30)


@contextmanager
def served(home: Path, *more: str) -> Iterator[Daemon]:
    """Such a daemon, with an empty store."""
    home.mkdir(mode=0o700, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.daemon.web.daemon", str(home), *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    daemon = Daemon(home, process)
    try:
        yield daemon
    finally:
        daemon.stop()


if __name__ == "__main__":
    small = {"max_import_mb": 1, "inbox": True, "downloads": True} if "small" in sys.argv else {}
    asyncio.run(serve(Path(sys.argv[1]), **small))
