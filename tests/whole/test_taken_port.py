"""After kill -9, a program takes the daemon's port: it is told neither the key nor a word."""

import signal

import pytest

from tests.daemon.client.listener import Listener, fixed
from tests.whole.house import NANO, Daemon
from tests.whole.nights import QUIET


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A daemon that was killed: what it announced is still there."""
    made = Daemon(tmp_path_factory.mktemp("home") / "home", NANO, **QUIET).start(by_meaning=False)
    made.stop(signal.SIGKILL)
    return made


@pytest.mark.parametrize(
    "words", [["chat", "my secret is Xanadu"], ["memories", "add", "my Xanadu"], ["status"]]
)
def test_who_takes_the_port_of_a_killed_daemon_is_told_nothing(killed, words):
    with Listener(fixed(b'{"status": "ok"}'), int(str(killed.running["port"]))) as thief:
        said = killed.run(*words)
        told = thief.told

    assert (1, True) == (said.returncode, "another program listens there" in said.stderr)
    assert told.startswith(b"GET /tsubasa/identity/")
    assert (False, False) == (killed.key.encode() in told, b"Xanadu" in told)
