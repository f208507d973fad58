"""
`tsubasa doctor`: whether this machine and this home have everything that Tsubasa needs.

    examine ──> machine: python, engine, compiler, card, memory, disk, clock, tray
            ──> home: folder, settings, model, embedder, key, daemon and port, traffic
            ──> clients: programs here that can talk to Tsubasa, and the line that each needs

Nothing is changed. What a system does not say is said to be unknown.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from daemon import home as homes
from daemon.client.client import connect
from daemon.config import settings as config
from daemon.config.default_model import LITTLE, little, model_file, nano_stands_in, shipped_skills
from daemon.config.settings import Config, Settings
from daemon.diagnostics.client_table import table
from daemon.downloads.errors import LogUnreadable
from daemon.downloads.little import is_as_made, read_note
from daemon.downloads.pull import sha256_of
from daemon.downloads.traffic_log import read_traffic
from daemon.embedding.choices import choice, remedy
from daemon.engine.errors import EngineError
from daemon.engine.gguf_file import Header, checked_header
from daemon.engine.model_facts import facts_of, needed_bytes
from daemon.engine.records import is_taught
from daemon.errors import DaemonError
from daemon.further_models.entries import Entry, Unusable, read
from daemon.hardware.offload_plan import Hardware, look
from daemon.home import MAY_BE_THERE, OURS, Home, Running
from daemon.lifecycle.listen import listen
from daemon.text import can_learn, counted, format_bytes, what_model
from store.errors import StoreError
from store.keys import describe

ENGINE_TIMEOUT_S = 60.0  # an engine's libraries may come from a cold disk
ANSWER_S = 5.0  # that a daemon may take to answer
LOW, SCARCE = 5 * 10**9, 10**9  # bytes of disk: a night needs the one, a store the other
BUILT = datetime(2026, 11, 1)  # no right clock shows an earlier time than this program was written
COMPILERS = {"a C compiler": ("cc", "gcc", "clang", "cl"), "a C++ compiler": ("c++", "g++", "clang++", "cl")}
ENGINE_SOURCE = "llama-cpp-python"
PULL = "tsubasa pull"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. Only what is "wrong" must be done something about."""

    name: str
    state: Literal["ok", "note", "wrong"]
    said: str
    todo: str = ""  # what to type or do; "" where nothing is to be done


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientProgram:
    """A program here that can talk to Tsubasa."""

    name: str
    where: str
    line: str  # what it needs


def ok(name: str, said: str) -> Finding:
    """All is well with it."""
    return Finding(name=name, state="ok", said=said)


def note(name: str, said: str, todo: str = "") -> Finding:
    """It works without; good to know."""
    return Finding(name=name, state="note", said=said, todo=todo)


def wrong(name: str, said: str, todo: str = "") -> Finding:
    """Something must be done about it."""
    return Finding(name=name, state="wrong", said=said, todo=todo)


def examine(home: Home, environment: Mapping[str, str]) -> tuple[list[Finding], list[ClientProgram]]:
    """Everything, in the order in which one thing needs the other."""
    hardware = look()
    settings, settings_found = read_settings(home, environment)
    engine_found, about = engine()
    model_found, model_needs = model(settings, home)
    daemon_found, running = daemon(home, settings)
    found = [
        ok("python", f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}"),
        engine_found,
        compiler(bool(about)),
        card(hardware, bool(about.get("gpu_offload"))),
        folder(home),
        settings_found,
        model_found,
        *further_models(settings, home, hardware),
        memory(hardware, model_needs),
        embedder(settings),
        key(home, settings),
        *daemon_found,
        disk(home),
        clock(home),
        tray(),
        traffic(home, settings),
    ]
    url = running.url if running else f"http://127.0.0.1:{settings.config.port or 4141}"
    return found, clients(url, home.api_key)


