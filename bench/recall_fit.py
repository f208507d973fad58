"""
Other weights for the ranking of turns: fitted to some questions, or one feature left out.

    fit      the weights under which the evidence of the given questions is likeliest
    LESIONS  the shipped weights with one of them set to 0, or with nothing but one

Promises: learns from the questions it is given and from nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench.recall_arms import DEPTH, Asked
from daemon.memory import ranking

POOL = 150  # turns of each question that the fit compares, the best by the shipped weights
L2 = 0.03  # on the weights of standardised features
CLIP = 5.0  # standard deviations
MOST_STEPS = 120
LESIONS: dict[str, tuple[Mapping[str, float], float]] = {  # name -> weights of the features, of the session
    "as shipped": (ranking.FEATURES, ranking.SESSION),
    **{
        f"without {left_out}": ({**ranking.FEATURES, left_out: 0.0}, ranking.SESSION)
        for left_out in ranking.FEATURES
    },
    "without session": (ranking.FEATURES, 0.0),
    "words alone": ({"words": 1.0}, 0.0),
    "meaning alone": ({"meaning": 1.0}, 0.0),
    "words + meaning": ({"words": 1.0, "meaning": 1.0}, 0.0),
}
Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A linear score over standardised features: `FEATURES`, then the mean of the best turns of the chat."""

    mean: Floats
    spread: Floats
    weight: Floats


def fit(asked: Sequence[Asked]) -> Weights:
    """
    The weights under which the evidence is likeliest, by listwise softmax.

    Each question counts once: its loss is the mean over its evidence of -log softmax(score), over the best `POOL`
    turns of the shipped ranking and the evidence itself. Needs one question at least whose evidence is a candidate.
    """
    lists: list[tuple[Floats, Marks]] = []
    for one in asked:
        best = set(np.argsort(-ranking.scores(one.candidates), kind="stable")[:POOL].tolist())
        chosen = [at for at, id in enumerate(one.candidates.ids) if at in best or id in one.evidence]
        is_evidence = np.array([one.candidates.ids[at] in one.evidence for at in chosen])
        if is_evidence.any():
            lists.append((features(one.candidates)[chosen], is_evidence))
    every = np.concatenate([given for given, _ in lists])
    mean, spread = every.mean(0), every.std(0) + 1e-9
    scaled = [(_scaled(given, mean, spread), is_evidence) for given, is_evidence in lists]
    found = minimize(
        loss,
        np.zeros(every.shape[1]),
        args=(scaled,),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS},
    )
    return Weights(mean=mean, spread=spread, weight=found.x)


def fitted(one: Asked, weights: Weights) -> list[int]:
    """The ranking of `one` by fitted weights."""
    score = _scaled(features(one.candidates), weights.mean, weights.spread) @ weights.weight
    return _best(one, score)


def lesioned(one: Asked, lesion: str) -> list[int]:
    """The ranking of `one` by the weights of a lesion."""
    return _best(one, ranking.scores(one.candidates, *LESIONS[lesion]))


def features(found: ranking.Candidates) -> Floats:
    """(ids, FEATURES + 1): what is known of each turn, and the mean of the best turns of its chat."""
    own = ranking.scores(found, session=0.0)
    return np.column_stack([found.known, ranking.session_means(own, found.chats)])


def loss(weight: Floats, lists: Sequence[tuple[Floats, Marks]]) -> tuple[float, Floats]:
    """The regularised loss in nats per question, and its gradient."""
    total, gradient = 0.0, np.zeros_like(weight)
    for given, is_evidence in lists:
        score = given @ weight
        chance = np.exp(score - score.max())
        chance /= chance.sum()
        total -= float(np.log(chance[is_evidence] + 1e-12).mean())
        gradient -= given[is_evidence].mean(0) - chance @ given
    n = len(lists)
    return total / n + L2 / 2 * float(weight @ weight), gradient / n + L2 * weight


def _scaled(given: Floats, mean: Floats, spread: Floats) -> Floats:
    return np.clip((given - mean) / spread, -CLIP, CLIP)


def _best(one: Asked, score: Floats) -> list[int]:
    return [one.candidates.ids[at] for at in np.argsort(-score, kind="stable")[:DEPTH]]
