"""
systemd's user manager: a unit that says when it is ready, is watched, and can do little harm.

Why these lines and no others is told in `docs/decisions.md`: what needs a mount or user namespace is left out, for
on systems that forbid those to users the service would not start at all.
Source: systemd.service(5), systemd.exec(5), sd_notify(3).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from daemon.autostart.errors import ManagerMissing
from daemon.autostart.manager import Start, State, ask, tell

UNIT = "tsubasa.service"
NO_MANAGER = re.compile(r"connect to bus|not been booted with systemd|Host is down", re.IGNORECASE)
TEXT = """\
# Written by `tsubasa service install`, and by nothing else. Your own changes: systemctl --user edit tsubasa
[Unit]
Description=Tsubasa, a private assistant
# Five starts that fail within five minutes: it needs a person.
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
{environment}
Restart=on-failure
RestartSec=5
# A large model may come from a cold disk.
TimeoutStartSec=10min
TimeoutStopSec=1min
# It tells that it lives while its event loop and its store answer; one large import may keep the store busy.
WatchdogSec=10min
# The daemon ends its children itself, in order; a night that runs out of memory does not end the daemon.
KillMode=mixed
OOMPolicy=continue

# No file that others can read, no memory written to a disk in a crash.
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=net user
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
"""


class Systemd:
    """The manager of a Linux user's session."""

    name = "systemd"

    def __init__(self, environment: Mapping[str, str], user_home: Path) -> None:
        config = Path(environment.get("XDG_CONFIG_HOME") or user_home / ".config")
        self.file = config / "systemd" / "user" / UNIT

    def written(self, start: Start) -> bytes:
        """The unit."""
        command = " ".join(_quoted(part).replace("$", "$$") for part in start.command)
        environment = "\n".join(
            f"Environment={_quoted(f'{name}={value}')}" for name, value in start.environment
        )
        return TEXT.format(command=command, environment=environment).encode()

    def turn_on(self, *, run: bool) -> None:
        """Enable the unit."""
        self._tell("daemon-reload")
        self._tell("enable", UNIT)
        if run:
            self._tell(
                "restart", "--no-block", UNIT
            )  # a first start may load gigabytes: `status` tells how it goes

    def turn_off(self) -> None:
        """Disable and stop the unit."""
        self._tell("disable", UNIT)
        self._tell("stop", UNIT)

    def taken_away(self) -> None:
        """Forget the unit."""
        self._tell("daemon-reload")
        ask("systemctl", "--user", "reset-failed", UNIT)  # fails where nothing had

    def state(self) -> State:
        """What the manager says of the unit."""
        asked = "--property=UnitFileState,ActiveState,SubState,Result,StatusText,NRestarts"
        told = dict(line.partition("=")[::2] for line in self._asked("show", UNIT, asked).splitlines())
        active, result = told.get("ActiveState", "unknown"), told.get("Result", "")
        says = f"{active} ({told.get('SubState', '?')})"
        says += f", {told['StatusText']}" if told.get("StatusText") else ""
        says += f", last end: {result}" if result not in ("", "success") else ""
        restarts = told.get("NRestarts", "0")
        says += f", {restarts} restarts" if restarts not in ("", "0") else ""
        enabled = told.get("UnitFileState") in ("enabled", "enabled-runtime")
        return State(enabled=enabled, running=active == "active", says=says)

    def show_log(self, start: Start, *, lines: int, follow: bool) -> list[str]:
        """From the journal."""
        command = [
            "journalctl",
            "--user",
            "--unit",
            UNIT,
            "--no-pager",
            "--no-hostname",
            "--output",
            "short-iso",
        ]
        return [*command, "--lines", str(lines), *(["--follow"] if follow else [])]

    def _tell(self, *command: str) -> None:
        self._asked("show-environment")  # says plainly whether there is a manager at all
        tell("systemctl", "--user", *command)

    def _asked(self, *command: str) -> str:
        done = ask("systemctl", "--user", *command)
        if done.returncode and NO_MANAGER.search(done.stderr):
            raise ManagerMissing("systemctl --user", done.stderr.strip().splitlines()[0].rstrip("."))
        return done.stdout


def _quoted(text: str) -> str:
    """One word of a unit file; `%` would begin a specifier."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
