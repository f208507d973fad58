"""
A desktop for the tests: a virtual screen, a tray or none, and a bus of its own with somebody who shows notices.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jeepney import HeaderFields, MessageType, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from tests.whole.house import ROOT, need, wait_for

MENU, ICON = "Tsubasa menu", "tsubasaSystemTrayIcon"


class Desktop:
    """One screen, from `desktop` to its end."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self._tray: subprocess.Popen[bytes] | None = None

    def start_tray(self) -> None:
        """Start a tray, and wait until it takes icons."""
        command = [need("trayer"), "--edge", "bottom", "--align", "right", "--widthtype", "request"]
        with open(self.folder / "trayer.log", "ab") as log:
            self._tray = subprocess.Popen(
                [*command, "--height", "32"], env=self.environment, stdout=log, stderr=log
            )
        wait_for(lambda: "panel" in self._asked("xwininfo", "-root", "-tree"), seconds=20)

    def stop_tray(self) -> None:
        if self._tray is not None:
            self._tray.terminate()
            self._tray.wait(20)
            self._tray = None

    def window(self, name: str) -> tuple[int, int, int, int] | None:
        """Place and size of the window with this name or class, on the screen; None when there is none."""
        for line in self._asked("xwininfo", "-root", "-tree").splitlines():
            if f'"{name}' in line:
                size, place = line.split()[-2:]
                width, height = size.split("+")[0].split("x")
                x, y = place.strip("+").split("+")
                return int(x), int(y), int(width), int(height)
        return None

    def is_docked(self) -> bool:
        """Whether the icon lies in the tray: there it is no child of the root window."""
        lines = [line for line in self._asked("xwininfo", "-root", "-tree").splitlines() if ICON in line]
        return any(len(line) - len(line.lstrip()) > 5 for line in lines)

    def click(self, x: int, y: int, *, button: int = 1) -> None:
        self._asked("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def click_icon(self, *, button: int = 1) -> None:
        place = self.window(ICON)
        assert place is not None, "there is no icon"
        self.click(place[0] + place[2] // 2, place[1] + place[3] // 2, button=button)

    def open_menu(self) -> tuple[int, int, int, int]:
        """Click on the icon; where the menu is."""
        self.click_icon()
        wait_for(lambda: self.window(MENU) is not None, seconds=20)
        place = self.window(MENU)
        assert place is not None
        return place

    def keys(self, *names: str) -> None:
        """Press keys, one after the other."""
        self._asked("xdotool", "key", "--delay", "60", *names)

    def picture(self, name: str) -> Path:
        """The screen as it looks now, as a PNG that is kept where SCREENSHOTS says, if it does."""
        folder = Path(os.environ.get("SCREENSHOTS") or self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._asked("import", "-window", "root", str(folder / f"{name}.png"))
        return folder / f"{name}.png"

    def start(self, *command: str, **more: str) -> subprocess.Popen[str]:
        """One of our programs on this desktop."""
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _asked(self, *command: str) -> str:
        done = subprocess.run(
            [need(command[0]), *command[1:]], env=self.environment, capture_output=True, text=True, timeout=30
        )
        return done.stdout


@contextmanager
def desktop(folder: Path, home: Path) -> Iterator[Desktop]:
    """A screen without a tray; whatever runs on it ends with the block."""
    for program in ("Xvfb", "xdotool", "xwininfo", "import"):
        need(program)
    reading, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1000x700x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with open(reading) as told:
        number = told.readline().strip()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TSUBASA_", "DBUS_"))}
    browser = _browser(folder)
    environment = kept | {
        "DISPLAY": f":{number}",
        "PYTHONPATH": str(ROOT),
        "TSUBASA_HOME": str(home),
        "BROWSER": str(browser),
        "XDG_DATA_HOME": str(folder),
        "PATH": f"{folder}:{os.environ['PATH']}",
    }
    environment.pop("WAYLAND_DISPLAY", None)
    made = Desktop(environment, folder)
    try:
        yield made
    finally:
        made.stop_tray()
        screen.terminate()
        screen.wait(20)


def _browser(folder: Path) -> Path:
    """A browser that only notes what it was to open."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >> {folder}/opened\n')
    script.chmod(0o700)
    return script


def opened(folder: Path) -> list[str]:
    """The links that were opened."""
    file = folder / "opened"
    return file.read_text().split() if file.exists() else []


@contextmanager
def bus(folder: Path, *names: str) -> Iterator[tuple[str, list[str]]]:
    """A session bus on which these names are taken; its address, and the notices that were shown."""
    daemon = subprocess.Popen(
        [need("dbus-daemon"), "--session", "--nofork", "--print-address=1", f"--address=unix:dir={folder}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert daemon.stdout is not None
    address = daemon.stdout.readline().strip()
    shown: list[str] = []
    leaving = threading.Event()
    serving = threading.Thread(target=_serve, args=(address, names, shown, leaving))
    serving.start()
    try:
        wait_for(lambda: leaving.is_set() or "ready" in shown, seconds=20)
        shown.remove("ready")
        yield address, shown
    finally:
        leaving.set()
        serving.join(20)
        daemon.stdout.close()
        daemon.terminate()
        daemon.wait(20)


def _serve(address: str, names: tuple[str, ...], shown: list[str], leaving: threading.Event) -> None:
    with open_dbus_connection(address) as connection:
        for name in names:
            connection.send_and_get_reply(message_bus.RequestName(name), timeout=10)
        shown.append("ready")
        while not leaving.is_set():
            try:
                message = connection.receive(timeout=0.1)
            except TimeoutError:
                continue
            header = message.header
            if (
                header.message_type is MessageType.method_call
                and header.fields.get(HeaderFields.member) == "Notify"
            ):
                shown.append(f"{message.body[3]}: {message.body[4]}")
                connection.send(new_method_return(message, "u", (1,)))


def until(what: Callable[[], bool], *, seconds: float = 120) -> None:
    """Wait for something that happens soon; fail when it does not."""
    wait_for(what, seconds=seconds)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code and what it said; fails when it does not end by itself."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def resident_mb(pid: int) -> float:
    """The memory that the process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def settle(seconds: float = 0.4) -> None:
    """Let a menu draw what was done to it."""
    time.sleep(seconds)
