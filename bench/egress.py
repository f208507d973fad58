"""
What leaves this machine in a day of work: python -m bench.egress [--night] [--json]   (Linux, with strace)

    a network of its own without a route, in which only loopback is up
      └─ strace over all processes ── the daemon with nano, its engine, embedder, trainer, and each kind of work

Every connect and every message to an internet address is seen from the kernel's side, of native code too, and also when
it fails for lack of a route. None may be for another machine. A control asks for one outside, and must be seen.
"""

import argparse
import fcntl
import json
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

from bench.kill import House
from daemon.client.client import connect

CALLS = "connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
CONTROL = "192.0.2.1"  # reserved for documentation: nobody's
KINDS = ("turn", "memory", "import", "undo", "forget", "tend", "export", "swap", "backup", "restore")
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1


def possible() -> bool:
    """Whether this machine lets a process have a network of its own, and has strace."""
    made = shutil.which("strace") and shutil.which("unshare")
    return bool(made) and subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


def measure(folder: Path, *, night: bool) -> dict[str, int | list[str]]:
    """Do a day's work in there; how many calls went to loopback, and the addresses of all others."""
    trace = folder / "trace"
    inside = [sys.executable, "-m", "bench.egress", "--inside", str(folder), *(["--night"] if night else [])]
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={CALLS}", "-o", str(trace)]
    done = subprocess.run(["unshare", "-rn", *strace, *inside], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The day's work did not end well: {done.stderr[-2000:]}")
    return {"works": int(done.stdout.split()[-1]), **found(trace.read_text(errors="replace"))}


def found(trace: str) -> dict[str, int | list[str]]:
    """Of a trace: calls to loopback, and the other addresses but one of the control."""
    addresses = Counter(v4 or v6 for v4, v6 in ADDRESS.findall(trace))
    outside = sorted(one for one in addresses if not ip_address(one).is_loopback)
    if CONTROL not in outside:
        raise SystemExit("The control was not seen, so nothing is known.")
    loopback = sum(n for one, n in addresses.items() if ip_address(one).is_loopback)
    return {"to_loopback": loopback, "outside": [one for one in outside if one != CONTROL]}


def live(folder: Path, *, night: bool) -> int:
    """Each kind of work once, inside; how many there were."""
    loopback_up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.connect_ex((CONTROL, 443))
    house = House(folder)
    house.start()
    kinds = [*KINDS, *(["night"] if night else [])]
    for number, kind in enumerate(kinds):
        if kind == "restore":
            with connect(house.home) as client:
                client.status()
            shutil.copyfile(next(house.home.backups.glob("*.backup")), folder / "first.backup")
        house.work(kind, number)
    house.kill("daemon")
    return len(kinds)


def loopback_up() -> None:
    """In a network namespace that is new, and where even this machine can't be reached."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _GET_FLAGS, asked))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def main() -> None:
    """Measure and tell; the exit status says whether anything but loopback was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--night", action="store_true", help="with a night")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        sys.stdout.write(f"{live(given.inside, night=given.night)}\n")
        return
    if not possible():
        raise SystemExit("This machine gives no process a network of its own, or has no strace.")
    with tempfile.TemporaryDirectory(prefix="tsubasa-egress-") as folder:
        told = measure(Path(folder), night=given.night)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.exit(int(bool(told["outside"])))


if __name__ == "__main__":
    main()
