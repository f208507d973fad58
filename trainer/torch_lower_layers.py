"""
The layers below the first one that learns: what they make of a lesson never changes, so it is computed once and kept.

    tokens ──> lower layers, once, no gradient ──> hidden states in 16 bits, kept ──> upper layers, at each step

What does not fit is computed again at each step, and rounded alike. It stands alone beside the backend, its only
user, as a cache with a state and a limit of its own.
"""

import torch
from transformers import PreTrainedModel

from trainer.backend import Sequences
from trainer.layout import Layout, layout_of
from trainer.torch_model import through_layers


class LowerLayers:
    """The hidden states that enter layer `first` of `base`, at most `room_mb` MB of them kept."""

    def __init__(
        self, base: PreTrainedModel, first: int, *, dtype: torch.dtype, device: torch.device, room_mb: float
    ) -> None:
        self._base, self._first, self._dtype, self._device = base, first, dtype, device
        self._room = room_mb * 1e6
        self._kept: dict[bytes, torch.Tensor] = {}  # by the bytes of a sequence's tokens

    def enter(self, batch: Sequences, layout: Layout, *, keep: bool) -> torch.Tensor:
        """
        (1, R, hidden) what enters layer `first` for the row of `layout`, without a gradient.

        Args:
            keep: what has to be computed is kept, where there is room.
        """
        if not self._first:
            return self._embedded(batch, layout)
        ends = batch.lengths.cumsum()
        pairs = zip((ends - batch.lengths).tolist(), ends.tolist(), strict=True)
        names = [batch.tokens[start:end].tobytes() for start, end in pairs]
        found = {name: self._kept[name] for name in names if name in self._kept}
        if unknown := [index for index, name in enumerate(names) if name not in found]:
            found |= self._computed(batch, unknown, names, keep=keep)
        whole = torch.cat([found[name].to(self._dtype) for name in names])  # autocast joins no float16
        chosen = torch.from_numpy(layout.chosen).to(self._device)
        return whole[chosen][None]

    def _computed(
        self, batch: Sequences, some: list[int], names: list[bytes], *, keep: bool
    ) -> dict[bytes, torch.Tensor]:
        few = batch.some(some)
        layout = layout_of(few)
        with torch.no_grad():
            hidden = self._embedded(few, layout)
            hidden = through_layers(self._base, hidden, layout, range(self._first))[0]
        each = hidden[torch.from_numpy(layout.where).to(self._device)]
        parts = torch.split(each, few.lengths.tolist())
        made = {names[index]: _in_16_bits(mine) for index, mine in zip(some, parts, strict=True)}
        for name, values in made.items():
            if keep and values.nbytes <= self._room:
                self._room -= values.nbytes
                self._kept[name] = values
        return made

    def _embedded(self, batch: Sequences, layout: Layout) -> torch.Tensor:
        tokens = torch.from_numpy(batch.tokens[layout.chosen]).to(self._device)
        embedded: torch.Tensor = self._base.model.embed_tokens(tokens[None])
        return embedded


def _in_16_bits(values: torch.Tensor) -> torch.Tensor:
    """float16, which has three bits more; bfloat16 where a number is too large for it."""
    half = values.half()
    return half if half.isfinite().all() else values.bfloat16()
