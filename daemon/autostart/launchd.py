"""
launchd: an agent of a macOS user's login session; what `systemd.py` is on Linux.

It knows neither readiness nor a watchdog; what it has is used: a restart after a failure, and no more often than
every ten seconds. Source: launchd.plist(5), launchctl(1).
"""

import os
import plistlib
from pathlib import Path

from daemon.autostart.manager import Start, State, check_command, run_command

LABEL = "tsubasa.daemon"


class Launchd:
    """The manager of a macOS user's session."""

    name = "launchd"

    def __init__(self, user_home: Path) -> None:
        self.file = user_home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._domain = f"gui/{os.getuid()}"

    def written(self, start: Start) -> bytes:
        """The property list."""
        return plistlib.dumps(
            {
                "Label": LABEL,
                "ProgramArguments": list(start.command),
                "EnvironmentVariables": dict(start.environment),
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 10,
                "ExitTimeOut": 60,
                "ProcessType": "Interactive",  # answers are waited for; nights lower their own priority
                "Umask": 0o077,
                "HardResourceLimits": {"Core": 0},
                "SoftResourceLimits": {"Core": 0},
                "StandardOutPath": str(start.log),
                "StandardErrorPath": str(start.log),
            }
        )

    def turn_on(self, *, run: bool) -> None:
        """Load the agent, which starts it; without `run` the next login does."""
        check_command("launchctl", "enable", f"{self._domain}/{LABEL}")
        if run:
            run_command(
                "launchctl", "bootout", f"{self._domain}/{LABEL}"
            )  # an earlier one; fails where there is none
            check_command("launchctl", "bootstrap", self._domain, str(self.file))

    def turn_off(self) -> None:
        """Unload the agent, which ends it."""
        if run_command("launchctl", "print", f"{self._domain}/{LABEL}").returncode == 0:
            check_command("launchctl", "bootout", f"{self._domain}/{LABEL}")

    def taken_away(self) -> None:
        """Nothing is left to do."""

    def state(self) -> State:
        """What launchd prints of the agent."""
        found = run_command("launchctl", "print", f"{self._domain}/{LABEL}")
        if found.returncode:
            return State(enabled=False, running=False, says="not loaded")
        lines = [line.strip() for line in found.stdout.splitlines()]
        facts = [line for line in lines if line.startswith(("state = ", "pid = ", "last exit code = "))]
        return State(enabled=True, running="state = running" in facts, says=", ".join(facts) or "loaded")

    def show_log(self, start: Start, *, lines: int, follow: bool) -> list[str]:
        """From the file that the agent writes."""
        return ["tail", "-n", str(lines), *(["-F"] if follow else []), str(start.log)]
