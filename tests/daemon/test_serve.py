"""The start: which model is served, and what becomes of background work that can't begin."""

import asyncio
import subprocess
import sys

import pytest

from daemon.config.settings import Config
from daemon.errors import ConfigError, HomeNotUsable
from daemon.serve import Work, find_model, nano


def test_the_port_is_taken_and_the_engine_started_before_anything_large_is_loaded():
    code = "import daemon.serve, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert set() == {"uvicorn", "starlette", "fastapi", "pydantic", "numpy", "apsw", "httpx"} & set(
        loaded.split()
    )


def test_without_a_model_nano_is_served():
    assert nano() == find_model(Config(), "default")


@pytest.mark.parametrize("model", ["/nowhere/x.gguf", "~nobody-of-us/x.gguf", "/tmp/" + "x" * 300])
def test_a_model_that_can_not_be_found_is_a_wrong_value_that_is_named_with_its_origin(model):
    with pytest.raises(ConfigError, match="TSUBASA_MODEL"):
        find_model(Config(model=model), "TSUBASA_MODEL")


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
