from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daemon.store_thread import StoreThread
from tests.daemon.memory.fakes import open_store_thread


@pytest.fixture
async def store_thread(tmp_path: Path) -> AsyncIterator[StoreThread]:
    """A real store in `tmp_path`, closed afterwards."""
    async with open_store_thread(tmp_path) as opened:
        yield opened
