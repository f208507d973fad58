"""A stand-in of the hub on a real socket, and downloads from it."""

import pytest

from daemon.downloads.pull import Downloaded, Wanted, download
from daemon.downloads.traffic_log import TrafficLog
from tests.daemon.downloads.stand_in import hub

CONTENT = b"GGUF" + bytes(range(256)) * 12_000  # 3 MB


@pytest.fixture
def stand_in():
    with hub(CONTENT) as running:
        yield running


@pytest.fixture
def fetch(tmp_path, stand_in):
    """Download a file whole; the result, and all that was reported on the way in `fetch.seen`."""

    def whole(*, url="", name="m.gguf", hosts=(), folder=tmp_path, **more) -> Downloaded:
        wanted = Wanted(url=url or stand_in.url + "/store/file", file=folder / "models" / name, **more)
        whole.seen = []

        def tell(_, progress):
            whole.seen.append(progress)

        return download(wanted, TrafficLog(tmp_path), hosts=hosts, on_progress=tell, pauses_s=(0.01,))

    return whole
