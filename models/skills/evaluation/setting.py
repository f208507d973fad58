"""
What every part of the evaluation works with: the model, how many items, and an engine that answers many at once.

Requests go in fixed groups of eight, in the order of the cases: greedy answers waver a little with what shares a batch.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from daemon.engine.client import Completion, Engine, EngineInfo, Sampling

AT_ONCE = 8  # requests that share the model's batches
CONTEXT = 4096  # tokens
T = TypeVar("T")
R = TypeVar("R")
Messages = list[dict[str, str]]


class Answering(Engine):
    """An engine that answers with one adapter in the place of the base, and says of itself that it was taught."""

    adapter: str | None = None  # sha256 of the loaded adapter that answers; None: the model itself
    as_taught = False  # it says so, and that it is not tiny, whatever its file says

    async def info(self) -> EngineInfo:
        """As the model's own, but for what an adapter was taught."""
        info = await super().info()
        return replace(info, taught=True, tiny=False) if self.as_taught else info

    async def complete(self, *args: Any, **options: Any) -> Completion:
        """As the engine's; who asks for an adapter by its name gets that one."""
        asked = options.get("adapter") or "base"
        by = self.adapter or "base" if asked == "base" else asked
        return await super().complete(*args, **{**options, "adapter": by})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One run of an evaluation."""

    model: Path
    items: int | None = None  # of each part; None: all
    threads: int = 0  # 0: as the daemon chooses
    adapter: Path | None = None  # a LoRA GGUF that answers on the model
    base: Path | None = None  # whose general answers are to be kept; None: the model without its adapter
    base_answers: Path | None = None  # a file that keeps them from one look to the next
    wrong: list[str] = field(default_factory=list)  # what was wrong, for a person to read

    def some(self, every: Sequence[T]) -> list[T]:
        """As many of `every` as this run looks at, spread over all; the same in every run."""
        if self.items is None or self.items >= len(every):
            return list(every)
        chosen = random.Random(self.items).sample(range(len(every)), self.items)
        return [every[place] for place in sorted(chosen)]

    @asynccontextmanager
    async def engine(self, *, as_base: bool = False) -> AsyncGenerator[Answering]:
        """The model with its adapter, served as the daemon does; `as_base`: what it is compared with."""
        engine = Answering.for_model(
            (self.base or self.model) if as_base else self.model,
            n_ctx=CONTEXT,
            threads=self.threads,
            gpu_layers=0,
            idle_s=600,
        )
        try:
            if self.adapter is not None and not as_base:
                engine.adapter = await engine.load(self.adapter.read_bytes())
                engine.as_taught = True
            yield engine
        finally:
            await engine.stop()


async def in_groups(cases: Sequence[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """What `ask` makes of each case, in their order; eight at a time, and the next eight when all are done."""
    results: list[R] = []
    for start in range(0, len(cases), AT_ONCE):
        results += await asyncio.gather(*map(ask, cases[start : start + AT_ONCE]))
    return results


async def replies(
    engine: Engine,
    prompts: Sequence[Messages],
    *,
    max_tokens: int,
    adapter: str | None = "base",
    shapes: Mapping[int, dict[str, Any]] | None = None,
) -> list[Completion]:
    """Greedy replies to `prompts`, in their order; `shapes`: JSON schemas of some, by place."""

    async def one(asked: tuple[int, Messages]) -> Completion:
        place, prompt = asked
        return await engine.complete(
            prompt,
            sampling=Sampling(max_tokens=max_tokens),
            schema=(shapes or {}).get(place),
            adapter=adapter,
            background=True,
        )

    return await in_groups(list(enumerate(prompts)), one)
