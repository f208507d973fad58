"""The start: which model is served, and what becomes of background work that can't begin."""

import asyncio
import subprocess
import sys

import pytest

from daemon.config.default_model import little, nano
from daemon.config.settings import Config
from daemon.errors import ConfigError, HomeNotUsable
from daemon.home import Home
from daemon.serve import Work, find_model


def test_the_port_is_taken_and_the_engine_started_before_anything_large_is_loaded():
    code = "import daemon.serve, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert set() == {"uvicorn", "starlette", "fastapi", "pydantic", "numpy", "apsw", "httpx"} & set(
        loaded.split()
    )


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_without_a_model_nano_is_served(home):
    assert nano() == find_model(Config(), "default", home)


@pytest.mark.parametrize("model", ["/nowhere/x.gguf", "~nobody-of-us/x.gguf", "/tmp/" + "x" * 300])
def test_a_model_that_can_not_be_found_is_a_wrong_value_that_is_named_with_its_origin(home, model):
    with pytest.raises(ConfigError, match="TSUBASA_MODEL"):
        find_model(Config(model=model), "TSUBASA_MODEL", home)


def test_little_is_served_where_it_was_pulled_and_no_model_is_configured(home):
    little(home).parent.mkdir()
    little(home).write_bytes(b"GGUF")
    (other := home.path / "other.gguf").write_bytes(b"GGUF")
    chosen = {model: find_model(Config(model=model), "default", home) for model in ("", "nano", str(other))}

    assert {"": little(home), "nano": nano(), str(other): other} == chosen


@pytest.mark.parametrize("by_name", [True, False])
def test_little_that_is_not_there_is_one_line_that_says_how_to_make_it(home, by_name):
    with pytest.raises(ConfigError, match="tsubasa pull little$"):
        find_model(Config(model="little" if by_name else str(little(home))), "default", home)


class ServerThatLeaves:
    """All that the work needs of a server."""

    def __init__(self):
        self.left = asyncio.Event()

    def leave(self):
        self.left.set()


async def test_work_that_can_not_begin_ends_the_daemon_with_its_reason(tmp_path):
    async def begin():
        raise HomeNotUsable(tmp_path, "the disk is gone")

    server, work = ServerThatLeaves(), Work(begin)
    work.begin(server)
    await server.left.wait()
    with pytest.raises(HomeNotUsable, match="the disk is gone"):
        await work.ended()


async def test_work_that_begins_still_is_ended_in_peace():
    work = Work(asyncio.Event().wait)
    work.begin(ServerThatLeaves())
    await asyncio.sleep(0)
    await work.ended()
    await Work(asyncio.Event().wait).ended()
