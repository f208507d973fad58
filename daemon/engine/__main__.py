"""The engine's process, as the daemon starts it: python -m daemon.engine --fd N --parent PID."""

import os

from daemon.engine.errors import EngineError
from daemon.processes.worker_link import open_link


def main() -> None:
    """Load what the handshake names, then work until the daemon ends."""
    # Read when llama.cpp loads its OpenMP: how long a thread that waits for others spins before it sleeps, some tens of
    # microseconds. Sleeping at once takes up to four times as long on a quiet machine, spinning longer gains nothing.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    from daemon.engine.worker import Worker

    link = open_link()
    hello = link.next(wait=True)
    if hello is None:
        return
    try:
        worker = Worker(link, hello.header)
    except EngineError as error:
        link.refuse(0, error)
        return
    link.reply(0, kind="ready", **worker.ready)
    worker.run()


main()
