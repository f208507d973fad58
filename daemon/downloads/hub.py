"""
The models' public hub: where a file of a repository lies, and which file is meant when none was named.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from daemon.downloads.errors import ConnectionLost, FileNotOffered, HubUnreadable
from daemon.downloads.http import Cut, Wire
from daemon.downloads.model_source import HubFile

LONGEST_LIST = 8 << 20  # bytes of a list of files


def locate(source: HubFile, hub: str, wire: Wire) -> str:
    """The address of the file that is meant; asks the hub for its list only when no file was named."""
    file = source.file or _chosen(source, _listed(source, hub, wire))
    return f"{hub}/{source.repository}/resolve/{quote(source.revision, safe='')}/{quote(file)}"


def told_sha256(headers: Mapping[str, str]) -> str | None:
    """The sha256 that the hub tells of a large file; None when it tells none."""
    told = headers.get("x-linked-etag", "").removeprefix("W/").strip('"')
    return told if re.fullmatch("[0-9a-f]{64}", told) else None


def _listed(source: HubFile, hub: str, wire: Wire) -> list[str]:
    url = f"{hub}/api/models/{source.repository}/tree/{quote(source.revision, safe='')}?recursive=true"
    body = b""
    try:
        with wire.get(url) as answer:
            for piece in answer.pieces:
                body += piece
                if len(body) > LONGEST_LIST:
                    raise HubUnreadable(url, "an endless list")
    except Cut as error:
        raise ConnectionLost(urlsplit(url).netloc, 0, str(error)) from error
    try:
        found: list[dict[str, Any]] = json.loads(body)
        named = [str(one["path"]) for one in found]
        return sorted(name for name in named if name.endswith(".gguf") and name.isprintable())
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise HubUnreadable(url, "no list of files") from error


def _chosen(source: HubFile, there: Sequence[str]) -> str:
    """The file of the wanted quantization; split files and additions to a model are passed over."""
    whole = [file for file in there if not re.search(r"-\d{5}-of-\d{5}|mmproj", file)]
    pattern = re.compile(rf"(?i)(^|[-._/]){re.escape(source.quantization)}([-._/]|$)")
    fitting = [file for file in whole if pattern.search(file)]
    if len(fitting) == 1 or (len(whole) == 1 and not fitting):
        return (fitting or whole)[0]
    raise FileNotOffered(source.repository, source.quantization, there)
