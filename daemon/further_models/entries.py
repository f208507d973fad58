"""
The setting `models`: which files it names, by which names they are asked for, and why one can't be used.

    "qwen3-0.6b"  a name that pull knows ──> the file in the home ──┐
    "/models/Coder-Q4_K_M.gguf"  ──────────> Coder-Q4_K_M           ┴──> its header ──> Entry, or Unusable

A model is asked for by the name of its file, less ".gguf" and the number of a part. Only headers are read, so that a
start takes no longer for it; what is wrong with one is a line for a person, and keeps nothing else from working.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon.config.default_model import model_file
from daemon.config.settings import Config
from daemon.downloads.model_source import known_models
from daemon.engine.errors import EngineError
from daemon.engine.gguf_file import TEMPLATE_KEY, checked_header, size_of
from daemon.engine.model_facts import ModelFacts, context_of, facts_of, needed_bytes
from daemon.hardware.offload_plan import Hardware
from daemon.home import Home
from daemon.text import format_bytes
from trainer.model_parts import parts

ENDING = ".gguf"
RESERVED = "tsubasa"  # how the names of the main model begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model beside the main one."""

    name: str  # by which it is asked for
    path: Path
    facts: ModelFacts
    n_ctx: int  # tokens that a prompt and its reply may have together
    needed: int  # bytes of memory while it answers
    layers: int
    chat_template: str  # the setting, for a file that says nothing itself; "": its own
    kv_cache: str  # the setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """An entry of the setting that can't be used."""

    name: str
    why: str  # a line for a person: what, why, and what to do


def names_of(models: Sequence[str]) -> tuple[str, ...]:
    """The names that the entries of the setting are asked for by, each once."""
    names: dict[str, str] = {}
    for name in map(name_of, models):
        names.setdefault(name.casefold(), name)
    return tuple(name for folded, name in names.items() if not folded.startswith(RESERVED))


def name_of(entry: str) -> str:
    """The name that an entry of the setting is asked for by."""
    first = parts(Path(entry))[0].name
    whole = first.rpartition("-of-")[0].rpartition("-")[0] if len(parts(Path(entry))) > 1 else first
    return whole[: -len(ENDING)] if whole.lower().endswith(ENDING) else whole


def read(config: Config, home: Home, hardware: Hardware, *, main: Path) -> tuple[int, list[Entry | Unusable]]:
    """
    Bytes of memory that the main model, the file `main`, takes while it answers; and what each entry of the setting is.

    Raises:
        EngineError: the main model can't be served.
    """
    header = checked_header(main, config.chat_template)
    needs = needed_bytes(header, size_of(main), config.n_ctx, config.kv_cache)
    return needs, list(_each(config, home, hardware, main, needs))


def _each(
    config: Config, home: Home, hardware: Hardware, main: Path, main_needs: int
) -> Iterator[Entry | Unusable]:
    seen: dict[str, str] = {RESERVED: "the main model"}
    for said in config.models:
        name = name_of(said)
        taken = next((by for known, by in seen.items() if _clash(name.casefold(), known)), None)
        if taken is not None:
            do = "Rename the file, or take the entry out"
            yield _unusable(name, f"{said!r} would be asked for by a name of {taken}", do)
            continue
        seen[name.casefold()] = repr(said)
        found = _entry(config, home, name, said)
        if isinstance(found, Entry):
            found = _too_much(found, hardware, main, main_needs) or found
        yield found


def _clash(name: str, known: str) -> bool:
    return name.startswith(known) if known == RESERVED else name == known


def _entry(config: Config, home: Home, name: str, said: str) -> Entry | Unusable:
    pulled = _table(home).get(said)
    if pulled is not None and not pulled.is_file():
        return _unusable(name, "it is not on this machine yet", f"Fetch it: tsubasa pull {said} --no-use")
    try:
        path = pulled or _file(home, said)
        header = checked_header(path, config.chat_template)
        facts = facts_of(path, header)
    except RuntimeError:  # ~somebody
        return _unusable(name, f"{said!r} is below the home of nobody here", "Give the whole path")
    except EngineError as error:
        return Unusable(name=name, why=str(error))
    except OSError as error:
        why = f"{said!r} can't be read ({error.strerror})"
        return _unusable(name, why, "Check the file and its permissions")
    return Entry(
        name=name,
        path=path,
        facts=facts,
        n_ctx=context_of(header, config.n_ctx),
        needed=needed_bytes(header, facts.bytes, config.n_ctx, config.kv_cache),
        layers=int(header.limit(f"{facts.architecture}.block_count", 1)),
        kv_cache=config.kv_cache,
        chat_template="" if header.text(TEMPLATE_KEY) else config.chat_template,
    )


def _table(home: Home) -> dict[str, Path]:
    """The models that pull knows by name, and where it puts them."""
    return {
        one.name: home.models / (f"{one.name}{ENDING}" if one.skills else one.file) for one in known_models()
    }


def _file(home: Home, said: str) -> Path:
    """The file that is meant: of a bare name, the one among the home's models where there is one."""
    fetched = home.models / said
    return fetched if fetched.is_file() else model_file(home, said)


def _too_much(entry: Entry, hardware: Hardware, main: Path, main_needs: int) -> Unusable | None:
    """Why it can never be loaded beside the main model; None where it may."""
    if entry.path.resolve() == main.resolve():
        why = "it is the main model already"
        return _unusable(entry.name, why, "Ask for tsubasa, and take the entry out")
    if not hardware.memory or hardware.has_card or main_needs + entry.needed <= hardware.memory:
        return None
    why = (
        f"it takes about {format_bytes(entry.needed)} of memory with its context and the main model "
        f"{format_bytes(main_needs)}, and there are {format_bytes(hardware.memory)}"
    )
    return _unusable(entry.name, why, "Take a smaller model, or a smaller n_ctx")


def _unusable(name: str, why: str, do: str) -> Unusable:
    return Unusable(name=name, why=f"The model {name!r} of the setting models can't be used: {why}. {do}.")
