"""
Embedding models of BERT's shape, such as MiniLM and E5, computed with numpy: ready in a moment, where the library
that also trains them takes nine seconds of a processor at each start, and twice the memory.

    texts ──> tokens ──> embeddings ──> (attention, feed forward) x layers ──> mean over tokens ──> length 1

Its vectors are those of sentence-transformers, to seven digits; a folder that asks for anything else is left to it.
Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805; Reimers, Gurevych 2019, https://arxiv.org/abs/1908.10084
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Encoding, Tokenizer

WEIGHTS = "model.safetensors"
Vectors = npt.NDArray[np.float32]
BATCH = 32  # texts
ROWS = 64  # of the feed forward at a time, so that they stay in the processor's cache
ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)  # and 0.3275911
SHAPE = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
PARTS = ["Transformer", "Pooling", "Normalize"]
MEAN = "pooling_mode_mean_tokens"


def fits(folder: Path) -> bool:
    """Whether the model in a folder is of the shape that is computed here."""
    if not all((folder / name).exists() for name in (WEIGHTS, "tokenizer.json", "modules.json")):
        return False
    parts = [one["type"].rpartition(".")[2] for one in _read(folder / "modules.json")]
    pooling = _read(folder / "1_Pooling" / "config.json")
    modes = {name for name, value in pooling.items() if name.startswith("pooling_mode_") and value is True}
    config = {"position_embedding_type": "absolute", **_read(folder / "config.json")}
    lower = _read(folder / "sentence_bert_config.json").get("do_lower_case")
    return parts == PARTS and modes == {MEAN} and SHAPE.items() <= config.items() and not lower


class Bert:
    """A loaded model. Raises `OSError` and `ValueError` for files that are not what they should be."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """`threads`: of batches; each is computed by one, for those of the linear algebra wait for one another."""
        self._threads = threads
        config = _read(folder / "config.json")
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon = np.float32(config["layer_norm_eps"])
        self._tensors: dict[str, Vectors] = {
            name.removeprefix("bert."): tensor.astype(np.float32, copy=False)
            for name, tensor in load_file(folder / WEIGHTS).items()
        }
        settings = _read(folder / "sentence_bert_config.json")
        self.longest: int = settings.get("max_seq_length") or config["max_position_embeddings"]  # tokens
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._end: int = self._tokenizer.encode("").ids[-1]  # of a text that is cut

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those that begin and end it included."""
        return [len(one.ids) for one in self._tokenizer.encode_batch(list(texts))]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(N, D), each row of length 1; of a text that is too long the beginning counts."""
        cut = [self._cut(one) for one in self._tokenizer.encode_batch(list(texts))]
        made = np.zeros((len(cut), self._tensor("embeddings.word_embeddings.weight").shape[1]), np.float32)
        order = sorted(
            range(len(cut)), key=lambda at: len(cut[at])
        )  # of like length, so that little is padding
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        with ThreadPoolExecutor(self._threads) as pool:
            computed = pool.map(lambda places: self._batch([cut[at] for at in places]), batches)
            for places, vectors in zip(batches, computed, strict=True):
                made[places] = vectors
        return made

    def _cut(self, text: Encoding) -> list[int]:
        ids: list[int] = text.ids
        return ids if len(ids) <= self.longest else [*ids[: self.longest - 1], self._end]

    def _batch(self, texts: Sequence[Sequence[int]]) -> Vectors:
        length = max(map(len, texts))
        tokens = np.zeros((len(texts), length), np.int64)
        known = np.zeros((len(texts), length), np.float32)
        for row, text in enumerate(texts):
            tokens[row, : len(text)], known[row, : len(text)] = text, 1
        x = self._tensor("embeddings.word_embeddings.weight")[tokens]
        x += self._tensor("embeddings.position_embeddings.weight")[:length]
        x += self._tensor("embeddings.token_type_embeddings.weight")[0]
        x = self._normed(x.reshape(len(texts) * length, -1), "embeddings")
        unseen = (known[:, None, None, :] - 1) * np.float32(1e9)
        for layer in range(self._layers):
            x = self._layer(x, f"encoder.layer.{layer}.", unseen)
        x = x.reshape(len(texts), length, -1)
        means: Vectors = (x * known[:, :, None]).sum(1) / known.sum(1, keepdims=True)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return means

    def _layer(self, x: Vectors, name: str, unseen: Vectors) -> Vectors:
        """(B * L, D) after one layer."""
        texts, length = unseen.shape[0], unseen.shape[3]

        def heads(what: str) -> Vectors:
            y = self._linear(x, f"{name}attention.self.{what}")
            return y.reshape(texts, length, self._heads, -1).transpose(0, 2, 1, 3)

        query, key = heads("query"), heads("key").transpose(0, 1, 3, 2)
        scores = np.ascontiguousarray(query) @ np.ascontiguousarray(key)
        scores *= np.float32(query.shape[-1] ** -0.5)
        scores += unseen
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        seen = (scores @ np.ascontiguousarray(heads("value"))).transpose(0, 2, 1, 3).reshape(x.shape)
        x = self._normed(self._linear(seen, f"{name}attention.output.dense") + x, f"{name}attention.output")
        inner = gelu(self._linear(x, f"{name}intermediate.dense"))
        return self._normed(self._linear(inner, f"{name}output.dense") + x, f"{name}output")

    def _linear(self, x: Vectors, name: str) -> Vectors:
        y: Vectors = x @ self._tensor(f"{name}.weight").T
        y += self._tensor(f"{name}.bias")
        return y

    def _normed(self, x: Vectors, name: str) -> Vectors:
        x -= x.mean(-1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[-1])
        x /= np.sqrt(variance + self._epsilon)
        x *= self._tensor(f"{name}.LayerNorm.weight")
        x += self._tensor(f"{name}.LayerNorm.bias")
        return x

    def _tensor(self, name: str) -> Vectors:
        if name not in self._tensors:
            raise ValueError(f"its weights have no tensor {name!r}")
        return self._tensors[name]


def gelu(x: Vectors) -> Vectors:
    """
    x times the normal distribution's share below it, in place.

    Source: Hendrycks, Gimpel 2016, https://arxiv.org/abs/1606.08415; erf by Abramowitz and Stegun 7.1.26, to 1.5e-7.
    """
    one = np.float32(1)
    for start in range(0, len(x), ROWS):
        rows = x[start : start + ROWS]
        z = np.abs(rows) * np.float32(0.5**0.5)
        t = one / (one + np.float32(0.3275911) * z)
        tail = t * np.float32(ERF[0])
        for factor in ERF[1:]:
            tail += np.float32(factor)
            tail *= t
        tail *= np.exp(-z * z)
        share = np.copysign(one - tail, rows)
        share += one
        rows *= share
        rows *= np.float32(0.5)
    return x


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
