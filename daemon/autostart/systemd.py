"""
systemd's user manager: a unit that says when it is ready, is watched, and can do little harm.

What needs a mount or user namespace is left out: on systems that forbid those to users the service would not start
at all (`docs/decisions.md`). Source: systemd.service(5), systemd.exec(5), sd_notify(3).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from daemon.autostart.manager import Start, State, check_command, manager_missing, run_command

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
        self._check("daemon-reload")
        self._check("enable", UNIT)
        if run:
            self._check("restart", "--no-block", UNIT)  # a first start may load gigabytes

    def turn_off(self) -> None:
        """Disable and stop the unit."""
        self._check("disable", UNIT)
        self._check("stop", UNIT)

    def taken_away(self) -> None:
        """Forget the unit."""
        self._check("daemon-reload")
        run_command("systemctl", "--user", "reset-failed", UNIT)  # fails where nothing had

    def state(self) -> State:
        """What the manager says of the unit."""
        asked = "--property=UnitFileState,ActiveState,SubState,Result,StatusText,NRestarts"
        found = dict(line.partition("=")[::2] for line in self._run("show", UNIT, asked).splitlines())
        active, result = found.get("ActiveState", "unknown"), found.get("Result", "")
        says = f"{active} ({found.get('SubState', '?')})"
        says += f", {found['StatusText']}" if found.get("StatusText") else ""
        says += f", last end: {result}" if result not in ("", "success") else ""
        restarts = found.get("NRestarts", "0")
        says += f", {restarts} restart{'' if restarts == '1' else 's'}" if restarts not in ("", "0") else ""
        enabled = found.get("UnitFileState") in ("enabled", "enabled-runtime")
        return State(enabled=enabled, running=active == "active", says=says)

    def show_log(self, start: Start, *, lines: int, follow: bool) -> list[str]:
        """From the journal."""
        command = f"journalctl --user --unit {UNIT} --no-pager --no-hostname --output short-iso".split()
        return [*command, "--lines", str(lines), *(["--follow"] if follow else [])]

    def _check(self, *command: str) -> None:
        self._run("show-environment")  # says plainly whether there is a manager at all
        check_command("systemctl", "--user", *command)

    def _run(self, *command: str) -> str:
        done = run_command("systemctl", "--user", *command)
        if done.returncode and NO_MANAGER.search(done.stderr):
            raise manager_missing("systemctl --user", done.stderr.strip().splitlines()[0].rstrip("."))
        return done.stdout


def _quoted(text: str) -> str:
    """One word of a unit file; `%` would begin a specifier."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
