"""
The file of the skills: a LoRA in half precision that says which version of our tasks it was taught and on which base.

`tsubasa pull little` merges it with that base, and refuses every other (`daemon/downloads/little.py`).
"""

from collections.abc import Mapping
from pathlib import Path

from daemon.engine.records import BASE_KEY, SKILLS, SKILLS_KEY
from trainer.adapter_gguf import write_adapter
from trainer.backend import Floats
from trainer.gguf_model import Shape


def write(path: Path, adapter: Mapping[str, Floats], shape: Shape, *, alpha: float, base_sha256: str) -> str:
    """
    Write the skills in F16 and give the file's sha256; as `write_adapter` in all else.

    Args:
        base_sha256: of the GGUF file that they were trained on.
    """
    says: dict[str, str | int] = {SKILLS_KEY: SKILLS, BASE_KEY: base_sha256}
    return write_adapter(path, adapter, shape, alpha=alpha, half=True, says=says)
