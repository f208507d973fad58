"""
`little`: a package's file and the skills that come with Tsubasa, as one model in the home; or any base and its skills.

    the package's file, its sha256 ──┐
                                     ├─> merged ──> looked at ──> models/little.gguf, its sha256 in little.json
    models/skills/skills.gguf ───────┘

Until the new file is whole and has been looked at, the one before stays as it is.
"""

import json
import mmap
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from daemon.atomic_file import replacing
from daemon.downloads.errors import PullError, file_not_written
from daemon.downloads.model_source import PackageFile, Skilled
from daemon.downloads.pull import Downloaded, OnProgress, installed_file, sha256_of
from daemon.engine.gguf_file import Broken, Header, read_header
from daemon.engine.records import BASE_KEY, SKILLS, SKILLS_KEY, TAUGHT_KEY
from daemon.errors import DaemonError
from daemon.generations.export_gguf import merge
from daemon.home import Home
from daemon.progress import Progress

NOT_SHIPPED = (
    "This version of Tsubasa comes without skills, so that {name} can't be made yet. The model that it is made of "
    "answers as it is: tsubasa pull smollm2-135m"
)

AGAIN = "Install Tsubasa again, or take another model: tsubasa pull --list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a model was made of, and what became of it: the sha256 of each file."""

    sha256: str
    base: str
    skills: str


def make(source: Skilled, home: Home, *, on_progress: OnProgress, look: Callable[[Path], None]) -> Downloaded:
    """
    Have the model in home/models, where one of the same parts is kept as it is.

    Args:
        look: raises what is wrong with a new file before it gets its name.

    Raises:
        PullError: a part is missing or another one, or it could not be made; what was here before stays.
    """
    skills = _checked_skills(source)
    base, base_sha256 = _base(source.base)
    if skills.text(BASE_KEY) != base_sha256:
        raise PullError(
            f"The skills {str(source.skills)!r} were made for another model than {base.name}. {AGAIN}"
        )
    out = home.models / f"{source.name}.gguf"
    made_of = {"base": base_sha256, "skills": sha256_of(source.skills)}
    if (note := read_note(out)) and out.is_file() and made_of.items() <= asdict(note).items():
        if sha256_of(out) == note.sha256:
            return Downloaded(file=out, sha256=note.sha256, proved_by=_note_of(out).name, was_here=True)
    part = out.with_name(f".{source.name}.new.gguf")
    try:
        home.models.mkdir(mode=0o700, parents=True, exist_ok=True)
        _merge(source, skills, base, part, on_progress)
        look(part)
        made = Note(sha256=sha256_of(part), **made_of)
        os.replace(part, out)
        with replacing(_note_of(out)) as written:
            written.write(json.dumps(asdict(made)).encode() + b"\n")
    except OSError as error:
        raise file_not_written(out, error) from error
    finally:
        part.unlink(missing_ok=True)
    return Downloaded(file=out, sha256=made.sha256, proved_by="", made=True)


def read_note(model: Path) -> Note | None:
    """What was noted when `model` was made; None: nothing that can be read."""
    try:
        return Note(**json.loads(_note_of(model).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def is_as_made(model: Path) -> bool:
    """Whether the file is the one that was made, or nothing is known of that."""
    note = read_note(model)
    return note is None or sha256_of(model) == note.sha256


def _note_of(model: Path) -> Path:
    return model.with_suffix(".json")


def _merge(source: Skilled, skills: Header, base: Path, out: Path, on_progress: OnProgress) -> None:
    def step(done: int, total: int) -> None:
        on_progress(source.name, Progress(done=done, total=total, unit="bytes", note=""))

    says: dict[str, str | int | bool] = {
        "general.name": source.name,
        TAUGHT_KEY: True,
        SKILLS_KEY: SKILLS,
        BASE_KEY: skills.text(BASE_KEY),
    }
    try:
        adapter, sha256 = source.skills.read_bytes(), skills.text(BASE_KEY)
        merge(base, adapter, out, sha256=sha256, says=says, types=source.types, on_progress=step)
    except DaemonError as error:
        raise PullError(f"{source.name} was not made. {error}") from error


def _checked_skills(source: Skilled) -> Header:
    """The header of the skills. Raises `PullError` unless they are ours and whole."""
    if not source.skills.is_file():
        raise PullError(NOT_SHIPPED.format(name=source.name))
    try:
        with source.skills.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            header, size = read_header(data), len(data)
    except (Broken, OSError, ValueError) as error:  # ValueError: it is empty
        raise PullError(f"The skills {str(source.skills)!r} can't be read: {error}. {AGAIN}") from error
    if size < header.needed_bytes:
        raise PullError(f"The skills {str(source.skills)!r} were cut short. {AGAIN}")
    version = header.values.get(SKILLS_KEY)
    if version != SKILLS:
        raise PullError(
            f"The skills {str(source.skills)!r} are of version {version}, this version of Tsubasa wants {SKILLS}. "
            f"{AGAIN}"
        )
    return header


def _base(base: PackageFile | Path) -> tuple[Path, str]:
    """The file and its sha256."""
    return (base, sha256_of(base)) if isinstance(base, Path) else installed_file(base, base.sha256)
