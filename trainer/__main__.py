"""
The trainer as a process: one job on stdin up to its end, JSON lines on stdout, a log on stderr.

    {"type": "progress", "done", "total", "unit", "note", "loss"} ...
    {"type": "done", "adapter", "sha256", "steps", "train_loss", "exam_loss", "seconds", "lessons", "skipped",
     "contradicting", "backend", "peak_mb", "tokens", "tokens_per_s", "resumed_from"}
or  {"type": "error", "code", "message"} and exit code 1

Promises: the last line is "done" or "error" unless the process was killed; a bug is a traceback on stderr and
exit code 1.
"""

import json
import logging
import os
import sys
from dataclasses import asdict

from trainer import night
from trainer.checkpoint import EVERY_S
from trainer.errors import TrainerError
from trainer.job import parse_job
from trainer.parent import die_with_parent
from trainer.progress import Progress

log = logging.getLogger("trainer")


def main(keep_every_s: float = EVERY_S) -> int:
    """Do the one job, keeping a checkpoint at most so often; the exit code."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    try:
        try:
            job = parse_job(sys.stdin.buffer.read())
            log.info("%d lessons on %s, seed %d, %s", len(job.lessons), job.model, job.seed, job.recipe)
            for said in night.run(job, keep_every_s=keep_every_s):
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


def _say(kind: str, fields: dict[str, object]) -> None:
    sys.stdout.write(json.dumps({"type": kind, **fields}, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
