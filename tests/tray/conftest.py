"""One daemon for all tests of a module, as each of them expects it at its beginning."""

import pytest

from tests.tray.house import house


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with house(tmp_path_factory.mktemp("tray") / "home") as made:
        yield made


@pytest.fixture
def home(served):
    """The daemon, with logging on, generation 1 live, and nothing said by an icon yet."""
    with served.client() as client:
        client.logging(on=True)
        client.use(1)
    (served.home.path / "tray.told").unlink(missing_ok=True)
    return served
