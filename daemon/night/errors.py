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

    def __init__(self, why: str, *, log: str = "", is_final: bool = False) -> None:
        """
        Args:
            log: the trainer's. Its traceback may quote a lesson, so only the class of the last error is named.
            is_final: the same night would fail with it again.
        """
        raised = _RAISED.match(log.strip().splitlines()[-1]) if log.strip() else None
        said = f" Its last error was {raised[1]}." if raised else ""
        again = "this night is not tried again" if is_final else "the night will be tried again"
        super().__init__(
            f"The night failed: {why.rstrip('.')}.{said} The live generation is untouched; {again}."
        )
        self.why, self.is_final = why, is_final


class CheckpointsUnsafe(NightError):
    """The folder for checkpoints is not ours alone; nothing is written to it."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"Can't keep checkpoints in {folder}: {why}. Remove it; until then a night that is interrupted "
            f"starts again."
        )