def engine() -> tuple[Finding, dict[str, object]]:
    """Whether llama.cpp loads, in a process of its own; also what it says of itself."""
    command = [sys.executable, "-m", "daemon.engine.llama"]
    reinstall = f"pip install --force-reinstall --no-cache-dir {ENGINE_SOURCE}"
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ENGINE_TIMEOUT_S, check=False)
        about: dict[str, object] = json.loads(asked.stdout) if asked.returncode == 0 else {}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return wrong("engine", f"does not start: {error}", reinstall), {}
    if not about:
        why = (asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"])[-1]
        return wrong("engine", f"llama.cpp does not load: {why}", reinstall), {}
    computes = "the processor and a graphics card" if about["gpu_offload"] else "the processor"
    return ok("engine", f"{ENGINE_SOURCE} {about['version']}, built for {computes}"), about


def compiler(engine_works: bool) -> Finding:
    """What is needed to build the engine; of no interest while it works."""
    missing = [what for what, names in COMPILERS.items() if not any(map(shutil.which, names))]
    if not missing:
        return ok("compiler", "there, should the engine have to be built")
    said = f"{' and '.join(missing)} not found"
    if engine_works:
        return ok("compiler", f"{said}; not needed, the engine is built")
    is_mac = sys.platform == "darwin"
    todo = "xcode-select --install" if is_mac else "Install one: apt install build-essential"
    return wrong("compiler", said, todo)


def card(hardware: Hardware, offloads: bool) -> Finding:
    """The graphics card, for answers (llama.cpp) and for nights (torch)."""
    if not hardware.cards:
        return ok("gpu", f"none found: the processor computes, with {counted(hardware.cores, 'core')}")
    names = ", ".join(
        f"{one.name} ({format_bytes(one.free)} of {format_bytes(one.total)} free)" for one in hardware.cards
    )
    nights = _torch_computes_on()
    if offloads:
        return ok("gpu", f"{names}. {nights}")
    flags = {"Apple silicon": "GGML_METAL", "AMD graphics": "GGML_HIP"}
    flag = flags.get(hardware.cards[0].name, "GGML_CUDA")
    todo = f'CMAKE_ARGS="-D{flag}=on" pip install --force-reinstall --no-cache-dir {ENGINE_SOURCE}'
    return note("gpu", f"{names}; not used by answers. {nights}", todo)


def memory(hardware: Hardware, needed: int) -> Finding:
    """Whether the model, which takes `needed` bytes with its whole context, fits into the memory."""
    if not hardware.memory:
        return note("memory", "this system does not say how much there is")
    said = f"{format_bytes(hardware.memory)}; the model needs about {format_bytes(needed)} with its context"
    if needed < hardware.memory:
        return ok("memory", said)
    todo = "Set a smaller n_ctx in config.toml, or take a smaller model: tsubasa pull --list"
    return wrong("memory", said, todo)


def disk(home: Home) -> Finding:
    """Room for chats, and for a night."""
    free = shutil.disk_usage(home.ground).free
    said = f"{format_bytes(free)} free at {home.path}"
    if free < SCARCE:
        return wrong("disk", said, "Make room, or set TSUBASA_HOME elsewhere.")
    if free < LOW:
        return note("disk", said, f"Make room: a night needs up to {format_bytes(LOW)}, a model more.")
    return ok("disk", said)


def clock(home: Home, now: float | None = None) -> Finding:
    """Memories carry days and nights have hours: both want a clock that is right."""
    moment = datetime.fromtimestamp(time.time() if now is None else now)
    said = f"{moment:%Y-%m-%d %H:%M}, time zone {time.strftime('%Z') or 'unknown'}"
    set_it = "Set the clock, for example: timedatectl set-ntp true"
    kept = [home.store, home.api_key, home.config]
    newest = max((file.stat().st_mtime for file in kept if os.path.exists(file)), default=0.0)
    if moment < BUILT:
        return wrong("clock", f"{said}: that is before this program was written", set_it)
    if moment.timestamp() < newest - 86_400:
        return wrong("clock", f"{said}: that is before files of this home were written", set_it)
    if _output("timedatectl", "show", "-p", "NTPSynchronized", "--value") == "no":
        return note("clock", f"{said}; nothing keeps it right", set_it)
    return ok("clock", said)


def tray() -> Finding:
    """Whether an icon could be shown."""
    on_x11, on_wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if sys.platform == "linux" and not (on_x11 or on_wayland):
        return ok("tray", "no desktop in this session, so no icon; the command line will do")
    if not find_spec("pystray"):
        return note("tray", "pystray is not installed", "pip install 'tsubasa[tray]'")
    if sys.platform != "linux":
        return ok("tray", "there")
    if "org.kde.StatusNotifierWatcher" in _output("busctl", "--user", "list", "--no-legend"):
        return ok("tray", "the desktop shows icons")
    if on_x11 and not on_wayland:
        return ok("tray", "an X11 desktop; its panel shows the icon if it has a tray")
    todo = "GNOME: install the extension AppIndicator. Without it: notifications, and the page."
    return note("tray", "this desktop shows no icons", todo)


def read_settings(home: Home, environment: Mapping[str, str]) -> tuple[Settings, Finding]:
    """config.toml and the environment; defaults where they can't be read."""
    try:
        found = config.load(home.config, environment=environment)
    except DaemonError as error:
        defaults = Settings(config=Config(), origin=dict.fromkeys(config.kinds(), "default"))
        return defaults, wrong("settings", str(error))
    changed = sum(origin != "default" for origin in found.origin.values())
    file = home.config if home.config.exists() else "no config.toml"
    return found, ok("settings", f"{file}, {changed} changed")


def folder(home: Home) -> Finding:
    """Whether the home is one, or could be made."""
    place, elsewhere = home.ground, "Set TSUBASA_HOME to another folder."
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return wrong("home", f"{home.path}: {place} can't be written", elsewhere)
    if place != home.path:
        return ok("home", f"{home.path}, made at the first start")
    names = {entry.name for entry in place.iterdir()}
    if names - MAY_BE_THERE and not names & set(OURS):
        return wrong("home", f"{home.path} holds files of something else", elsewhere)
    return ok("home", str(home.path))


def model(settings: Settings, home: Home) -> tuple[Finding, int]:
    """The model that answers, by its header; also the bytes of memory that it takes while it answers."""
    chosen, origin = settings.config.model, settings.origin["model"]
    try:
        path = model_file(home, chosen)
        header = checked_header(path, settings.config.chat_template)
        facts = facts_of(path, header)
    except RuntimeError:  # ~somebody
        return wrong("model", f"{chosen}: there is no such user (from {origin})", PULL), 0
    except EngineError as error:
        return wrong("model", str(error), PULL), 0
    except OSError as error:
        return wrong("model", f"{chosen}: {error.filename} can't be read: {error.strerror}", PULL), 0
    needed = needed_bytes(header, facts.bytes, settings.config.n_ctx, settings.config.kv_cache)
    if nano_stands_in(home, chosen):
        return note("model", "the bundled nano: a stand-in that knows nothing of the world", PULL), needed
    what = what_model(facts.architecture, facts.quantization, facts.bytes, facts.n_ctx)
    said = f"{facts.name}, {what}; it {can_learn(facts.cannot_learn)}. {path} (from {origin})"
    if path == little(home) and (trouble := _not_as_it_should_be(path, header)):
        return trouble, needed
    if facts.cannot_learn:
        return note("model", said, "For nights, take a model that can learn: tsubasa pull --list"), needed
    return ok("model", said), needed


def further_models(settings: Settings, home: Home, hardware: Hardware) -> list[Finding]:
    """The models beside the main one, by their headers."""
    if not settings.config.models:
        return []
    try:
        _, found = read(settings.config, home, hardware, main=model_file(home, settings.config.model))
    except (EngineError, RuntimeError, OSError):  # what is told of the main model
        return [note("models", "not looked at before the main model is well")]
    origin, mend = settings.origin["models"], "Put the setting models right in config.toml."
    return [
        wrong("models", one.why, mend)
        if isinstance(one, Unusable)
        else ok("models", f"{one.name}, {_what(one)}. {one.path} (from {origin})")
        for one in found
    ]


def _what(one: Entry) -> str:
    facts = one.facts
    what = what_model(facts.architecture, facts.quantization, facts.bytes, facts.n_ctx)
    return f"{what}; it takes about {format_bytes(one.needed)} while it answers"


def _not_as_it_should_be(path: Path, header: Header) -> Finding | None:
    """What is wrong with the model that was made here; None: nothing."""
    pull = f"{PULL} {LITTLE}"
    if not is_as_made(path):
        return wrong("model", f"{path} is damaged: it is not the file that was made", pull)
    if not is_taught(header.values):
        return wrong("model", f"{path} was made by another version, for other tasks", pull)
    note_of, skills = read_note(path), shipped_skills()
    if note_of and skills.is_file() and sha256_of(skills) != note_of.skills:
        return note("model", f"{path} answers; this version of Tsubasa comes with other skills", pull)
    return None


def key(home: Home, settings: Settings) -> Finding:
    """Where the key of the encrypted store is."""
    try:
        there, said = describe(home.path, keyring=settings.config.keyring)
    except StoreError as error:
        return wrong("key", str(error))
    if there:
        return ok("key", said)
    if home.store.exists():
        put_back = f"put the key back as {home.path / 'key'}: without it the store can't be read."
        return wrong("key", f"not found: {said}", f"Unlock the keyring, or {put_back}")
    why = said.split(". ")[0]  # a keyring's library adds advice that is none for our users
    place = "the keyring" if "doesn't hold" in said else f"the file {home.path / 'key'} ({why})"
    return ok("key", f"none yet; the first start makes one, in {place}")


def daemon(home: Home, settings: Settings) -> tuple[list[Finding], Running | None]:
    """The port, and the daemon if one answers on it."""
    there = homes.running(home)
    if there is not None and _is_healthy(home):
        found = [ok("daemon", f"process {there.pid} answers at {there.url}"), ok("port", "its own")]
        return found, there
    if there is not None and _is_alive(there.pid):
        todo = f"Look into its log, or end it: kill {there.pid}"
        gone = wrong("daemon", f"process {there.pid} runs and does not answer", todo)
    else:
        gone = note("daemon", "not running", "tsubasa up")
    host, port = settings.config.host, settings.config.port
    try:
        listen(host, port).close()
    except DaemonError as error:
        return [gone, wrong("port", str(error))], None
    return [gone, ok("port", f"{port or 'any'} on {host} is free")], None


def embedder(settings: Settings) -> Finding:
    """What finds memories by meaning."""
    name = settings.config.embedder
    known = choice(name)
    if Path(name).is_dir():
        return ok("embedder", f"the folder {name}")
    if known.package and _is_installed(known.package):
        return ok("embedder", f"{name}, installed")
    if known.hub and _is_cached(known.hub):
        return ok("embedder", f"{name}, downloaded before")
    if known.hub and settings.config.downloads:
        size = f", {known.download}" if known.download else ""
        return note("embedder", f"{name} is fetched from its hub at the next start{size}")
    return wrong("embedder", f"{name} is not here", remedy(name))


def traffic(home: Home, settings: Settings) -> Finding:
    """What `tsubasa pull` sent and received, ever."""
    try:
        total = read_traffic(home.path)
    except LogUnreadable as error:
        return wrong("network", str(error))
    if settings.config.downloads:
        return note("network", "`downloads` is on: what the embedder's library fetches is not counted here")
    if total.since is None:
        return ok("network", "nothing was ever fetched")
    both = f"{format_bytes(total.sent)} sent, {format_bytes(total.received)} received"
    return ok("network", f"since {total.since:%Y-%m-%d}: {both} ({', '.join(sorted(total.hosts))})")


def clients(
    url: str, key_file: Path, *, user: Path | None = None, path: str | None = None
) -> list[ClientProgram]:
    """
    The programs found below `user` (None: the home folder) and on `path` (None: PATH); nothing of theirs is opened.

    Args:
        url: of the daemon, without /v1.
        key_file: holds the API key, which is never shown.
    """
    found = []
    for one in table()["client"]:
        where = next(filter(None, (_find(mark, user or Path.home(), path) for mark in one["find"])), None)
        if where:
            line = one["line"].format(url=url, key=shlex.quote(str(key_file)), tsubasa=_program()).strip()
            found.append(ClientProgram(name=one["name"], where=where, line=line))
    return found


def _program() -> str:
    """Where `tsubasa` lies, for programs that start it without a shell."""
    beside = Path(sys.executable).parent / "tsubasa"
    return str(beside) if beside.exists() else shutil.which("tsubasa") or "tsubasa"


def _find(mark: str, user: Path, path: str | None) -> str | None:
    if mark.startswith("~/"):
        place = user / mark.removeprefix("~/")
        return str(place) if place.exists() else None
    return shutil.which(mark, path=path)


def _torch_computes_on() -> str:
    """What the installed torch was built for, without loading it."""
    spec = find_spec("torch")
    version = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    if version is None or not version.exists():
        return "torch is not installed: no nights"
    source = version.read_text(encoding="utf-8", errors="replace")
    built = re.search(r"^(cuda|hip)\b[^=]*= *'([^']+)'", source, re.MULTILINE)
    return f"Nights: torch for {built[1].upper()} {built[2]}" if built else "Nights: torch on the processor"


def _output(*command: str) -> str:
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _is_cached(hub: str) -> bool:
    """Whether the hub's own library keeps the model, as far as its folder shows."""
    cache = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return (cache / "hub" / f"models--{hub.replace('/', '--')}").is_dir()


def _is_healthy(home: Home) -> bool:
    """Whether the daemon of this very home answers."""
    try:
        with connect(home, patience_s=ANSWER_S) as client:
            return bool(client.models())
    except DaemonError:
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
