import stat
import time
from collections.abc import Iterator

import keyring as os_keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordSetError

from store.keys import describe, drop_key, load_or_create_key
from tests.store.sample import unusable


class MemoryKeyring(KeyringBackend):
    """A keyring that works."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the user dismissed the prompt")


class HangingKeyring(MemoryKeyring):
    """One that waits for a prompt that nobody sees."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(60)
        return None


class RefusingKeyring(MemoryKeyring):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError("no")


class ForgetfulKeyring(MemoryKeyring):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _the_users_keyring_stays_untouched() -> Iterator[None]:
    before = os_keyring.get_keyring()
    os_keyring.set_keyring(NoKeyring())
    yield
    os_keyring.set_keyring(before)


def files(home):
    return sorted(file.name for file in home.iterdir())


def test_a_new_home_gets_a_key_file_of_32_bytes_for_its_owner_only(tmp_path):
    home = tmp_path / "new" / "home"
    key = load_or_create_key(home, keyring="file")

    assert len(key) == 32
    assert (home / "key").read_bytes() == key
    assert stat.S_IMODE((home / "key").stat().st_mode) == 0o600
    assert files(home) == ["key"]


def test_a_keyring_that_works_keeps_a_key_for_each_home_and_no_file_is_made(tmp_path):
    os_keyring.set_keyring(MemoryKeyring())
    one, other = load_or_create_key(tmp_path), load_or_create_key(tmp_path / "other")

    assert load_or_create_key(tmp_path) == one != other
    assert files(tmp_path) == ["other"] and files(tmp_path / "other") == []


@pytest.mark.parametrize("broken", [NoKeyring, LockedKeyring, RefusingKeyring, ForgetfulKeyring])
def test_without_a_working_keyring_the_key_goes_into_a_file(tmp_path, broken):
    os_keyring.set_keyring(broken())
    key = load_or_create_key(tmp_path)

    assert (tmp_path / "key").read_bytes() == key == load_or_create_key(tmp_path)
    os_keyring.set_keyring(MemoryKeyring())  # it appears later
    assert load_or_create_key(tmp_path) == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path, mode):
    load_or_create_key(tmp_path)
    (tmp_path / "key").chmod(mode)
    for ask in (load_or_create_key, describe):
        with unusable("key exposed", match=f"mode {mode:04o}.*chmod 600"):
            ask(tmp_path)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_file_of_another_size_is_refused(tmp_path, size):
    load_or_create_key(tmp_path)
    (tmp_path / "key").write_bytes(b"k" * size)
    with unusable("key damaged", match=f"{size} bytes, not 32"):
        load_or_create_key(tmp_path)


@pytest.mark.parametrize("kept", ["", "zz", "00" * 31])
def test_a_damaged_key_in_the_keyring_is_refused(tmp_path, kept):
    backend = MemoryKeyring()
    os_keyring.set_keyring(backend)
    load_or_create_key(tmp_path)
    backend.kept = dict.fromkeys(backend.kept, kept)
    with unusable("key damaged", match="keyring"):
        load_or_create_key(tmp_path)


@pytest.mark.parametrize("backend", [NoKeyring, MemoryKeyring, LockedKeyring])
def test_no_new_key_is_made_for_a_store_whose_key_is_gone(tmp_path, backend):
    os_keyring.set_keyring(backend())
    (tmp_path / "store.db").write_bytes(b"encrypted")
    with unusable("no key"):
        load_or_create_key(tmp_path)

    assert files(tmp_path) == ["store.db"]


def test_a_home_that_cannot_be_made_is_an_error_with_its_reason(tmp_path):
    (tmp_path / "file").write_text("")
    with unusable("key unreachable", match="Not a directory|File exists"):
        load_or_create_key(tmp_path / "file" / "home", keyring="file")


def test_an_unknown_place_for_the_key_is_refused(tmp_path):
    with unusable("keyring unknown", match="'auto'"):
        load_or_create_key(tmp_path, keyring="cloud")


def test_where_the_key_is_can_be_asked_without_making_one(tmp_path):
    os_keyring.set_keyring(MemoryKeyring())
    assert not describe(tmp_path)[0]
    assert [] == files(tmp_path)
    load_or_create_key(tmp_path)
    load_or_create_key(tmp_path / "other", keyring="file")

    assert describe(tmp_path)[0]
    assert describe(tmp_path / "other")[0]
    assert not describe(tmp_path, keyring="file")[0]


@pytest.mark.parametrize("has_store", [False, True])
def test_a_keyring_that_waits_for_a_prompt_is_told_within_five_seconds_and_makes_no_second_key(
    tmp_path, has_store
):
    os_keyring.set_keyring(HangingKeyring())
    if has_store:
        (tmp_path / "store.db").write_bytes(b"encrypted")
    began = time.monotonic()
    if has_store:
        with unusable("no key", match="locked, or waits for somebody.*over ssh"):
            load_or_create_key(tmp_path)
    else:
        assert load_or_create_key(tmp_path) == (tmp_path / "key").read_bytes()

    assert time.monotonic() - began < 5
    assert (["store.db"] if has_store else ["key"]) == files(tmp_path)


def test_a_key_is_taken_out_of_the_keyring_once(tmp_path):
    os_keyring.set_keyring(MemoryKeyring())
    load_or_create_key(tmp_path)

    assert drop_key(tmp_path)
    assert not drop_key(tmp_path)
