"""The numbers of `bench.recall`: shares, intervals, what is printed, which files are refused."""

import io

import numpy as np
from rich.console import Console

from bench import recall
from bench.recall_arms import Asked
from bench.recall_data import DEVELOPMENT, LOCOMO
from bench.recall_fit import LESIONS
from daemon.memory import ranking


def asked(*, evidence=(1,), conversation="conv-41", kind="4 single-hop", seconds=0.01, beside=400, **found):
    ids = [1, 2, 3, 4]
    known = np.eye(4, len(ranking.FEATURES))
    return Asked(
        conversation=conversation,
        is_development=conversation in DEVELOPMENT[LOCOMO],
        kind=kind,
        evidence=frozenset(evidence),
        candidates=ranking.Candidates(ids=ids, chats=[1] * 4, known=known, cosines=np.zeros(4)),
        seconds=seconds,
        beside_bytes=beside,
        found=found,
    )


def test_a_share_counts_the_evidence_among_the_first_k():
    one = asked(evidence=(1, 4), full=[4, 2, 3, 1])

    assert [0.5, 0.5, 1.0] == [recall.shares([one], "full", k)[0] for k in (1, 3, 4)]


def test_a_question_with_much_evidence_weighs_no_more_than_one_with_little():
    many, few = asked(evidence=(1, 2, 3, 4), full=[9]), asked(evidence=(1,), full=[1])

    assert 0.5 == recall.shares([many, few], "full", 1).mean()


def test_the_numbers_of_each_arm_that_ran_have_its_name_in_front():
    test = [
        asked(evidence=(1, 2), seconds=0.02, beside=800, full=[1, 3, 4, 2], fitted=[3, 4, 9, 1], mem0=[9]),
        asked(evidence=(1,), seconds=0.04, conversation="conv-42", full=[9], fitted=[1], mem0=[1]),
    ]

    wanted = {"r3": 25.0, "r10": 50.0, "any3": 50.0, "any10": 50.0, "fitted_r3": 50.0, "fitted_r10": 75.0}
    wanted |= {"mem0_r3": 50.0, "mem0_r10": 50.0, "p50_ms": 30.0, "p95_ms": 39.0, "questions": 2}
    wanted["tokens"] = 150
    wanted["conversations"] = ["conv-41", "conv-42"]
    assert wanted == recall.as_json(test, ["full", "fitted", "mem0"])
    assert not [name for name in recall.as_json(test, ["full", "fitted"]) if "mem0" in name]


def test_conv_26_and_conv_30_are_never_among_the_questions_reported():
    every = [asked(conversation=name) for name in ("conv-26", "conv-30", "conv-41")]

    assert ["conv-41"] == [one.conversation for one in recall.reported(every, recall.TEST)]
    assert ["conv-26", "conv-30"] == [one.conversation for one in recall.reported(every, recall.DEVELOPMENT)]


def test_the_tables_show_every_arm_every_kind_asked_and_every_lesion():
    out = io.StringIO()
    every = [asked(conversation=name, full=[1], dense=[2]) for name in ("conv-26", "conv-41")]
    recall.tables(every, ["dense", "full"], Console(file=out, width=recall.WIDTH))
    wanted = {"dense, by kind", "full, by kind", "single-hop (1)", "100.0 [100.0-100.0]", *LESIONS}

    assert set() == {words for words in wanted if words not in out.getvalue()}
    assert "multi-hop" not in out.getvalue()
