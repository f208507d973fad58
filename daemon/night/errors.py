"""What can go wrong in a night. No message quotes what may tell of a lesson."""

import re
from pathlib import Path

from daemon.errors import DaemonError

_RAISED = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Killed))(?::|$)")
FORGOTTEN_MEANWHILE = "something it learned from was forgotten meanwhile"


class NightError(DaemonError):
    """Something about training, examining or adopting a generation failed; the live one is untouched."""


class NightFailed(NightError):
    """The trainer did not finish. Nothing was adopted; the night can be tried again."""

    def __init__(self, why: str, *, log: str = "") -> None:
        """`log`: the trainer's. Its traceback may quote a lesson, so only the class of the last error is named."""
        raised = _RAISED.match(log.strip().splitlines()[-1]) if log.strip() else None
        said = f" Its last error was {raised[1]}." if raised else ""
        super().__init__(
            f"The night failed: {why.rstrip('.')}.{said} The live generation is untouched; the night will be "
            f"tried again."
        )
        self.why = why


class CheckpointsUnsafe(NightError):
    """The folder for checkpoints is not ours alone; nothing is written to it."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"Can't keep checkpoints in {folder}: {why}. Remove it; until then a night that is interrupted "
            f"starts again."
        )
