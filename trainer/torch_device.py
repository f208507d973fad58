"""
Where torch computes: the device, what it is fast in, how much of its memory is free, and how that runs out.

Promises: memory that runs out is an `OutOfMemory`, whichever of torch's ways of saying it is met.
Knows nothing of models.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from trainer.errors import OutOfMemory
from trainer.process_memory import free_mb
from trainer.recipe import Recipe


def device_for(recipe: Recipe) -> torch.device:
    """The card where there is one, unless the recipe asks for the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() and recipe.device != "cpu" else "cpu")


def in_bfloat16(recipe: Recipe, device: torch.device) -> bool:
    """Whether products are made in bfloat16: as the recipe says, else where that is fast."""
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False  # not Linux: float32 is right everywhere
    return "avx512_bf16" in flags or "amx_bf16" in flags


def free_on(device: torch.device) -> float | None:
    """MB that may still be taken there; None: the system does not say."""
    if device.type != "cuda":
        return free_mb()
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (torch.cuda.mem_get_info(device)[0] + unused) / 1e6


@contextmanager
def memory_errors(doing: str, batch: int) -> Iterator[None]:
    """What torch says of memory that ran out becomes an `OutOfMemory` of so many lessons."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(doing, batch) from error
    except RuntimeError as error:  # the CPU allocator has no class of its own
        if "allocate memory" in str(error):
            raise OutOfMemory(doing, batch) from error
        raise
