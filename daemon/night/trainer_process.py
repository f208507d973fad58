"""
Run the trainer: one child process, lessons in through its stdin, progress out as JSON lines, an adapter back as bytes.

    job ──stdin──> python -m trainer ──stdout──> progress, progress, done
                         └──> adapter.gguf in a private folder in memory ──> bytes; the folder is removed

Whatever happens, the child and its children are gone and its folder is removed when `train` returns or raises. When
we are killed it ends by itself. Why it is paused is up to the gate (`processes/foreground_gate.py`).
"""

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from daemon.lessons.tokenised import TokenisedLesson
from daemon.night.errors import NightFailed
from daemon.night.ram_folders import memory_folder, note_process, private_folder
from daemon.processes.errors import NightEnded
from daemon.processes.foreground_gate import ForegroundGate, GatedProcess
from daemon.processes.process import confined, environment
from daemon.progress import Progress

NICENESS = 10
LONGEST_LINE = 1 << 20  # bytes of one line of the trainer
LOG_BYTES = 8192  # of its log, the last ones are kept
EXIT_EVERY_S = 0.05
FINAL = ("diverged", "model_unsupported")  # codes of what the same lessons would end in again
LAST_WORDS_S = 2.0  # for its log, once its process group is gone: what left the group may hold the pipe open
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerCommand:
    """How the trainer is started."""

    model_path: Path
    argv: Sequence[str] = ()  # another command than our trainer's
    runtime_dir: Path | None = None  # of its private folder; None: in memory, where that can be


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """What the trainer is to do."""

    lessons: Sequence[TokenisedLesson]  # of the model at `TrainerCommand.model_path`
    recipe: Mapping[str, object] = field(default_factory=dict)  # overrides of the trainer's own
    seed: int = 0
    checkpoints: Path | None = None  # an existing folder (0700, in memory); None: it keeps none


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
    skipped: int = 0  # lessons that were too long
    tokens: int = 0  # that the student learned, each as often as it was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How quickly the trainer works here, by a few lessons and steps of a job."""

    load_s: float
    teacher_tokens_per_s: float
    student_tokens_per_s: float
    steps: int  # that the recipe plans for the whole job
    batch: int  # lessons a step
    peak_mb: float
    backend: str


async def train(
    job: TrainingJob, command: TrainerCommand, on_progress: OnProgress, gate: ForegroundGate | None = None
) -> Trained:
    """
    Train an adapter; the gate stops the trainer while it is closed.

    Raises:
        NightFailed: the trainer refused the job, crashed, was killed, or its file is not what it said.
        NightEnded: the gate ended it.
    """
    with private_folder(command.runtime_dir or memory_folder()) as folder:
        out = folder / "adapter.gguf"
        child = await _start(command.argv or confined("trainer"), folder)
        text = json.dumps(_to_json(job, command.model_path, out)).encode()
        done, gated = await _converse(child, text, on_progress, gate or ForegroundGate())
        trained = await asyncio.to_thread(_read, out, done)
        return replace(trained, pauses=gated.pauses, paused_s=gated.paused_s)


async def measure(job: TrainingJob, command: TrainerCommand, gate: ForegroundGate | None = None) -> Measured:
    """
    Have the trainer say how quickly it would do the job; nothing is learned. Raises as `train` does.
    """
    with private_folder(command.runtime_dir or memory_folder()) as folder:
        child = await _start([*(command.argv or confined("trainer")), "--measure"], folder)
        text = json.dumps(_to_json(job, command.model_path, folder / "adapter.gguf")).encode()
        done, _ = await _converse(child, text, lambda progress: None, gate or ForegroundGate())
    try:
        return TypeAdapter(Measured).validate_python(done)
    except ValidationError as error:
        raise NightFailed("the trainer's measurement can't be read") from error


