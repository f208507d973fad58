"""
`tsubasa doctor --prove`: what shows that the running daemon keeps to this machine, and what that does not show.

    1. the daemon itself tries to leave, and is refused      its own refusal works
    2. which network its children see                        none: the system would refuse native code too
    3. the sockets of all of them, one by one                now, none of them reaches beyond this machine
    4. we knock at its port from this machine's address      nobody outside can get in

Promises: each finding says what was done; where a look was not possible it says so, and counts as not proved.
"""

import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from daemon.diagnostics.finding import Finding
from daemon.diagnostics.sockets import Socket, family, networks, sockets

LIMITS = (
    "The daemon's own refusal holds all Python code of its process, libraries too; not native code in it (SQLite), nor "
    "programs of the system that it asks (loginctl, for whether somebody is there). Its children (engine, embedder, at "
    "night the trainer) get an empty network from the system where it can; the embedder is not held at all while "
    "`downloads` is on. `tsubasa pull` is a process of its own, uses the network when you call it, counting each byte."
)
KNOCK_S = 2.0


def prove(proof: Mapping[str, Any], url: str) -> list[Finding]:
    """All findings, from what the daemon told of its own tries."""
    pids = family(int(proof["pid"]))
    seen = {name: networks(child) for name, child in proof["children"].items()}
    return [
        refusals(proof["tried"]),
        children(seen),
        open_sockets(sockets(pids), len(pids)),
        knock(url, outward_addresses()),
    ]


def refusals(tried: Sequence[Mapping[str, Any]]) -> Finding:
    """What came of the daemon's own tries."""
    went = [one for one in tried if not one["refused"]]
    what = ", ".join(f"{one['what']} {one['host']}" for one in tried)
    if tried and not went:
        said = f"the daemon tried to leave and was refused each time, before anything was sent ({what})"
        return Finding(name="way out", state="ok", said=said)
    how = "; ".join(f"{one['what']} {one['host']}: {one['how']}" for one in went) or "it tried nothing"
    said = f"the daemon was not refused by its own rule ({how})"
    return Finding(name="way out", state="wrong", said=said, todo="Start it with `tsubasa up`, and tell us.")


def children(seen: Mapping[str, Sequence[str] | None]) -> Finding:
    """Whether the daemon's children have a network at all: name -> devices that they see, None if that is not shown."""
    if not seen:
        return Finding(
            name="children", state="note", said="none runs just now: not proved", todo="Ask it something."
        )
    apart = [name for name, devices in seen.items() if devices == []]
    shared = [name for name, devices in seen.items() if devices]
    if len(apart) == len(seen):
        said = f"{' and '.join(apart)}: each in a network of its own with no way out, native code too"
        return Finding(name="children", state="ok", said=said)
    if not shared:
        return Finding(
            name="children", state="note", said="this system does not show their networks: not proved"
        )
    said = f"{' and '.join(shared)} see this machine's network; only Python code is refused there"
    return Finding(name="children", state="note", said=said)


def open_sockets(found: Sequence[Socket] | None, processes: int) -> Finding:
    """Whether any socket reaches beyond this machine."""
    if found is None:
        said = "this system does not show the sockets of a process: not proved"
        return Finding(name="sockets", state="note", said=said)
    leaving = [one for one in found if one.leaves]
    if leaving:
        ends = ", ".join(f"{one.protocol} {one.local}:{one.port} to {one.remote}" for one in leaving)
        return Finding(
            name="sockets", state="wrong", said=f"reaching beyond this machine: {ends}", todo="Tell us."
        )
    said = f"{len(found)} in {processes} processes, at this moment; none reaches beyond this machine"
    return Finding(name="sockets", state="ok", said=said)


def knock(url: str, addresses: Sequence[str]) -> Finding:
    """Whether the daemon can be reached through an address that others could use."""
    port = urlsplit(url).port or 80
    if not addresses:
        return Finding(name="way in", state="ok", said="this machine has no address in a network just now")
    answering = [address for address in addresses if _answers(address, port)]
    if answering:
        said = f"port {port} answers at {', '.join(answering)}, where others can reach it"
        return Finding(
            name="way in", state="wrong", said=said, todo="What forwards it there? A tunnel or a container?"
        )
    said = f"port {port} does not answer at {', '.join(addresses)}, only at this machine's own loopback"
    return Finding(name="way in", state="ok", said=said)


def outward_addresses() -> list[str]:
    """This machine's addresses in its networks; nothing is sent for finding them out."""
    found = []
    for kind, nobody in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(kind, socket.SOCK_DGRAM) as asking:
                asking.connect(
                    (nobody, 9)
                )  # of a datagram socket: only chooses the address that would be used
                found.append(str(asking.getsockname()[0]))
        except OSError:
            continue  # no such network
    return found


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), KNOCK_S).close()
    except OSError:
        return False
    return True
