"""
Vectors that are kept between two runs of `bench.recall`: to embed takes minutes, to rank takes seconds.

Keyed by the embedder's name and the text, so another way to cut or to word what is embedded never finds a wrong one.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from daemon.embedding.client import Embedder


class KeptVectors(Embedder):
    """An embedder that remembers: in a file after `keep_in`, else until the end of the run."""

    _file: Path | None = None

    def keep_in(self, file: Path | None) -> None:
        """Read what `file` has, and write there at the end; None: nothing is kept."""
        self._file = file
        self._known: dict[str, npt.NDArray[np.float32]] = {}
        if file is not None and file.exists():
            with np.load(file) as kept:
                self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        self._n_read = len(self._known)

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> npt.NDArray[np.float32]:
        """As of the embedder."""
        name = (self.made or await self.info()).id
        keys = [hashlib.sha256(f"{name}\n{query}\n{text}".encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        made = await super().embed(list(new.values()), query=query)
        self._known |= dict(zip(new, made, strict=True))
        found = [self._known[key] for key in keys]
        return np.stack(found) if found else made

    async def stop(self) -> None:
        """End the process, and write what is new."""
        await super().stop()
        if self._file is not None and len(self._known) > self._n_read:
            unfinished = self._file.with_suffix(".new.npz")
            np.savez(
                unfinished, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values()))
            )
            os.replace(unfinished, self._file)
