"""
Which network sockets a process and its children have, as Linux shows them.

Promises: a look at one moment, no more; on other systems, or for another user's process, None.
"""

import ipaddress
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from daemon.sandbox.outbound_guard import is_local

PROC = Path("/proc")
LISTENING = 0x0A  # a TCP state, as the kernel numbers them
TABLES = ("tcp", "tcp6", "udp", "udp6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """One end that can talk over a network."""

    protocol: str  # "tcp" | "tcp6" | "udp" | "udp6"
    local: str
    port: int
    remote: str  # "0.0.0.0" or "::" when there is no other end
    listens: bool

    @property
    def leaves(self) -> bool:
        """Whether it reaches, or can be reached from, beyond this machine."""
        lonely = ipaddress.ip_address(self.remote).is_unspecified
        return not is_local(self.local) if self.listens or lonely else not is_local(self.remote)


def family(pid: int, proc: Path = PROC) -> list[int]:
    """The process and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in proc.glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def sockets(pids: Iterable[int], proc: Path = PROC) -> list[Socket] | None:
    """The network sockets of these processes; None when this system does not show them."""
    found: list[Socket] = []
    for pid in pids:
        try:
            held = {_inode(link) for link in (proc / str(pid) / "fd").iterdir()}
            tables = {name: (proc / str(pid) / "net" / name) for name in TABLES}
            for name, table in tables.items():
                lines = table.read_text().splitlines()[1:] if table.exists() else []
                found += [one for inode, one in (_read(name, line) for line in lines) if inode in held]
        except OSError:
            return None
    return found


def networks(pid: int, proc: Path = PROC) -> list[str] | None:
    """The network devices that a process sees, but for its own loopback; None when this system does not show them."""
    try:
        lines = (proc / str(pid) / "net" / "dev").read_text().splitlines()[2:]
    except OSError:
        return None
    return [name for name in (line.partition(":")[0].strip() for line in lines) if name != "lo"]


def _inode(link: Path) -> str:
    try:
        found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
    except OSError:  # closed meanwhile
        return ""
    return found[1] if found else ""


def _read(protocol: str, line: str) -> tuple[str, Socket]:
    parts = line.split()
    local, port = _address(parts[1])
    remote, _ = _address(parts[2])
    listens = protocol.startswith("tcp") and int(parts[3], 16) == LISTENING
    return parts[9], Socket(protocol=protocol, local=local, port=port, remote=remote, listens=listens)


def _address(text: str) -> tuple[str, int]:
    """The kernel writes words of four bytes in its own byte order, which is little on all that we run on."""
    digits, port = text.split(":")
    raw = bytes.fromhex(digits)
    turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return str(ipaddress.ip_address(turned)), int(port, 16)
