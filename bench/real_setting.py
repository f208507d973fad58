"""What every part of `bench.real` works with: the model, how many items, and an engine that answers many at once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from daemon.engine.client import Completion, Engine, Sampling

AT_ONCE = 8  # requests that share the model's batches
CONTEXT = 4096  # tokens
T = TypeVar("T")
Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One run of the bench."""

    model: Path
    items: int | None = None  # of each part; None: all
    threads: int = 0  # 0: as the daemon chooses
    recipe: Mapping[str, object] = field(default_factory=dict)  # overrides of the trainer's own
    kept: Path | None = None  # a file of measured nights, to go on from
    wrong: list[str] = field(default_factory=list)  # what was wrong, for a person to read

    def some(self, every: Sequence[T]) -> list[T]:
        """As many of `every` as this run looks at, spread over all."""
        if self.items is None or self.items >= len(every):
            return list(every)
        return [every[place * len(every) // self.items] for place in range(self.items)]

    @asynccontextmanager
    async def engine(self) -> AsyncGenerator[Engine]:
        """The model, served as the daemon does."""
        engine = Engine.for_model(self.model, n_ctx=CONTEXT, threads=self.threads, gpu_layers=0, idle_s=600)
        try:
            yield engine
        finally:
            await engine.stop()


async def replies(
    engine: Engine,
    prompts: Sequence[Messages],
    *,
    max_tokens: int,
    adapter: str | None = "base",
    shapes: Mapping[int, dict[str, Any]] | None = None,
) -> list[Completion]:
    """Greedy replies to `prompts`, in their order; `shapes`: JSON schemas of some, by place."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(place: int, prompt: Messages) -> Completion:
        async with gate:
            return await engine.complete(
                prompt,
                sampling=Sampling(max_tokens=max_tokens),
                schema=(shapes or {}).get(place),
                adapter=adapter,
                background=True,
            )

    return list(await asyncio.gather(*(one(place, prompt) for place, prompt in enumerate(prompts))))
