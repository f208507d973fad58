"""
What this machine has for a model, and how much of the model goes onto the GPU (offload).

    cores, memory, graphics cards, what llama.cpp was built for ──> threads, layers on the card, and a sentence

`plan` is a pure function. Looking takes milliseconds where there is no card, and loads no library; what can't be found
out counts as not there.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from daemon.engine.gguf_file import SMALL_MODEL, Header, physical_cores
from daemon.engine.model_facts import cache_bytes
from daemon.text import counted

ASKING_S = 5.0  # for the driver's answer
RESERVE = 900 * 2**20  # bytes of a card that buffers and the desktop need
FITS = "what fits this machine"  # the origin of a number of layers that was chosen by a plan
SHARED = "Apple silicon"  # a card that computes in the machine's own memory
OFFLOADS = {  # part of a library's name -> what it computes on
    "ggml-cuda": "CUDA",
    "ggml-hip": "ROCm",
    "ggml-metal": "Metal",
    "ggml-vulkan": "Vulkan",
    "ggml-sycl": "SYCL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A graphics card."""

    name: str
    total: int  # bytes
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What there is."""

    cores: int  # physical, that this process may use
    memory: int  # bytes
    cards: tuple[Card, ...] = ()
    offload: str = ""  # what llama.cpp was built for besides the processor; "": nothing

    @property
    def has_card(self) -> bool:
        """Whether models can lie in the own memory of a card."""
        return bool(self.offload) and any(card.name != SHARED for card in self.cards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a model is laid out."""

    threads: int
    gpu_layers: int  # -1: all
    said: str  # in half a sentence


def look() -> Hardware:
    """The machine as it is now."""
    return Hardware(cores=physical_cores(), memory=memory(), cards=tuple(_cards()), offload=built_for())


def plan(
    hardware: Hardware, read: Callable[[], Header], size: int, n_ctx: int, kv_cache: str = "f16"
) -> Plan:
    """
    Threads and layers for a model.

    Args:
        read: reads the model's header; called only when there is a card to fit it to.
        size: bytes of the model's file.
        n_ctx: tokens of context; 0: all that the model was made for.
        kv_cache: the setting.
    """
    threads = 1 if size < SMALL_MODEL else hardware.cores
    computing = counted(threads, "thread")
    if not hardware.offload:
        unused = hardware.cards[0].name if hardware.cards else ""
        why = f"; {unused} is not used: llama.cpp was built without it" if unused else ""
        return Plan(threads=threads, gpu_layers=-1, said=f"on the processor, {computing}{why}")
    if not hardware.cards:
        return Plan(
            threads=threads, gpu_layers=-1, said=f"on {hardware.offload} where it can, else {computing}"
        )
    card = max(hardware.cards, key=lambda one: one.free)
    header = read()
    layers = int(header.limit(f"{header.text('general.architecture')}.block_count", 1))
    fitting = int(max(card.free - RESERVE, 0) / ((size + cache_bytes(header, n_ctx, kv_cache)) / layers))
    if fitting >= layers:
        return Plan(threads=threads, gpu_layers=-1, said=f"on {card.name}, all {layers} layers")
    said = f"{fitting} of {layers} layers on {card.name} (all that fit), the rest with {computing}"
    return Plan(threads=threads, gpu_layers=fitting, said=said)


def memory() -> int:
    """All memory of this machine, in bytes; 0 when it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0


def built_for() -> str:
    """What the installed llama.cpp computes on besides the processor; "" for nothing."""
    spec = find_spec("llama_cpp")
    folders: Sequence[str] = (spec.submodule_search_locations or []) if spec else []
    names = [file.name for folder in folders for file in (Path(folder) / "lib").glob("*ggml-*")]
    return next((name for part, name in OFFLOADS.items() if any(part in file for file in names)), "")


def read_nvidia(said: str) -> list[Card]:
    """The cards in nvidia-smi's answer: name, MiB in all, MiB free, a line each."""
    cards = []
    for line in said.splitlines():
        parts = [part.strip() for part in line.rsplit(",", 2)]
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            cards.append(Card(name=parts[0], total=int(parts[1]) * 2**20, free=int(parts[2]) * 2**20))
    return cards


def _cards() -> list[Card]:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        usable = memory() * 2 // 3  # what macOS lets a graphics process have of the shared memory
        return [Card(name=SHARED, total=usable, free=usable)]
    return _nvidia() or _amd(Path("/sys/class/drm"))


def _nvidia() -> list[Card]:
    if sys.platform == "linux" and not Path("/proc/driver/nvidia").exists() and not Path("/dev/dxg").exists():
        return []  # no driver: not worth starting a program for
    command = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_S, check=False)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return []
    return read_nvidia(asked.stdout) if asked.returncode == 0 else []


def _amd(folder: Path) -> list[Card]:
    cards = []
    for total_file in sorted(folder.glob("card*/device/mem_info_vram_total")):
        try:
            total = int(total_file.read_text())
            used = int(total_file.with_name("mem_info_vram_used").read_text())
        except (OSError, ValueError):
            continue
        cards.append(Card(name="AMD graphics", total=total, free=max(total - used, 0)))
    return cards
