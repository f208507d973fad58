"""Backups of a running daemon: what is forgotten leaves them, and after a kill one command brings all back."""

import signal
from contextlib import closing

from store import backup
from store.database import open_store, rows
from store.keys import load_or_create_key
from tests.tiny import write_model
from tests.whole.house import Daemon, wait_for


def texts(daemon, scratch):
    """All that the newest backup says."""
    (file,) = (daemon.home / "backups").glob("*.backup")
    key = load_or_create_key(daemon.home, keyring="file")
    backup.restore(file, key, scratch, key)
    with closing(open_store(scratch, key)) as db:
        found = [
            text for (text,) in rows(db, "select text from messages union all select text from memories")
        ]
    for part in scratch.parent.glob(f"{scratch.name}*"):
        part.unlink()
    return found


def test_what_is_forgotten_leaves_the_backups_and_a_lost_store_is_put_back(tmp_path):
    model = write_model(tmp_path / "tiny.gguf")
    settings = {"observe": "false", "night": "false", "jobs_every_s": "0.1"}
    daemon = Daemon(tmp_path / "home", model, **settings).start(by_meaning=False)
    try:
        with daemon.own() as client:
            dog = client.add("The user's dog is called Rex.")["memory"]["id"]
            client.add("The user lives in Ghent.")
            assert 0 == daemon.run("backup").returncode
            assert "The user's dog is called Rex." in texts(daemon, tmp_path / "one.db")
            said = daemon.run("forget", str(dog), "--yes").stdout
            wait_for(
                lambda: "The user's dog is called Rex." not in texts(daemon, tmp_path / "two.db"), seconds=120
            )
        assert 1 == daemon.run("restore", "--replace").returncode  # a daemon runs
        daemon.stop(signal.SIGKILL)
        (daemon.home / "store.db").write_bytes(b"lost")
        restored = daemon.run("restore", "--replace")
        daemon.start(by_meaning=False)
        with daemon.own() as client:
            held = [one["text"] for one in client.memories()["memories"]]
    finally:
        daemon.stop(signal.SIGKILL)

    assert "1 backup is being rewritten" in said
    assert 0 == restored.returncode, restored.stderr
    assert ["The user lives in Ghent."] == held
