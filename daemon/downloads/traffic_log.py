"""
The traffic log: how many bytes went out and came in since this home exists, and to whom.

    network.jsonl   one line for each stretch of a request: {"at", "host", "why", "sent", "received"}

Counted are the bytes of HTTP itself (head and body, both ways), not what TLS and TCP add. Lines are only added, so
that a killed download loses at most the stretch under way; a line that was cut short is passed over.
"""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from daemon.downloads.errors import LogUnreadable, file_not_written
from daemon.home import NETWORK


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What went over the network, in bytes."""

    sent: int = 0
    received: int = 0
    since: datetime | None = None  # of the first line, UTC; None: nothing ever left
    hosts: dict[str, tuple[int, int]] = field(default_factory=dict)  # host -> sent, received


class TrafficLog:
    """The traffic log of one home."""

    def __init__(self, home: Path) -> None:
        self._file = home / NETWORK

    def add(self, host: str, why: str, *, sent: int, received: int) -> None:
        """Note bytes that went to and came from `host`; appended at once. Raises `PullError`."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"at": at, "host": host, "why": why, "sent": sent, "received": received})
        try:
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line.encode() + b"\n")
            finally:
                os.close(handle)
        except OSError as error:
            raise file_not_written(self._file, error) from error


def read_traffic(home: Path) -> Traffic:
    """All that was ever counted in this home; nothing when there is no log. Raises `LogUnreadable`."""
    try:
        lines = (home / NETWORK).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return Traffic()
    except OSError as error:
        raise LogUnreadable(home / NETWORK, error.strerror or str(error)) from error
    hosts: dict[str, tuple[int, int]] = {}
    since = None
    for line in lines:
        try:
            one = json.loads(line)
            host, sent, received = str(one["host"]), int(one["sent"]), int(one["received"])
            at = datetime.fromisoformat(one["at"])
        except (ValueError, KeyError, TypeError):
            continue  # the machine went down while it was written
        since = since or at
        before = hosts.get(host, (0, 0))
        hosts[host] = before[0] + sent, before[1] + received
    return Traffic(
        sent=sum(sent for sent, _ in hosts.values()),
        received=sum(received for _, received in hosts.values()),
        since=since,
        hosts=hosts,
    )
