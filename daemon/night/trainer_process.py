"""
Run the trainer: one child process, lessons in through its stdin, progress out, an adapter back as bytes.

    job ──stdin──> python -m trainer ──stdout──> progress, progress, done
                         └──> adapter.gguf in a private folder in memory ──> bytes; the folder is removed

Promises: whatever happens, the child and its children are gone and its folder removed when `train` returns or
raises; when we are killed it ends by itself.
Knows nothing of exams, the store or torch, nor of why it is paused: `processes/foreground_gate.py` does.
"""

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daemon.night.errors import NightFailed
from daemon.night.ram_folders import memory_folder, note_process, private_folder
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate, GatedProcess
from daemon.processes.process import confined
from daemon.progress import Progress
from store.lessons import Lesson

NICENESS = 10
LONGEST_LINE = 1 << 20  # bytes of one line of the trainer
LOG_BYTES = 8192  # of its log, the last ones are kept
EXIT_EVERY_S = 0.05
LAST_WORDS_S = 2.0  # for its log, once its process group is gone: what left the group may hold the pipe open


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the trainer made."""

    adapter: bytes  # a GGUF file
    sha256: str
    steps: int
    train_loss: float  # nats per answer token
    exam_loss: float | None
    seconds: float  # pauses included
    backend: str = "unknown"  # for people: "torch, cpu, float32"
    peak_mb: float | None = None
    tokens_per_s: float | None = None  # of the student
    resumed_from: int = 0  # step of the checkpoint it went on from; 0 = from the beginning
    pauses: int = 0
    paused_s: float = 0.0


async def train(
    lessons: Sequence[Lesson],
    *,
    model_path: Path,
    recipe: Mapping[str, object],
    seed: int,
    runtime_dir: Path | None,
    on_progress: Callable[[Progress], None],
    argv: Sequence[str] = (),
    gate: ForegroundGate | None = None,
    checkpoints: Path | None = None,
) -> Trained:
    """
    Train an adapter for `model_path` on `lessons`.

    Args:
        runtime_dir: where the private folder is made; None: in memory, where there is such a place.
        argv: another command than our trainer's.
        gate: stops the trainer while it is closed.
        checkpoints: an existing folder (0700, in memory) where the trainer keeps how far it is; None: it doesn't.

    Raises:
        NightFailed: the trainer refused the job, crashed, was killed, or its file is not what it said.
        NightEnded: the gate ended it.
    """
    with private_folder(runtime_dir or memory_folder()) as folder:
        job = {
            "model": str(model_path.absolute()),
            "lessons": [_as_json(lesson) for lesson in lessons],
            "recipe": dict(recipe),
            "out": str(folder / "adapter.gguf"),
            "seed": seed,
            **({"checkpoints": str(checkpoints)} if checkpoints else {}),
        }
        child = await _start(argv or confined("trainer"), folder)
        done, held = await _converse(child, json.dumps(job).encode(), on_progress, gate or ForegroundGate())
        trained = await asyncio.to_thread(_read, folder / "adapter.gguf", done)
        return replace(trained, pauses=held.pauses, paused_s=held.paused_s)


async def _start(argv: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    """The child, in a process group of its own, so that a signal reaches all that it starts."""
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            limit=LONGEST_LINE,
            process_group=0,
        )
    except OSError as error:
        raise NightFailed(f"the trainer could not be started ({error})") from error
    note_process(folder, child.pid)
    with suppress(OSError):  # it may have ended already
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
    return child


@dataclass(slots=True)
class _Heard:
    """What the child has said so far."""

    last: dict[str, Any] | None = None  # its "done" or "error"
    log: bytes = b""  # the end of it


async def _converse(
    child: asyncio.subprocess.Process,
    job: bytes,
    on_progress: Callable[[Progress], None],
    gate: ForegroundGate,
) -> tuple[dict[str, Any], GatedProcess]:
    """Give the child its job and listen until it is done; it is gone, with its group, when this returns."""
    heard = _Heard()
    listening = asyncio.create_task(_listen(child, on_progress, heard))
    tail = asyncio.create_task(_keep_tail(child, heard))
    waiting = asyncio.create_task(_exit(child))
    with gate.over(child.pid) as held:
        try:
            await _tell(child, job)
            await asyncio.wait((listening, waiting), return_when=asyncio.FIRST_COMPLETED)
            if not listening.done() or listening.exception() is None:
                await asyncio.wait((waiting,))
        finally:
            with suppress(ProcessLookupError, PermissionError):  # all of them have ended
                os.killpg(child.pid, signal.SIGKILL)
            code = await _exit(child)
            await asyncio.wait((listening, tail), timeout=LAST_WORDS_S)
            for task in (listening, tail, waiting):
                task.cancel()
            broken, *_ = await asyncio.gather(listening, tail, waiting, return_exceptions=True)
    log = heard.log.decode(errors="replace")
    if gate.ended is not None:
        raise NightEnded(gate.ended)
    if isinstance(broken, Exception):
        raise broken
    if heard.last is None:
        raise NightFailed(_ending(code), log=log)
    if heard.last.get("type") == "error":
        raise NightFailed(str(heard.last.get("message") or heard.last.get("code")), log=log)
    return heard.last, held


async def _exit(child: asyncio.subprocess.Process) -> int:
    """Its exit code, as soon as it has one: `child.wait` waits for whoever else holds its pipes open, too."""
    while child.returncode is None:
        await asyncio.sleep(EXIT_EVERY_S)
    return child.returncode


async def _tell(child: asyncio.subprocess.Process, job: bytes) -> None:
    assert child.stdin is not None  # we asked for a pipe
    with suppress(
        BrokenPipeError, ConnectionResetError
    ):  # it ended before it read all: its last words say why
        child.stdin.write(job)
        await child.stdin.drain()
    child.stdin.close()


async def _listen(
    child: asyncio.subprocess.Process, on_progress: Callable[[Progress], None], heard: _Heard
) -> None:
    """Pass on the progress, and keep how it ended."""
    assert child.stdout is not None
    while line := await _line(child.stdout):
        said = _understood(line)
        if said.get("type") == "progress":
            on_progress(_progress(said))
        elif said.get("type") in ("done", "error"):
            heard.last = said


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
        raise NightFailed(f"the trainer said {len(line)} bytes that are no JSON") from error
    if not isinstance(said, dict):
        raise NightFailed(f"the trainer said {len(line)} bytes that are no JSON object")
    return said


def _progress(said: Mapping[str, Any]) -> Progress:
    try:
        return Progress(
            done=int(said["done"]),
            total=int(said["total"]),
            unit=str(said["unit"]),
            note=str(said["note"]),
            loss=_number(said.get("loss")),
            exam_loss=_number(said.get("exam_loss")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NightFailed(f"the trainer's progress can't be read ({type(error).__name__})") from error


async def _keep_tail(child: asyncio.subprocess.Process, heard: _Heard) -> None:
    """The end of the child's log; read to its end, whatever it is, so that the child is never held up."""
    assert child.stderr is not None
    while chunk := await child.stderr.read(LOG_BYTES):
        heard.log = (heard.log + chunk)[-LOG_BYTES:]


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
            exam_loss=_number(done.get("exam_loss")),
            seconds=float(done["seconds"]),
            backend=str(done.get("backend", "unknown")),
            peak_mb=_number(done.get("peak_mb")),
            tokens_per_s=_number(done.get("tokens_per_s")),
            resumed_from=int(done.get("resumed_from", 0)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NightFailed(f"the trainer's report can't be read ({type(error).__name__})") from error


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


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


def _environment() -> dict[str, str]:
    """Ours, and where our packages lie: the trainer is found whatever folder we run in."""
    ours = str(Path(__file__).parents[2])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [ours, os.environ.get("PYTHONPATH", "")])),
    }
