"""A hub of our own on a real socket, a folder for downloads, and the ledger beside it."""

import pytest

from daemon.downloads.http import Wire
from daemon.downloads.resumable import Fetch, Fetched, Wanted
from daemon.downloads.traffic_log import Ledger
from tests.daemon.downloads.stand_in import hub

CONTENT = b"GGUF" + bytes(range(256)) * 12_000  # 3 MB


@pytest.fixture
def stand_in():
    with hub(CONTENT) as running:
        yield running


@pytest.fixture
def fetch(tmp_path, stand_in):
    """Fetch a file whole; the result, and all that was reported on the way in `fetch.seen`."""

    def whole(*, url="", name="m.gguf", hosts=(), folder=tmp_path, **more) -> Fetched:
        wire = Wire(Ledger(tmp_path), hosts=hosts)
        wanted = Wanted(url=url or stand_in.url + "/store/file", **more)
        work = Fetch(wanted, folder / "models" / name, wire, pauses_s=(0.01,))
        whole.seen = []
        for step in work.progress():
            whole.seen.append(step)
        assert work.result is not None
        return work.result

    return whole
