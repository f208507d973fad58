"""
A daemon in a process of its own for a browser to look at: a real store, and stand-ins for the two models.

    python -m tests.daemon.web.served FOLDER    prints its address, and serves until its input is closed
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from daemon.engine.client import Completion, Piece
from daemon.processes.errors import ChildCrashed
from tests.daemon.api.world import serving
from tests.fakes import FakeEngine

PACE_S = 0.01  # a word
BASE_SAYS = "I do not know where you live."
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


class Slow(FakeEngine):
    """Says its words one by one; more of them when it is asked for a long answer."""

    async def chat(self, *args: Any, **named: Any) -> AsyncGenerator[Piece, None]:
        asked = args[0][-1]["content"]
        if "break" in asked:
            raise ChildCrashed("engine", exit_code=9)
        if "flood" in asked:  # faster than a page can read
            for said in range(10_000):
                yield Piece(text=f"{said} " if said else "", prompt_tokens=9, completion_tokens=said)
                await asyncio.sleep(0)
            await asyncio.sleep(3600)  # until it is stopped
        long = "long" in asked
        self.words = ["word "] * 2000 if long else [word + " " for word in ANSWER.split(" ")]
        async for piece in super().chat(*args, **named):
            await asyncio.sleep(10 * PACE_S if "slow" in asked else PACE_S)
            yield piece

    async def complete(self, *args: Any, **named: Any) -> Completion:
        """What is asked of one generation: it knows nothing."""
        return Completion(text=BASE_SAYS, finish="stop", prompt_tokens=9, completion_tokens=8)


async def serve(folder: Path) -> None:
    """Serve a store with three memories and two chats."""
    async with serving(folder, engine=Slow()) as world:
        for text in (
            "The user lives in Oslo.",
            "The user likes quiet places.",
            "Ana is a friend of the user.",
        ):
            (await world.http.post("/tsubasa/memories", json={"text": text})).raise_for_status()
        for text in ("What should I cook with leeks?", "Which trains go to Bergen?"):
            (await world.chat(text)).raise_for_status()
        sys.stdout.write(world.url + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
