"""Weights of the ranking: fitted to a toy problem, or one of them left out."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from bench import recall_fit
from bench.recall_arms import Asked
from daemon.memory import ranking

NAMES = list(ranking.FEATURES)


def asked(known, *, evidence, chats=None):
    ids = list(range(1, len(known) + 1))
    found = ranking.Candidates(
        ids=ids, chats=chats or ids, known=np.array(known, dtype=np.float64), cosines=np.zeros(len(ids))
    )
    return Asked(
        conversation="conv-26",
        is_development=True,
        kind="4 single-hop",
        evidence=frozenset(evidence),
        candidates=found,
        seconds=0.0,
        beside_bytes=0,
    )


def row(**features):
    return [features.get(name, 0.0) for name in NAMES]


def toy(n=40, seed=0):
    """Questions whose evidence is the one turn that was asked, where all else is chance."""
    chance = np.random.default_rng(seed)
    every = []
    for _ in range(n):
        known = chance.normal(size=(12, len(NAMES)))
        right = int(chance.integers(12))
        known[:, NAMES.index("asks")] = 0.0
        known[right, NAMES.index("asks")] = 1.0
        every.append(asked(known, evidence=[right + 1]))
    return every


def test_the_fit_finds_the_one_feature_that_tells_the_evidence():
    weights = recall_fit.fit(toy())

    assert "asks" == NAMES[int(np.argmax(weights.weight[: len(NAMES)]))]
    assert all(one.evidence == {recall_fit.fitted(one, weights)[0]} for one in toy(seed=1))


def test_the_shipped_weights_have_not_moved_by_a_fit():
    before = dict(ranking.FEATURES)
    recall_fit.fit(toy(4))

    assert before == ranking.FEATURES


def test_a_question_whose_evidence_is_no_candidate_teaches_nothing():
    with_it = recall_fit.fit([*toy(), asked([row(words=9.0)], evidence=[77])])

    assert np.array_equal(recall_fit.fit(toy()).weight, with_it.weight)


def test_the_gradient_is_that_of_the_loss():
    chance = np.random.default_rng(0)
    lists = [
        (chance.normal(size=(6, 3)), np.array([True, False, True, False, False, False])) for _ in range(5)
    ]
    wrong = check_grad(
        lambda weight: recall_fit.loss(weight, lists)[0],
        lambda weight: recall_fit.loss(weight, lists)[1],
        chance.normal(size=3),
    )

    assert wrong < 1e-5


def test_as_shipped_is_the_ranking_of_the_daemon_s_own_scores():
    one = asked([row(words=0.1), row(speaker=1.0), row(meaning=0.1)], evidence=[1])

    assert [2, 3, 1] == recall_fit.lesioned(one, "as shipped")


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_that_is_left_out_counts_nothing(name):
    best, other = row(**{name: 5.0 * np.sign(ranking.FEATURES[name])}), row()
    one = asked([other, best], evidence=[2])

    assert [2, 1] == recall_fit.lesioned(one, "as shipped")
    assert [1, 2] == recall_fit.lesioned(one, f"without {name}")


def test_without_the_session_a_good_chat_lifts_no_turn_of_it():
    one = asked([row(words=-0.1), row(words=3.0), row()], evidence=[2], chats=[1, 1, 2])

    assert [2, 1, 3] == recall_fit.lesioned(one, "as shipped")
    assert [2, 3, 1] == recall_fit.lesioned(one, "without session")
