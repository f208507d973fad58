"""
What `tsubasa pull` was asked for: a name of the table, a repository or file of the hub, an address, a file here.
Nothing is asked over the network. Of a split model any part may be named: the first is meant, and all are fetched.
"""

import errno
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from daemon.config.default_model import shipped_skills
from daemon.downloads.errors import PullError, address_refused
from trainer.model_parts import parts

HUB = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"  # the hub's own name for "ask this mirror instead"
LONGEST_NAME = 200  # bytes; a disk takes 255, and the unfinished file has a longer one
QUANTIZATION = "Q4_K_M"  # taken when a repository has many files
_HUB_NAMES = ("huggingface.co", "www.huggingface.co", "hf.co")
_PART = r"[\w][\w.-]*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A model of the table."""

    name: str
    title: str
    file: str
    memory_gb: float  # while it answers, with the default context
    repository: str = ""  # of the hub
    package: str = ""  # of the Python package index, in the place of a repository
    bytes: int | None = None
    sha256: str | None = None
    skills: bool = False  # ours are merged into the package's file


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of the hub; without `file`, the one of the repository that fits `quantization`."""

    repository: str
    file: str | None = None
    quantization: str = QUANTIZATION
    revision: str = "main"
    bytes: int | None = None
    sha256: str | None = None  # as this version knows it


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A file behind an address that the user typed."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A file that comes with a Python package, which is installed by other means."""

    package: str
    file: str
    bytes: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skilled:
    """A model with skills merged into it."""

    name: str
    base: PackageFile | Path
    skills: Path  # the adapter
    types: Literal["q8_0", "finer"] = "q8_0"  # of the merged file; see `engine/merge_adapter.py`


Source = HubFile | Address | PackageFile | Path


def known_models() -> list[Known]:
    """The table, the one to begin with first."""
    text = (files("daemon.downloads") / "models.toml").read_text(encoding="utf-8")
    return [Known(**one) for one in tomllib.loads(text)["model"]]


def read_source(text: str) -> Source | Skilled:
    """
    What is meant by `text`.

    Raises:
        PullError: it is nothing that we know, or an address of a kind that is not asked.
    """
    for one in known_models():
        named = (one.name, one.title.casefold(), *([] if one.skills else [one.file.casefold()]))
        if text.casefold() in named:
            return _of_table(one)
    if "://" in text:
        return _address(text)
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # ~somebody
        path = Path(text)
    if _is_file(path):
        return path.absolute().with_name(part_names(path.name)[0])
    found = re.fullmatch(rf"(?:hf\.co/)?({_PART}/{_PART})(?:/({_PART}(?:/{_PART})*\.gguf)|:({_PART}))?", text)
    if found is None or text.startswith((".", "~")):
        raise PullError(
            f"{text[:200]!r} is no file here, no address and no known model. Known: "
            f"{', '.join(one.name for one in known_models())}; or OWNER/REPOSITORY of the hub, or https://…/NAME.gguf."
        )
    return HubFile(repository=found[1], file=found[2], quantization=found[3] or QUANTIZATION)


def _of_table(one: Known) -> Source | Skilled:
    if not one.package:
        return HubFile(repository=one.repository, file=one.file, bytes=one.bytes, sha256=one.sha256)
    file = PackageFile(package=one.package, file=one.file, bytes=one.bytes, sha256=one.sha256)
    return Skilled(name=one.name, base=file, skills=shipped_skills()) if one.skills else file


def read_sha256(text: str) -> str:
    """A checksum as a person typed it. Raises `PullError`."""
    digits = text.strip().casefold().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise PullError(f"{text!r} is no sha256: that has 64 digits, each 0-9 or a-f.")
    return digits


def hub_of(environment: Mapping[str, str]) -> str:
    """The hub's address: the public one, unless HF_ENDPOINT names a mirror."""
    return environment.get(HUB_VARIABLE, "").strip().rstrip("/") or HUB


def file_name(url: str) -> str:
    """The name under which a download is kept: the last part of its address, without what could lead elsewhere."""
    last = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    name = re.sub(r"[^\w.+()-]+", "-", last).lstrip(".-") or "model"
    name = name.encode()[:LONGEST_NAME].decode(errors="ignore")
    return name if name.endswith(".gguf") else name + ".gguf"


def part_names(name: str) -> list[str]:
    """The names (or paths) of all parts of the split model of which `name` is one; `name` itself where it is whole."""
    found = parts(Path(name))
    return [name] if len(found) == 1 else [str(one) for one in found]


def part_urls(url: str) -> list[str]:
    """The addresses of all parts of the split model of which `url` leads to one, in order; `url` itself if whole."""
    address = urlsplit(url)
    folder, slash, last = address.path.rpartition("/")
    return [urlunsplit(address._replace(path=folder + slash + name)) for name in part_names(last)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # a repository or nothing, then
            return False
        why = error.strerror or str(error)
        raise PullError(
            f"Can't look at {str(path)!r}: {why}. Move the model to a folder that you can read, or change its rights."
        ) from error


def _address(text: str) -> Source:
    try:
        address = urlsplit(text)
        host, _ = address.hostname, address.port
    except ValueError:
        address, host = urlsplit(""), None
    if address.scheme not in ("https", "http") or not host:
        raise address_refused(text, "it is no web address", "Write it as https://HOST/…/NAME.gguf")
    if address.username or address.password:
        clean = text.replace(address.netloc, host)
        raise address_refused(clean, "it holds a password, which would be logged on its way", "Leave it out.")
    if host in _HUB_NAMES:
        found = re.match(
            rf"/({_PART}/{_PART})(?:/(?:resolve|blob)/([^/]+)/(.+\.gguf))?(?:/tree/.*)?/?$", address.path
        )
        if found:
            return HubFile(
                repository=found[1], file=unquote(found[3]) if found[3] else None, revision=found[2] or "main"
            )
    return Address(url=text)
