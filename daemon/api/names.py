"""The names that a chat can ask for, of the main model and of those beside it, for every dialect that lists them."""

from dataclasses import dataclass
from datetime import datetime

from daemon.chat.model_names import MAIN
from daemon.engine.client import EngineInfo
from daemon.further_models.pool import Further, FurtherModels
from daemon.generations.service import Generations


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a list tells of a model, also of one that was not loaded yet."""

    name: str  # its own
    n_ctx: int
    sha256: str  # "": not known before it was loaded once
    bytes: int
    architecture: str
    quantization: str
    is_running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name."""

    text: str
    made_at: datetime
    generation: int | None  # that it asks for; None: the live one
    about: About


async def every_name(generations: Generations, further: FurtherModels, started_at: datetime) -> list[Name]:
    """All of them, the main model's first. Starts no process."""
    main = of_main(await generations.model(), is_running=further.main.is_running)
    found = await _names(MAIN, generations, main, started_at)
    for one in further.all:
        found += await _names(one.entry.name, one.generations, about(one), started_at)
    return found


def about(further: Further) -> About:
    """What is known of a model beside the main one."""
    entry, known = further.entry, further.generations.known
    return About(
        name=entry.facts.name,
        n_ctx=entry.n_ctx,
        sha256=known.sha256 if known else "",
        bytes=entry.facts.bytes,
        architecture=entry.facts.architecture,
        quantization=entry.facts.quantization,
        is_running=further.engine.is_running,
    )


def of_main(info: EngineInfo, *, is_running: bool) -> About:
    """The same of the main one."""
    return About(
        name=info.name,
        n_ctx=info.n_ctx,
        sha256=info.sha256,
        bytes=info.bytes,
        architecture=info.architecture,
        quantization=info.quantization,
        is_running=is_running,
    )


async def _names(name: str, generations: Generations, of: About, started_at: datetime) -> list[Name]:
    usable = await generations.usable() if generations.known else []
    plain = [(name, None), (f"{name}:base", 0), (f"{name}:private", None), (f"{name}@0", 0)]
    return [
        *(Name(text=text, made_at=started_at, generation=number, about=of) for text, number in plain),
        *(Name(text=f"{name}@{one.id}", made_at=one.made_at, generation=one.id, about=of) for one in usable),
    ]
