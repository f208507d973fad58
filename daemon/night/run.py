"""
Run the trainer: one child process, lessons in through its stdin, progress out, an adapter back as bytes.

    job ──stdin──> python -m trainer ──stdout──> progress, progress, done
                         └──> adapter.gguf in a private folder in memory ──> bytes; the folder is removed

Promises: whatever happens, the child is gone and its folder removed when `train` returns or raises; when we
are killed it ends by itself, and what it left behind is swept away by the next night.
Knows nothing of exams, the store or torch.
"""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.child_process import module
from daemon.night.errors import NightFailed
from store.lessons import Lesson

PREFIX = "tsubasa-night-"
NICENESS = 10
LONGEST_LINE = 1 << 20  # bytes of one line of the trainer
LOG_BYTES = 8192  # of its log, the last ones are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long piece of work is."""

    done: int
    total: int
    unit: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the trainer made."""

    adapter: bytes  # a GGUF file
    sha256: str
    steps: int
    train_loss: float  # nats per answer token
    exam_loss: float | None
    seconds: float


async def train(
    lessons: Sequence[Lesson],
    *,
    model_path: Path,
    recipe: Mapping[str, object],
    seed: int,
    runtime_dir: Path | None,
    on_progress: Callable[[Progress], None],
    argv: Sequence[str] = (),
) -> Trained:
    """
    Train an adapter for `model_path` on `lessons`.

    Args:
        runtime_dir: where the private folder is made; None: in memory, where there is such a place.
        argv: another command than our trainer's.

    Raises:
        NightFailed: the trainer refused the job, crashed, was killed, or its file is not what it said.
    """
    with private_folder(runtime_dir or memory_folder()) as folder:
        job = {
            "model": str(model_path.absolute()),
            "lessons": [_as_json(lesson) for lesson in lessons],
            "recipe": dict(recipe),
            "out": str(folder / "adapter.gguf"),
            "seed": seed,
        }
        done = await _converse(argv or module("trainer"), json.dumps(job).encode(), on_progress)
        return await asyncio.to_thread(_read, folder / "adapter.gguf", done)


def memory_folder() -> Path:
    """A folder of this user or this machine that lives in memory, where there is one."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm"):
        if place and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    return Path(tempfile.gettempdir())


@contextmanager
def private_folder(base: Path) -> Iterator[Path]:
    """A new folder (0700) in `base` for the length of a night; those of dead daemons are swept away."""
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in base.glob(f"{PREFIX}*"):
        if not _is_alive(old.name.removeprefix(PREFIX).split("-")[0]):
            shutil.rmtree(old, ignore_errors=True)  # another user's can't be removed, and is not ours to
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


async def _converse(
    argv: Sequence[str], job: bytes, on_progress: Callable[[Progress], None]
) -> dict[str, Any]:
    """Give the child its job and listen until it is done; it is gone when this returns."""
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            limit=LONGEST_LINE,
        )
    except OSError as error:
        raise NightFailed(f"the trainer could not be started ({error})") from error
    log = asyncio.create_task(_tail(child))
    try:
        if hasattr(os, "setpriority"):
            with suppress(OSError):  # it may have ended already
                os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        await _tell(child, job)
        done = await _listen(child, on_progress)
        code = await child.wait()
        said = await log
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        log.cancel()
    if done is None:
        raise NightFailed(_ending(code), log=said)
    if done.get("type") == "error":
        raise NightFailed(str(done.get("message") or done.get("code")), log=said)
    return done


async def _tell(child: asyncio.subprocess.Process, job: bytes) -> None:
    assert child.stdin is not None  # we asked for a pipe
    with suppress(
        BrokenPipeError, ConnectionResetError
    ):  # it ended before it read all: its last words say why
        child.stdin.write(job)
        await child.stdin.drain()
    child.stdin.close()


async def _listen(
    child: asyncio.subprocess.Process, on_progress: Callable[[Progress], None]
) -> dict[str, Any] | None:
    """Pass on the progress; the last line, or None when there was none."""
    assert child.stdout is not None
    last = None
    while line := await _line(child.stdout):
        said = _understood(line)
        if said.get("type") == "progress":
            on_progress(_progress(said))
        elif said.get("type") in ("done", "error"):
            last = said
    return last


async def _line(stdout: asyncio.StreamReader) -> bytes:
    """The next line; empty at the end."""
    try:
        return await stdout.readline()
    except ValueError as error:  # what asyncio makes of a line above the limit
        raise NightFailed(f"the trainer said a line of more than {LONGEST_LINE} bytes") from error


def _understood(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError as error:
        raise NightFailed(f"the trainer said what is no JSON: {line[:80]!r}") from error
    if not isinstance(said, dict):
        raise NightFailed(f"the trainer said what is no JSON object: {line[:80]!r}")
    return said


def _progress(said: Mapping[str, Any]) -> Progress:
    try:
        return Progress(
            done=int(said["done"]), total=int(said["total"]), unit=str(said["unit"]), note=str(said["note"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NightFailed(f"the trainer's progress can't be read ({error!r})") from error


async def _tail(child: asyncio.subprocess.Process) -> str:
    """The end of the child's log; read to its end, whatever it is, so that the child is never held up."""
    assert child.stderr is not None
    kept = b""
    while chunk := await child.stderr.read(LOG_BYTES):
        kept = (kept + chunk)[-LOG_BYTES:]
    return kept.decode(errors="replace")


def _read(path: Path, done: Mapping[str, Any]) -> Trained:
    try:
        adapter = path.read_bytes()
    except OSError as error:
        raise NightFailed(f"the trainer says it is done, but its adapter can't be read ({error})") from error
    sha256 = hashlib.sha256(adapter).hexdigest()
    if sha256 != done.get("sha256"):
        raise NightFailed("the adapter read back is not the one that the trainer wrote")
    try:
        return Trained(
            adapter=adapter,
            sha256=sha256,
            steps=int(done["steps"]),
            train_loss=float(done["train_loss"]),
            exam_loss=None if done.get("exam_loss") is None else float(done["exam_loss"]),
            seconds=float(done["seconds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NightFailed(f"the trainer's report can't be read ({error!r})") from error


def _as_json(lesson: Lesson) -> dict[str, object]:
    sees = {"sees": True} if lesson.kind == "reading" else {}  # the student keeps the grounding in its prompt
    return {
        "id": lesson.id,
        "question": lesson.question,
        "answer": lesson.answer,
        "grounding": lesson.grounding,
        "kind": lesson.kind,
        "split": lesson.split,
        **sees,
    }


def _ending(code: int) -> str:
    if code < 0:
        return f"the trainer was killed ({signal.Signals(-code).name})"
    return f"the trainer ended with exit code {code} before it was done"


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _environment() -> dict[str, str]:
    """Ours, and where our packages lie: the trainer is found whatever folder we run in."""
    ours = str(Path(__file__).parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [ours, os.environ.get("PYTHONPATH", "")])),
    }
