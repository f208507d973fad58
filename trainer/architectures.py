"""
The model architectures that the trainer can learn on: one row each. The daemon reads the same table to say beforehand
whether a model can learn. Needs no library, so that anybody may import it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How the models of one GGUF architecture are trained."""

    name: str  # general.architecture of the file
    title: str  # for people


ARCHITECTURES = {one.name: one for one in (Architecture(name="qwen3", title="Qwen3"),)}


def why_not(values: Mapping[str, object]) -> str | None:
    """
    Why a model can't be trained, in a few words to follow "can't learn: "; None: it can.

    Args:
        values: the metadata of its GGUF file, by key.
    """
    name = str(values.get("general.architecture", ""))
    if name not in ARCHITECTURES:
        return f"the architecture {name or 'is not named'}"
    if isinstance(count := values.get("split.count"), int) and count > 1:
        return f"a file in {count} parts; llama.cpp's llama-gguf-split --merge makes one of them"
    scaling = values.get(f"{name}.rope.scaling.type", "none")
    return None if scaling == "none" else f"rope scaling of the kind {scaling}"
