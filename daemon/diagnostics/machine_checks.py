"""
The machine: what it can compute with, its disk, its clock, its desktop.

Promises: changes nothing; takes seconds at most; what a system does not tell is said to be untold.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from daemon.diagnostics.finding import Finding
from daemon.hardware.offload_plan import Hardware
from daemon.home import Home
from daemon.text import counted, format_bytes

ASKING_S = 60.0  # an engine's libraries may come from a cold disk
LITTLE, SCARCE = 5 * 10**9, 10**9  # bytes of disk: a night needs the one, a store the other
BUILT = datetime(2026, 11, 1)  # no right clock shows an earlier time than this program was written
COMPILERS = {"a C compiler": ("cc", "gcc", "clang", "cl"), "a C++ compiler": ("c++", "g++", "clang++", "cl")}
ENGINE_SOURCE = "llama-cpp-python"


def python() -> Finding:
    """The interpreter that runs this."""
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(name="python", state="ok", said=f"{found}, {sys.executable}")


def engine() -> tuple[Finding, dict[str, object]]:
    """Whether llama.cpp loads, in a process of its own; also what it told of itself."""
    command = [sys.executable, "-m", "daemon.engine.llama"]
    reinstall = f"pip install --force-reinstall --no-cache-dir {ENGINE_SOURCE}"
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_S, check=False)
        about: dict[str, object] = json.loads(asked.stdout) if asked.returncode == 0 else {}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return Finding(name="engine", state="wrong", said=f"does not start: {error}", todo=reinstall), {}
    if not about:
        why = (asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"])[-1]
        return Finding(
            name="engine", state="wrong", said=f"llama.cpp does not load: {why}", todo=reinstall
        ), {}
    computes = "the processor and a graphics card" if about["gpu_offload"] else "the processor"
    said = f"{ENGINE_SOURCE} {about['version']}, built for {computes}"
    return Finding(name="engine", state="ok", said=said), about


def compiler(engine_works: bool) -> Finding:
    """What is needed to build the engine; of no interest while it works."""
    missing = [what for what, names in COMPILERS.items() if not any(map(shutil.which, names))]
    if not missing:
        return Finding(name="compiler", state="ok", said="there, should the engine have to be built")
    said = f"{' and '.join(missing)} not found"
    if engine_works:
        return Finding(name="compiler", state="ok", said=f"{said}; not needed, the engine is built")
    todo = (
        "xcode-select --install" if sys.platform == "darwin" else "Install one: apt install build-essential"
    )
    return Finding(name="compiler", state="wrong", said=said, todo=todo)


def card(hardware: Hardware, offloads: bool) -> Finding:
    """The graphics card, for answers (llama.cpp) and for nights (torch)."""
    if not hardware.cards:
        cores = counted(hardware.cores, "core")
        return Finding(name="gpu", state="ok", said=f"none found: the processor computes, with {cores}")
    names = ", ".join(
        f"{one.name} ({format_bytes(one.free)} of {format_bytes(one.total)} free)" for one in hardware.cards
    )
    nights = _torch_computes_on()
    if not offloads:
        flag = {"Apple silicon": "GGML_METAL", "AMD graphics": "GGML_HIP"}.get(
            hardware.cards[0].name, "GGML_CUDA"
        )
        todo = f'CMAKE_ARGS="-D{flag}=on" pip install --force-reinstall --no-cache-dir {ENGINE_SOURCE}'
        return Finding(name="gpu", state="note", said=f"{names}; not used by answers. {nights}", todo=todo)
    return Finding(name="gpu", state="ok", said=f"{names}. {nights}")


def memory(hardware: Hardware, model_bytes: int) -> Finding:
    """Whether the model fits beside everything else."""
    if not hardware.memory:
        return Finding(name="memory", state="note", said="this system does not tell how much there is")
    needed = model_bytes * 3 // 2
    said = f"{format_bytes(hardware.memory)}; the model needs about {format_bytes(needed)}"
    if needed < hardware.memory:
        return Finding(name="memory", state="ok", said=said)
    return Finding(name="memory", state="wrong", said=said, todo="Take a smaller model: tsubasa pull --list")


def disk(home: Home) -> Finding:
    """Room for chats, and for a night."""
    free = shutil.disk_usage(home.ground).free
    said = f"{format_bytes(free)} free at {home.path}"
    if free < SCARCE:
        return Finding(
            name="disk", state="wrong", said=said, todo="Make room, or set TSUBASA_HOME elsewhere."
        )
    if free < LITTLE:
        todo = f"Make room: a night needs up to {format_bytes(LITTLE)}, a model more."
        return Finding(name="disk", state="note", said=said, todo=todo)
    return Finding(name="disk", state="ok", said=said)


def clock(home: Home, now: float | None = None) -> Finding:
    """Memories carry days and nights have hours: both want a clock that is right."""
    moment = datetime.fromtimestamp(time.time() if now is None else now)
    said = f"{moment:%Y-%m-%d %H:%M}, time zone {time.strftime('%Z') or 'unknown'}"
    set_it = "Set the clock, for example: timedatectl set-ntp true"
    files = [home.store, home.api_key, home.config]
    newest = max((file.stat().st_mtime for file in files if os.path.exists(file)), default=0.0)
    if moment < BUILT or moment.timestamp() < newest - 86_400:
        why = (
            "before this program was written" if moment < BUILT else "before files of this home were written"
        )
        return Finding(name="clock", state="wrong", said=f"{said}: that is {why}", todo=set_it)
    if _said("timedatectl", "show", "-p", "NTPSynchronized", "--value") == "no":
        return Finding(name="clock", state="note", said=f"{said}; nothing keeps it right", todo=set_it)
    return Finding(name="clock", state="ok", said=said)


def tray() -> Finding:
    """Whether an icon could be shown."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Finding(
            name="tray", state="ok", said="no desktop in this session, so no icon; the command line will do"
        )
    if not find_spec("pystray"):
        return Finding(
            name="tray", state="note", said="pystray is not installed", todo="pip install 'tsubasa[tray]'"
        )
    if sys.platform != "linux":
        return Finding(name="tray", state="ok", said="there")
    watchers = _said("busctl", "--user", "list", "--no-legend")
    if "org.kde.StatusNotifierWatcher" in watchers:
        return Finding(name="tray", state="ok", said="the desktop shows icons")
    if os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return Finding(
            name="tray", state="ok", said="an X11 desktop; its panel shows the icon if it has a tray"
        )
    todo = "GNOME: install the extension AppIndicator. Without it: notifications, and the page."
    return Finding(name="tray", state="note", said="this desktop shows no icons", todo=todo)


def _torch_computes_on() -> str:
    """What the installed torch was built for, without loading it."""
    spec = find_spec("torch")
    version = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    if version is None or not version.exists():
        return "torch is not installed: no nights"
    source = version.read_text(encoding="utf-8", errors="replace")
    built = re.search(r"^(cuda|hip)\b[^=]*= *'([^']+)'", source, re.MULTILINE)
    return f"Nights: torch for {built[1].upper()} {built[2]}" if built else "Nights: torch on the processor"


def _said(*command: str) -> str:
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
