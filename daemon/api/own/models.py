"""
Models, over HTTP: which are here and what each can do, fetching another one, and which answers from the next start on.

What is fetched is a model of our table or of the public hub. Other addresses are for a terminal, where a person sees
what is typed: a page that was taken over must not fetch what it likes.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, StrictBool, StrictStr

from daemon.api.errors import WireError
from daemon.api.wire import to_json
from daemon.client.schemas import status as schemas
from daemon.config import edit_file
from daemon.config.default_model import default_model, model_file, nano
from daemon.downloads.errors import PullError
from daemon.downloads.model_source import HubFile, Known, Skilled, known_models, part_names, read_source
from daemon.downloads.pull_process import PullUnderWay
from daemon.engine import measured
from daemon.engine.errors import EngineError
from daemon.engine.gguf_file import checked_header
from daemon.engine.model_facts import ModelFacts, facts_of
from daemon.home import Home
from daemon.services import Services
from daemon.text import shorten


class WantedModel(BaseModel):
    """A model to fetch."""

    model: StrictStr  # a name of the table, OWNER/REPOSITORY[/FILE.gguf] of the hub, or a file that is listed
    use: StrictBool = True  # it answers from the next start on


class ChosenModel(BaseModel):
    """A model that is here."""

    file: StrictStr


def routes(services: Services) -> APIRouter:
    """The routes under /tsubasa/models."""
    router = APIRouter(prefix="/tsubasa/models", tags=["status"])

    @router.get("")
    async def list_local_models() -> schemas.Models:
        """The models that are here or can be fetched by name: whether each learns, and how quick it was here."""
        return {"models": await asyncio.to_thread(_listed, services), "pull": _pull(services)}

    @router.get("/pull")
    async def show_pull() -> schemas.PullStarted:
        """How far the latest download is."""
        return {"pull": _pull(services)}

    @router.post("/pull")
    async def start_pull(wanted: WantedModel) -> schemas.PullStarted:
        """Fetch a model, or measure one that is here, in a process of its own; its checks are those of the command."""
        here = {one["file"] for one in await asyncio.to_thread(_listed, services)}
        if wanted.model not in here:
            _check(wanted.model)
        try:
            await services.pulls.start(wanted.model, use=wanted.use)
        except PullUnderWay as error:
            raise WireError(409, str(error), code="pull_under_way") from error
        return {"pull": _pull(services)}

    @router.post("/stop")
    async def stop_pull() -> schemas.PullStarted:
        """End the download under way, if any; what came is kept, and the next one goes on from there."""
        await services.pulls.stop()
        return {"pull": _pull(services)}

    @router.post("/use")
    async def use_model(wanted: ChosenModel) -> schemas.Models:
        """Write the model into config.toml; it answers from the next start on."""
        found = {one["file"]: one for one in await asyncio.to_thread(_listed, services) if one["file"]}
        if wanted.file not in found:
            why = f"There is no model {shorten(wanted.file, 200)!r} here. Fetch it: tsubasa pull"
            raise WireError(404, why, code="model_not_found", param="file")
        if wrong := found[wanted.file]["wrong"]:
            raise WireError(400, wrong, code="model_unfit", param="file")
        await asyncio.to_thread(edit_file.set_key, services.home.config, "model", wanted.file)
        return {"models": await asyncio.to_thread(_listed, services), "pull": _pull(services)}

    return router


def _check(model: str) -> None:
    """Raise a 400 unless it is of the table or of the hub."""
    try:
        source = read_source(model)
    except PullError as error:
        raise WireError(400, str(error), code="invalid_value", param="model") from error
    if not isinstance(source, HubFile | Skilled) and model not in {one.name for one in known_models()}:
        why = f"{shorten(model, 200)!r} can only be fetched in a terminal: tsubasa pull {shorten(model, 200)}"
        raise WireError(400, why, code="invalid_value", param="model")


def _pull(services: Services) -> schemas.Pull | None:
    state = services.pulls.state
    return to_json(schemas.Pull, state) if state is not None else None


def _listed(services: Services) -> list[schemas.ModelHere]:
    """First what answers, then what else is here, then what can be fetched."""
    home, serves = services.home, services.model_path
    chosen, table = _chosen(home, serves), {_file_of(home, one): one for one in known_models()}
    files = dict.fromkeys([serves, *([chosen] if chosen.is_file() else []), *_files(home.models)])
    found = [_here(home, file, table.get(file)) for file in files]
    found += [_known(one) for file, one in table.items() if file not in files]
    for one in found:
        one["serves"], one["chosen"] = one["file"] == str(serves), one["file"] == str(chosen)
    return found


def _chosen(home: Home, serves: Path) -> Path:
    """The file that the next start takes, as far as config.toml says it."""
    written = edit_file.read_key(home.config, "model")
    try:
        return model_file(home, written) if isinstance(written, str) and written else _unsaid(home, serves)
    except RuntimeError:  # ~somebody: the next start says so
        return serves


def _unsaid(home: Home, serves: Path) -> Path:
    """A model that another place than config.toml names stays until that says otherwise."""
    return serves if serves not in (nano(), default_model(home)) else default_model(home)


def _file_of(home: Home, one: Known) -> Path:
    return home.models / (f"{one.name}.gguf" if one.skills else one.file)


def _files(folder: Path) -> Iterator[Path]:
    """The models in a folder; of a split one its first part."""
    for file in sorted(folder.glob("*.gguf")):
        if file.is_file() and part_names(file.name)[0] == file.name:
            yield file


def _here(home: Home, file: Path, known: Known | None) -> schemas.ModelHere:
    seen = measured.of(home.measured, file)
    facts, wrong = (seen.facts, None) if seen else _facts(file)
    name = known.name if known else (facts.name if facts else file.stem)
    return {
        "name": name,
        "title": known.title if known else (facts.name if facts else file.name),
        "file": str(file),
        "bytes": facts.bytes if facts else 0,
        "memory_gb": known.memory_gb if known else 0.0,
        "serves": False,
        "chosen": False,
        "learns": facts.cannot_learn is None if facts else None,
        "cannot_learn": facts.cannot_learn if facts else None,
        "tokens_per_s": seen.tokens_per_s if seen else None,
        "wrong": wrong,
    }


def _facts(file: Path) -> tuple[ModelFacts | None, str | None]:
    try:
        return facts_of(file, checked_header(file)), None
    except (EngineError, OSError) as error:
        return None, str(error)


def _known(one: Known) -> schemas.ModelHere:
    return {
        "name": one.name,
        "title": one.title,
        "file": "",
        "bytes": one.bytes or 0,
        "memory_gb": one.memory_gb,
        "serves": False,
        "chosen": False,
        "learns": None,
        "cannot_learn": None,
        "tokens_per_s": None,
        "wrong": None,
    }
