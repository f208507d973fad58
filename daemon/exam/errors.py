"""What can go wrong in an exam. Each class words its own message."""

from daemon.errors import DaemonError


class ExamTooLong(DaemonError):
    """An exam was not over in time; it counts as failed."""

    def __init__(self, within_s: float) -> None:
        super().__init__(f"the exam took more than {within_s / 60:.0f} minutes, so it could not be passed")
