from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Connection, open_store


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    opened = open_store(tmp_path / "store.db", b"k" * 32)
    yield opened
    opened.close()
