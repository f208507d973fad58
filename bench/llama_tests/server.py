"""
Stands in for llama-server's program: takes its flags, and lets ours run with the settings that mean the same.

Ours outlives a test: the next one with the same flags finds it, else it gives way. `TSUBASA_BENCH_SERVER=theirs` starts
llama.cpp's own (package xllamacpp) in its place, to compare with.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.llama_tests.chosen import NO_KEY
from daemon.home import Home, running

MODEL = Path(__file__).parents[2] / "models" / "nano" / "nano.gguf"
LOCAL = [
    f"http://{host}{port}" for host in ("localhost", "127.0.0.1", "[::1]") for port in ("", ":8080", ":3000")
]
WORKERS_OFF = {"NIGHT": "false", "OBSERVE": "false", "RECALL": "false", "KEYRING": "file"}


def main() -> None:
    """Be the server until the test is over."""
    given = _flags(sys.argv[1:])
    if os.environ.get("TSUBASA_BENCH_SERVER") == "theirs":
        server = _theirs(given)
        sys.stderr.write(f"{server.listening_address}\n")
    else:
        _ours(given)
    Path(tempfile.gettempdir(), f"up-{os.getpid()}").touch()  # who listens now is no earlier one
    signal.pause()


def stop(folder: Path) -> None:
    """End the one that was started last, if there is one; `folder` has the homes."""
    homes = sorted(folder.glob("home-*"), key=lambda home: home.stat().st_mtime)
    found = running(Home(homes[-1])) if homes else None
    if found is not None:
        os.kill(found.pid, signal.SIGTERM)
    while found is not None and running(Home(homes[-1])) is not None:
        time.sleep(0.1)


def _ours(given: argparse.Namespace) -> None:
    homes = Path(tempfile.gettempdir())
    now = homes / "flags.json"
    flags = {name: value for name, value in vars(given).items() if name not in ("alias", "jinja", "seed")}
    if now.exists() and json.loads(now.read_text()) == flags:
        return
    stop(homes)
    now.write_text(json.dumps(flags))
    home = Path(tempfile.mkdtemp(prefix="home-"))
    key = home / "api_key"
    key.write_text(given.api_key)
    key.chmod(0o600)
    settings = WORKERS_OFF | {
        "HOME": str(home),
        "HOST": given.host.split(",")[0],
        "PORT": str(given.port),
        "MODEL": str(MODEL),
        "N_CTX": str(given.n_ctx // given.parallel),
        "TEMPERATURE": str(given.temp),
        "MAX_TOKENS": str(max(0, given.n_predict)),
        "ALLOWED_ORIGINS": ", ".join(LOCAL) if given.cors_origins == "localhost" else "",
        "CHAT_TEMPLATE": given.chat_template if given.chat_template == "chatml" else "",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TSUBASA_")}
    environment |= {f"TSUBASA_{name}": value for name, value in settings.items()}
    subprocess.Popen([sys.executable, "-m", "daemon", "up"], env=environment, start_new_session=True)


def _flags(arguments: list[str]) -> argparse.Namespace:
    """Those of llama-server that mean something here."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--temp", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--ctx-size", dest="n_ctx", type=int, default=4096)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--n-predict", type=int, default=-1)
    parser.add_argument("--api-key", default=NO_KEY)
    parser.add_argument("--alias", default="")
    parser.add_argument("--chat-template", default="")
    parser.add_argument("--cors-origins", default="")
    parser.add_argument("--jinja", action="store_true")
    return parser.parse_known_args(arguments)[0]


def _theirs(given: argparse.Namespace) -> Any:
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(MODEL)
    wanted.hostnames, wanted.port = given.host.split(","), given.port
    wanted.n_ctx, wanted.n_parallel, wanted.n_predict = given.n_ctx, given.parallel, given.n_predict
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.sampling.temp, wanted.sampling.seed = given.temp, given.seed
    wanted.api_keys = [given.api_key]
    wanted.use_jinja, wanted.warmup = given.jinja, False
    if given.alias:
        wanted.model_alias = {given.alias}
    if given.chat_template:
        wanted.chat_template = given.chat_template
    if given.cors_origins:
        wanted.cors_origins = given.cors_origins
    return xllamacpp.Server(wanted)


if __name__ == "__main__":
    main()