def _to_json(job: TrainingJob, model_path: Path, out: Path) -> dict[str, object]:
    return {
        "model": str(model_path.absolute()),
        "lessons": [asdict(lesson) for lesson in job.lessons],
        "recipe": dict(job.recipe),
        "out": str(out),
        "seed": job.seed,
        **({"checkpoints": str(job.checkpoints)} if job.checkpoints else {}),
    }


async def _start(argv: Sequence[str], folder: Path) -> asyncio.subprocess.Process:
    """The child, in a process group of its own, so that a signal reaches all that it starts."""
    pipe = asyncio.subprocess.PIPE
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment(),
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
    child: asyncio.subprocess.Process, job: bytes, on_progress: OnProgress, gate: ForegroundGate
) -> tuple[dict[str, Any], GatedProcess]:
    """Give the child its job and listen until it is done; it is gone, with its group, when this returns."""
    heard = _Heard()
    listening = asyncio.create_task(_listen(child, on_progress, heard))
    tail = asyncio.create_task(_keep_tail(child, heard))
    waiting = asyncio.create_task(_exit(child))
    with gate.guard(child.pid) as gated:
        try:
            await _send(child, job)
            await asyncio.wait((listening, waiting), return_when=asyncio.FIRST_COMPLETED)
            if not listening.done() or listening.exception() is None:
                await asyncio.wait((waiting,))
        finally:
            with suppress(ProcessLookupError, PermissionError):  # all of them have ended
                os.killpg(child.pid, signal.SIGKILL)
            code = await _exit(child)
            ended = asyncio.create_task(_input_ended(child))
            await asyncio.wait((listening, tail, ended), timeout=LAST_WORDS_S)
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
        code_of_it = heard.last.get("code")
        why = str(heard.last.get("message") or code_of_it)
        raise NightFailed(why, log=log, is_final=code_of_it in FINAL)
    return heard.last, gated


async def _exit(child: asyncio.subprocess.Process) -> int:
    """Its exit code, as soon as it has one: `child.wait` waits for others that hold its pipes open, too."""
    while child.returncode is None:
        await asyncio.sleep(EXIT_EVERY_S)
    return child.returncode


async def _send(child: asyncio.subprocess.Process, job: bytes) -> None:
    assert child.stdin is not None  # we asked for a pipe
    with suppress(
        BrokenPipeError, ConnectionResetError
    ):  # it ended before it read all: its last words say why
        child.stdin.write(job)
        await child.stdin.drain()
    child.stdin.close()


async def _input_ended(child: asyncio.subprocess.Process) -> None:
    """Ask for the end of its input: before 3.11.5 Python logs a traceback where a broken one is not asked for."""
    assert child.stdin is not None  # we asked for a pipe
    with suppress(BrokenPipeError, ConnectionResetError):
        await child.stdin.wait_closed()


async def _listen(child: asyncio.subprocess.Process, on_progress: OnProgress, heard: _Heard) -> None:
    """Pass on the progress, and keep how it ended."""
    assert child.stdout is not None
    while line := await _line(child.stdout):
        said = _parsed(line)
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


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise NightFailed(f"the trainer said {len(line)} bytes that are no JSON object")
    return said


def _progress(said: Mapping[str, Any]) -> Progress:
    try:
        return TypeAdapter(Progress).validate_python(said)
    except ValidationError:  # its message would quote what was said
        raise NightFailed("the trainer's progress can't be read") from None


async def _keep_tail(child: asyncio.subprocess.Process, heard: _Heard) -> None:
    """The end of the child's log; read to its end, whatever it is, so that the child is never blocked by it."""
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
        return TypeAdapter(Trained).validate_python({**done, "adapter": adapter})
    except ValidationError:  # its message would quote what was said
        raise NightFailed("the trainer's report can't be read") from None


def _ending(code: int) -> str:
    if code < 0:
        return f"the trainer was killed ({signal.Signals(-code).name})"
    return f"the trainer ended with exit code {code} before it was done"
