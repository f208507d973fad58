"""What lies in a home."""

from daemon.api.own.storage import stored
from daemon.home import Home
from daemon.web.inbox.uploads import save
from store.database import open_store


def test_the_store_is_told_encrypted_by_its_bytes(tmp_path):
    home = Home(tmp_path)
    open_store(home.store, bytes(32)).close()
    before = stored(home)
    home.store.write_bytes(b"SQLite format 3\0 and more")

    assert (True, False) == (before.encrypted, stored(home).encrypted)


def test_what_is_not_encrypted_is_named_with_its_size(tmp_path):
    home = Home(tmp_path)
    (home.inbox / "done").mkdir(parents=True)
    (home.inbox / "done" / "mine.jsonl").write_text("12345")
    save(home.path, "dropped.jsonl", b"123456")
    home.models.mkdir()
    home.backups.mkdir()
    (home.backups / "2026-11-30.backup").write_text("12345678")
    (home.models / ".half.gguf.part").write_text("1234567")
    home.prompts.mkdir()
    (home.prompts / "abc.prompt").write_text("123")
    home.log.write_text("12")
    (home.path / "daemon.json").write_text("1234")
    (home.path / "key").write_bytes(bytes(32))
    found = {one.what: (one.files, one.bytes, one.encrypted) for one in stored(home).places}

    assert {
        "inbox": (1, 5, False),
        "uploads": (1, 6, False),
        "models": (1, 7, False),
        "log": (1, 2, False),
        "backups": (1, 8, True),
        "prompts": (1, 3, True),
        "rest": (1, 4, False),
        "keys": (1, 32, False),
    } == found
    assert "file" == stored(home).key


def test_a_home_that_others_can_enter_is_told(tmp_path):
    tmp_path.chmod(0o755)
    open_to_all = stored(Home(tmp_path)).private
    tmp_path.chmod(0o700)

    assert (False, True) == (open_to_all, stored(Home(tmp_path)).private)
