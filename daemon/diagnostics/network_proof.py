"""
`tsubasa doctor --prove`: what shows that the running daemon keeps to this machine, and what that does not show.

    1. the daemon itself tries to leave, and is refused      its own refusal works
    2. which network its children see                        none: the system would refuse native code too
    3. the sockets of all of them, one by one                now, none of them reaches beyond this machine
    4. we connect to its port at this machine's address      nobody outside can get in

Where a look is not possible (sockets are only shown by Linux), the finding says so, and it counts as not proved.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from daemon.client.schemas.status import Proof, WayOut
from daemon.diagnostics.doctor import Finding, note, ok, wrong
from daemon.sandbox.outbound_guard import is_local

LIMITS = (
    "The daemon's own refusal holds all Python code of its process, libraries too; not native code in it (SQLite), nor "
    "programs of the system that it asks (loginctl, for whether somebody is there). Its children (engine, embedder, at "
    "night the trainer) get an empty network from the system where it can; the embedder is not held at all while "
    "`downloads` is on. `tsubasa pull` is a process of its own, uses the network when you call it, counting each byte."
)
CONNECT_S = 2.0
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


def prove(proof: Proof, url: str) -> list[Finding]:
    """All findings, from what the daemon said of its own tries."""
    pids = descendants(proof["pid"])
    seen = {name: network_devices(child) for name, child in proof["children"].items()}
    return [
        refusals(proof["tried"]),
        children(seen),
        open_sockets(all_sockets(proof, pids), len(pids)),
        ways_in(url, outward_addresses()),
    ]


def refusals(tried: Sequence[WayOut]) -> Finding:
    """What came of the daemon's own tries."""
    through = [one for one in tried if not one["refused"]]
    if tried and not through:
        what = ", ".join(f"{one['what']} {one['host']}" for one in tried)
        said = f"the daemon tried to leave and was refused each time, before anything was sent ({what})"
        return ok("way out", said)
    how = "; ".join(f"{one['what']} {one['host']}: {one['how']}" for one in through) or "it tried nothing"
    said = f"the daemon was not refused by its own rule ({how})"
    return wrong("way out", said, "Start it with `tsubasa up`, and tell us.")


def children(seen: Mapping[str, Sequence[str] | None]) -> Finding:
    """Whether the daemon's children have a network: name -> devices that they see, None if that is not shown."""
    if not seen:
        return note("children", "none runs just now: not proved", "Ask it something.")
    shared = [name for name, devices in seen.items() if devices]
    if all(devices == [] for devices in seen.values()):
        said = f"{' and '.join(seen)}: each in a network of its own with no way out, native code too"
        return ok("children", said)
    if not shared:
        return note("children", "this system does not show their networks: not proved")
    said = f"{' and '.join(shared)} see this machine's network; only Python code is refused there"
    return note("children", said)


def open_sockets(found: Sequence[Socket] | None, processes: int) -> Finding:
    """Whether any socket reaches beyond this machine."""
    if found is None:
        return note("sockets", "this system does not show the sockets of a process: not proved")
    leaving = [one for one in found if one.leaves]
    if leaving:
        ends = ", ".join(f"{one.protocol} {one.local}:{one.port} to {one.remote}" for one in leaving)
        return wrong("sockets", f"reaching beyond this machine: {ends}", "Tell us.")
    said = f"{len(found)} in {processes} processes, at this moment; none reaches beyond this machine"
    return ok("sockets", said)


def ways_in(url: str, addresses: Sequence[str]) -> Finding:
    """Whether the daemon can be reached through an address that others could use."""
    port = urlsplit(url).port or 80
    if not addresses:
        return ok("way in", "this machine has no address in a network just now")
    answering = [address for address in addresses if _answers(address, port)]
    if answering:
        said = f"port {port} answers at {', '.join(answering)}, where others can reach it"
        return wrong("way in", said, "What forwards it there? A tunnel or a container?")
    said = f"port {port} does not answer at {', '.join(addresses)}, only at this machine's own loopback"
    return ok("way in", said)


def outward_addresses() -> list[str]:
    """This machine's addresses in its networks; nothing is sent for finding them out."""
    found = []
    for kind, nobody in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(kind, socket.SOCK_DGRAM) as asking:
                asking.connect((nobody, 9))  # of a datagram socket: only chooses the address to use
                found.append(str(asking.getsockname()[0]))
        except OSError:
            continue  # no such network
    return found


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), CONNECT_S).close()
    except OSError:
        return False
    return True


def all_sockets(proof: Proof, pids: Iterable[int], proc: Path = PROC) -> list[Socket] | None:
    """
    The sockets of the daemon, as it says itself, and of its children; None where some are not known.

    Our processes show theirs to nobody else (`sandbox/memory_guard.py`); one without a network has none that matter.
    """
    own = proof["sockets"]
    found = None if own is None else [Socket(**one) for one in own]
    for pid in pids:
        shown = [] if pid == proof["pid"] else sockets([pid], proc)
        if shown is None and network_devices(pid, proc) == []:
            shown = []
        found = None if found is None or shown is None else found + shown
    return found


def descendants(pid: int, proc: Path = PROC) -> list[int]:
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
            its_own = {_inode(link) for link in (proc / str(pid) / "fd").iterdir()}
            tables = {name: (proc / str(pid) / "net" / name) for name in TABLES}
            for name, table in tables.items():
                lines = table.read_text().splitlines()[1:] if table.exists() else []
                found += [one for inode, one in (_read(name, line) for line in lines) if inode in its_own]
        except OSError:
            return None
    return found


def network_devices(pid: int, proc: Path = PROC) -> list[str] | None:
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
