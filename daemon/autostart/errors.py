"""
What can go wrong with starting at login, each with what to do.
"""

from pathlib import Path

from daemon.errors import DaemonError


class ServiceDiffers(DaemonError):
    """There is a service already, and it is not what would be written."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"{str(file)!r} is there already and says something else: an older version wrote it, or somebody "
            "changed it. Nothing was changed. To write it anew: tsubasa service install --replace"
        )


class ServiceMissing(DaemonError):
    """A service is asked for that was never installed."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"No service is installed: there is no {str(file)!r}. Install it with: tsubasa service install"
        )


class ServiceFileUnusable(DaemonError):
    """The file of the service can't be read, written or removed."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"Can't use {str(file)!r}: {why}. Nothing was changed; set that right and try again."
        )


class ManagerMissing(DaemonError):
    """This system has none of the service managers that we know."""

    def __init__(self, program: str, why: str) -> None:
        super().__init__(
            f"Can't talk to this system's service manager: {program}: {why}. "
            "Without one, have your session start this at login: tsubasa up"
        )


class ManagerRefused(DaemonError):
    """The service manager did not do what it was asked."""

    def __init__(self, command: str, code: int, words: str) -> None:
        said = words.strip().splitlines()[-1].strip() if words.strip() else "it said nothing"
        super().__init__(
            f"The service manager refused `{command}` (exit code {code}): {said.rstrip('.')}. "
            "More may be in: tsubasa service logs"
        )


class NotSayable(DaemonError):
    """A path can't be written into a service file."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"Can't write {text!r} into a service: it has a line break or another control character. "
            "Choose a home with a plainer name: tsubasa service install --home FOLDER"
        )
