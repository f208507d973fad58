"""
The trainer as a process: one job on stdin up to its end, JSON lines on stdout, a log on stderr.

    {"type": "progress", ...fields of `job.Progress`} ...
    {"type": "done", ...fields of `job.Done`}
or  {"type": "error", "code", "message"} and exit code 1

`python -m trainer --measure` writes nothing: its "done" has the fields of `measure.Measured`.
`python -m trainer --backends MODEL.gguf` trains nothing: it prints a line for each backend, whether it could train
that model here, or why not. The last line is "done" or "error" unless the process was killed; a bug is a traceback on
stderr and exit code 1.
"""

import ctypes
import json
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from trainer import run
from trainer.backends import reasons_against
from trainer.checkpoint import EVERY_S
from trainer.errors import TrainerError
from trainer.gguf_model import open_model
from trainer.job import Progress, parse_job
from trainer.measure import measure
from trainer.recipe import Recipe

PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h
LOOK_EVERY_S = 1.0
log = logging.getLogger("trainer")


def main(arguments: Sequence[str] = (), *, keep_every_s: float = EVERY_S) -> int:
    """Do or measure the one job, keeping a checkpoint at most so often, or say which backends can; the exit code."""
    if arguments and arguments != ["--measure"]:
        return _backends(arguments)
    die_with_parent()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    try:
        try:
            job = parse_job(sys.stdin.buffer.read())
            kinds = ", ".join(
                f"{count} {kind}" for kind, count in Counter(one.kind for one in job.lessons).items()
            )
            log.info("Lessons: %s; on %s, seed %d, %s", kinds, job.model, job.seed, job.recipe)
            work = measure(job) if arguments else run.run(job, keep_every_s=keep_every_s)
            for said in work:
                _say("progress" if isinstance(said, Progress) else "done", asdict(said))
        except TrainerError as error:
            log.error("%s", error)
            _say("error", {"code": error.code, "message": str(error)})
            return 1
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # nobody listens any more; leave quietly
        return 1
    return 0


def _backends(arguments: Sequence[str]) -> int:
    if len(arguments) != 2 or arguments[0] != "--backends":
        sys.stderr.write("Give a job on stdin and no argument or --measure, or: --backends MODEL.gguf\n")
        return 2
    try:
        for name, reason in reasons_against(open_model(Path(arguments[1])), Recipe()):
            sys.stdout.write(f"{name}: {reason or 'can train here'}\n")
    except TrainerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(kind: str, fields: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"type": kind, **fields}, default=str) + "\n")
    sys.stdout.flush()


def die_with_parent() -> None:
    """
    From now on the death of the parent ends this process at once; on Linux by the kernel, else by looking.

    By SIGKILL: a process that is stopped, as a paused trainer is, would never be given a SIGTERM.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel knew
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
