"""
Change one key of config.toml, and leave every other line as its owner wrote it.

Promises: the file is read again as TOML before it is kept: had anything else changed, it would stay as it was. A file
behind a link is changed where it lies; its mode stays. Knows nothing of what the keys mean.
"""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from daemon.errors import BrokenConfig, ConfigNotChanged

MARK = "\ufeff"  # with which editors of Windows begin a file; it stays


def read_key(file: Path, key: str) -> object | None:
    """What the file says for `key`; None when it says nothing. Raises `BrokenConfig`."""
    return _parsed(file, _source(file)).get(key)


def set_key(file: Path, key: str, value: str) -> None:
    """
    Let the file say `key = "value"`: in the line where it stands, else in a new last line.

    Raises:
        BrokenConfig: it is no TOML as it is.
        ConfigNotChanged: it can't be written, or the line can't be found for certain.
    """
    source = _source(file)
    before = _parsed(file, source)
    if before.get(key) == value:
        return
    changed = _changed(source, key, json.dumps(value, ensure_ascii=False))
    try:
        sure = tomllib.loads(changed.removeprefix(MARK)) == {**before, key: value}
    except tomllib.TOMLDecodeError:
        sure = False
    if not sure:
        raise ConfigNotChanged(file, key, value, "its layout is unusual")
    try:
        _write(file.resolve(), changed)
    except (OSError, UnicodeEncodeError) as error:
        why = getattr(error, "strerror", None) or "the path is no text"
        raise ConfigNotChanged(file, key, value, why) from error


def _source(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", newline="") as opened:  # line ends as they are
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenConfig(str(file), f"can't be read: {error}") from error


def _parsed(file: Path, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(source.removeprefix(MARK))
    except tomllib.TOMLDecodeError as error:
        raise BrokenConfig(str(file), f"no valid TOML: {error}") from error
    except RecursionError as error:
        raise BrokenConfig(str(file), "no valid TOML: nested too deeply") from error


def _changed(source: str, key: str, value: str) -> str:
    stands = re.compile(
        rf"""^(?P<key>[ \t]*(?:{key}|"{key}"|'{key}')[ \t]*=[ \t]*)(?:"(?:[^"\\\r\n]|\\.)*"|'[^'\r\n]*')""",
        re.MULTILINE,
    )
    mark = MARK if source.startswith(MARK) else ""
    changed, found = stands.subn(lambda match: match["key"] + value, source.removeprefix(MARK))
    if found:
        return mark + changed
    end = "\r\n" if "\r\n" in source else "\n"
    gap = "" if not source or source.endswith("\n") else end
    return f"{source}{gap}{key} = {value}{end}"


def _write(file: Path, content: str) -> None:
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8", newline="", opener=_private) as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.chmod(mode)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
