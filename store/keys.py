"""
The key of the store: 32 bytes in the OS keyring, else in a file that only its owner can read.

    file 'key' there? ──> that one          keyring knows it? ──> that one
    neither, and no store yet ──> a new one, into the keyring when it works, else into the file

A key is made only where no store waits for another one; a key file is whole or not there. A keyring that is locked, or
waits for somebody at a screen that is not there (over ssh, before the login), is not waited for longer than
`ANSWERS_WITHIN_S`.
"""

import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import keyring as os_keyring
from keyring.errors import KeyringError

from store.database import FILE_NAME, KEY_BYTES
from store.errors import StoreUnusable

KEY_FILE = "key"  # inside the home
ANSWERS_WITHIN_S = 4.0
SERVICE = "tsubasa"  # the keyring's entries: this service, the home's path as the user name
NOT_HELD = "the OS keyring doesn't hold it"
KEYRING_FAILURES = (KeyringError, OSError, RuntimeError, ValueError, ImportError, AttributeError, EOFError)


def load_or_create_key(home: Path, *, keyring: str = "auto") -> bytes:
    """
    The 32-byte key of the store in `home`; made when there is neither key nor store.

    Args:
        home: the folder of the store; made when missing.
        keyring: "auto": the OS keyring when it works, else the file 'key' in `home`. "file": the file only.

    Raises:
        StoreUnusable: there is a store, but no key (none is made); others can read the key file; what is kept is
            not 32 bytes; or the file can't be read or written.
    """
    if keyring not in ("auto", "file"):
        raise StoreUnusable("keyring unknown", keyring)
    file = home / KEY_FILE
    try:
        if file.exists():
            return _read(file)
        found, why = _from_keyring(home) if keyring == "auto" else (None, "the keyring is switched off")
        if found is not None:
            return found
        if (home / FILE_NAME).exists():
            why = f"{why}; {str(file)!r} doesn't exist"
            raise StoreUnusable("no key", str(home / FILE_NAME), why)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = secrets.token_bytes(KEY_BYTES)
        if keyring == "auto" and why == NOT_HELD and _to_keyring(home, key):
            return key
        return _write(file, key)
    except OSError as error:
        raise StoreUnusable("key unreachable", str(file), error.strerror or str(error)) from error


def read_key(file: Path) -> bytes:
    """The key in a file that is named; raises `StoreUnusable`."""
    try:
        return _read(file)
    except OSError as error:
        raise StoreUnusable("key unreachable", str(file), error.strerror or str(error)) from error


def keep_key(home: Path, key: bytes, *, keyring: str = "auto") -> bytes:
    """Give a home that has no key this one: that of a backup, to be restored there; raises `StoreUnusable`."""
    if keyring == "auto" and _to_keyring(home, key):
        return key
    try:
        return _write(home / KEY_FILE, key)
    except OSError as error:
        raise StoreUnusable("key unreachable", str(home), error.strerror or str(error)) from error


def describe(home: Path, *, keyring: str = "auto") -> tuple[bool, str]:
    """
    Whether the key of the store in `home` is at hand, and where it is, or would be made; makes none.

    Raises:
        StoreUnusable: there is one that can't be used.
    """
    file = home / KEY_FILE
    try:
        if file.exists():
            _read(file)
            return True, f"in the file {file}, for its owner alone"
    except OSError as error:
        raise StoreUnusable("key unreachable", str(file), error.strerror or str(error)) from error
    found, why = _from_keyring(home) if keyring == "auto" else (None, "the keyring is switched off")
    if found is not None:
        return True, "in the OS keyring"
    return False, why


def is_in_file(home: Path) -> bool:
    """Whether the key lies in a file of the home; else the OS keyring has it."""
    return (home / KEY_FILE).exists()


def _read(file: Path) -> bytes:
    mode = file.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise StoreUnusable("key exposed", str(file), f"{mode:04o}")
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise StoreUnusable("key damaged", repr(str(file)), f"it has {len(key)} bytes, not {KEY_BYTES}")
    return key


def _write(file: Path, key: bytes) -> bytes:
    """
    Write `key` under a name of its own, then link it: the file appears whole, and never over another key.
    """
    unfinished = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(key)
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the key
            os.link(unfinished, file)
    finally:
        unfinished.unlink()
    return _read(file)


def _from_keyring(home: Path) -> tuple[bytes | None, str]:
    """The key and ""; or None and why there is none."""
    try:
        kept = _in_time(lambda: os_keyring.get_password(SERVICE, str(home.resolve())))
    except KEYRING_FAILURES as error:
        return None, f"the OS keyring doesn't answer: {error or type(error).__name__}".splitlines()[0]
    if kept is None:
        return None, NOT_HELD
    with suppress(ValueError):
        key = bytes.fromhex(kept)
        if len(key) == KEY_BYTES:
            return key, ""
    raise StoreUnusable("key damaged", "the OS keyring", f"it is not {2 * KEY_BYTES} hexadecimal digits")


def _to_keyring(home: Path, key: bytes) -> bool:
    """Whether the keyring took the key and gives it back."""
    name = str(home.resolve())

    def put() -> str | None:
        os_keyring.set_password(SERVICE, name, key.hex())
        return os_keyring.get_password(SERVICE, name)

    try:
        return _in_time(put) == key.hex()
    except KEYRING_FAILURES:
        return False


def _in_time(ask: Callable[[], str | None]) -> str | None:
    """What the keyring answers; a `TimeoutError` where it waits for a person, whom nobody may see."""
    answers: list[str | None] = []
    failures: list[BaseException] = []

    def answer() -> None:
        try:
            answers.append(ask())
        except KEYRING_FAILURES as error:
            failures.append(error)

    thread = threading.Thread(target=answer, name="keyring", daemon=True)  # that hangs keeps no process alive
    thread.start()
    thread.join(ANSWERS_WITHIN_S)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError(f"it is locked, or waits for somebody, since {ANSWERS_WITHIN_S:.0f} seconds")
    return answers[0]


def drop_key(home: Path) -> bool:
    """Take the key of this home out of the keyring, where it is there; whether it was. What it opened stays closed."""
    name = str(home.resolve())

    def drop() -> str | None:
        kept = os_keyring.get_password(SERVICE, name)
        if kept is not None:
            os_keyring.delete_password(SERVICE, name)
        return kept

    try:
        return _in_time(drop) is not None
    except KEYRING_FAILURES:
        return False
