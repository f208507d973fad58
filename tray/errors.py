"""
What the icon says when it can't be there.

Promises: each class words its own message in one line: what, why, what to do.
"""


class TrayError(Exception):
    """A problem with the icon that the user can do something about."""


class NotInstalled(TrayError):
    """The libraries of the icon are not there."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"The icon needs a library that is not installed: {missing}. "
            "Install it with: pip install 'tsubasa[tray]'. The page needs nothing more: tsubasa open"
        )


class NoTray(TrayError):
    """This desktop has no place for an icon."""

    def __init__(self, why: str, *, has_desktop: bool = True) -> None:
        super().__init__(f"No tray for the icon: {why}. The page shows the same: tsubasa open")
        self.has_desktop = has_desktop


class StartFailed(TrayError):
    """The daemon was started from the menu, and ended."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"Tsubasa did not start (exit code {code}): {said or 'it said nothing'}")


class NoBrowser(TrayError):
    """The page can't be opened from here."""

    def __init__(self) -> None:
        super().__init__("No browser could be started. In a terminal, try: tsubasa open --print")
