"""
Windows' Task Scheduler: a task that starts when its user logs on, with the rights of a plain user.

It knows neither readiness nor a watchdog; a task that failed is tried five times, a minute apart. The order of the
elements is that of the schema. Source: the Task Scheduler schema, version 1.4, https://learn.microsoft.com/windows/win32/taskschd
"""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

from daemon.autostart.manager import Start, State, ask, tell

TASK = "Tsubasa"
NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "true",
    "Enabled": "true",
    "Hidden": "false",
    "RunOnlyIfIdle": "false",
    "WakeToRun": "false",
    "ExecutionTimeLimit": "PT0S",  # no limit
    "Priority": "5",
}


class TaskScheduler:
    """The manager of a Windows user's session."""

    name = "Task Scheduler"

    def __init__(self, environment: Mapping[str, str], user_home: Path) -> None:
        data = Path(environment.get("LOCALAPPDATA") or user_home / "AppData" / "Local")
        self._user = "\\".join(filter(None, (environment.get("USERDOMAIN"), environment.get("USERNAME"))))
        self.file = data / "Tsubasa" / "task.xml"

    def written(self, start: Start) -> bytes:
        """The task; UTF-16, the one encoding that `schtasks` reads everywhere."""
        task = ET.Element("Task", {"version": "1.4", "xmlns": NAMESPACE})
        _add(task, "RegistrationInfo", {"Description": "Tsubasa, a private assistant", "URI": f"\\{TASK}"})
        trigger = ET.SubElement(ET.SubElement(task, "Triggers"), "LogonTrigger")
        principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", {"id": "Author"})
        for parent in (trigger, principal):
            if parent is trigger:
                ET.SubElement(parent, "Enabled").text = "true"
            if self._user:
                ET.SubElement(parent, "UserId").text = self._user
        ET.SubElement(principal, "LogonType").text = "InteractiveToken"
        ET.SubElement(principal, "RunLevel").text = "LeastPrivilege"
        settings = _add(task, "Settings", SETTINGS)
        _add(settings, "RestartOnFailure", {"Interval": "PT1M", "Count": "5"})
        actions = ET.SubElement(task, "Actions", {"Context": "Author"})
        _add(
            actions,
            "Exec",
            {"Command": "cmd.exe", "Arguments": _line(start), "WorkingDirectory": str(start.home)},
        )
        ET.indent(task)
        return bytes(ET.tostring(task, encoding="utf-16", xml_declaration=True))

    def turn_on(self, *, run: bool) -> None:
        """Register the task."""
        tell("schtasks", "/Create", "/TN", TASK, "/XML", str(self.file), "/F")
        if run:
            tell("schtasks", "/Run", "/TN", TASK)

    def turn_off(self) -> None:
        """End and remove the task."""
        if ask("schtasks", "/Query", "/TN", TASK).returncode == 0:
            ask("schtasks", "/End", "/TN", TASK)  # fails where it does not run
            tell("schtasks", "/Delete", "/TN", TASK, "/F")

    def taken_away(self) -> None:
        """Nothing is left to tell."""

    def state(self) -> State:
        """What the scheduler lists of the task."""
        told = ask("schtasks", "/Query", "/TN", TASK, "/FO", "CSV", "/NH")
        if told.returncode:
            return State(enabled=False, running=False, says="not registered")
        says = told.stdout.strip().rpartition(",")[2].strip('"')
        return State(enabled=True, running=says == "Running", says=says)

    def show_log(self, start: Start, *, lines: int, follow: bool) -> list[str]:
        """From the file that the task writes."""
        told = f"Get-Content -LiteralPath '{str(start.log).replace(chr(39), 2 * chr(39))}' -Tail {lines}"
        return ["powershell", "-NoProfile", "-Command", told + (" -Wait" if follow else "")]


def _add(parent: ET.Element, name: str, children: Mapping[str, str]) -> ET.Element:
    made = ET.SubElement(parent, name)
    for child, text in children.items():
        ET.SubElement(made, child).text = text
    return made


def _line(start: Start) -> str:
    """For `cmd.exe`: a task has no environment and no output of its own."""
    sets = "".join(f'set "{name}={value}"&& ' for name, value in start.environment)
    program = subprocess.list2cmdline(start.command)
    log = subprocess.list2cmdline([str(start.log)])
    return f'/d /c "{sets}{program} >> {log} 2>&1"'
