"""A store of its own for each test, and one per file for properties that undo what each example did."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from store.database import FILE_NAME, open_store
from tests.store.sample import KEY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / FILE_NAME


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store, to be copied: copying is faster than making."""
    made = tmp_path_factory.mktemp("empty") / FILE_NAME
    open_store(made, KEY).close()
    return made


@pytest.fixture
def db(file: Path, empty_store: Path) -> Iterator[apsw.Connection]:
    shutil.copy(empty_store, file)
    opened = open_store(file, KEY)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def shared_db(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    shared = shutil.copy(empty_store, tmp_path_factory.mktemp("shared"))
    opened = open_store(Path(shared), KEY)
    yield opened
    opened.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[apsw.Connection]:
    """A second, empty store."""
    opened = open_store(tmp_path / "other" / FILE_NAME, KEY)
    yield opened
    opened.close()
