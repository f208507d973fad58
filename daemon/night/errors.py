"""What can go wrong in a night. Every class words its own message, and none quotes what may tell of a lesson."""

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
        """`log`: of the trainer; a traceback may quote a lesson, so that the kind of its last error is all we tell."""
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
            f"begins anew."
        )


class CheckpointsLeft(NightError):
    """A checkpoint that may tell of what was forgotten could not be deleted."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"A night's checkpoint could not be deleted: {why}. Delete it by hand: {folder}")
