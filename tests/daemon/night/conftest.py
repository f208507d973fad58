"""Homes for nights, closed when the test ends."""

from contextlib import AsyncExitStack

import pytest

from daemon.night import ram_folders
from tests.daemon.memory.fakes import open_store_thread
from tests.daemon.night.fakes import TRAINER, NightHome, learn
from tests.daemon.night.scripted import ScriptedNights


@pytest.fixture
async def home(tmp_path):
    """Nights in a home without memories."""
    async with open_store_thread(tmp_path) as store_thread:
        yield NightHome(store_thread, tmp_path)


@pytest.fixture
async def scripted(tmp_path):
    """Opens the nights of a home with one memory, whose clock, machine and trainer the test sets."""
    async with AsyncExitStack() as stack:

        async def open_one(script=TRAINER, **settings):
            store_thread = await stack.enter_async_context(open_store_thread(tmp_path))
            await learn(store_thread, "The user lives in Ghent.")
            made = ScriptedNights(store_thread, tmp_path, script, **settings)
            stack.callback(ram_folders.delete_checkpoints, made.checkpoints)
            return made

        yield open_one
