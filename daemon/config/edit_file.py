"""
Change one key of config.toml, and leave every other line as its owner wrote it.

A file behind a link is changed where it lies; its mode stays.
"""

import os
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from daemon.atomic_file import whole
from daemon.errors import ConfigError, FileUnwritable, broken_config

BYTE_ORDER_MARK = "\ufeff"  # with which editors of Windows begin a file; it stays


def read_key(file: Path, key: str) -> object | None:
    """What the file says for `key`; None when it says nothing. Raises `ConfigError`."""
    return _parsed(file, _source(file)).get(key)


def set_key(file: Path, key: str, value: str | float | bool) -> None:
    """
    Let the file say `key = value`, a text in quotation marks: in the line where it stands, else in a new line.

    Raises:
        ConfigError: it is no TOML as it is, or can't be written.
    """
    source = _source(file)
    document = _parsed(file, source)
    if document.get(key) == value and type(document.unwrap().get(key)) is type(value):
        return
    item = tomlkit.item(value)
    if "\r\n" in source:
        item.trivia.trail = "\r\n"  # a new line ends like the others
    document[key] = item
    mark = BYTE_ORDER_MARK if source.startswith(BYTE_ORDER_MARK) else ""
    target = file.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        with whole(target, force=True) as written:
            os.fchmod(written.fileno(), mode)
            written.write((mark + tomlkit.dumps(document)).encode())
    except (FileUnwritable, OSError, UnicodeEncodeError) as error:
        why = getattr(error.__cause__ or error, "strerror", None) or "the path is no text"
        line = f"Write this line into it yourself: {key} = {item.as_string()}"
        raise ConfigError(f"Did not change {file}: {why}. {line}") from error


def _source(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as opened:  # line ends as they are
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise broken_config(str(file), f"can't be read: {error}") from error


def _parsed(file: Path, source: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(source.removeprefix(BYTE_ORDER_MARK))
    except (TOMLKitError, RecursionError) as error:
        raise broken_config(str(file), f"no valid TOML: {error}") from error
