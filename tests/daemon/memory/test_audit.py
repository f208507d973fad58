from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from daemon.memory.audit import BLOCK, audit
from store.memory_queries import Memory, Survey
from store.recall_log import RecallCount
from tests.daemon.memory.fakes import make_memory

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OLD = {"recalled": [1], "age_days": 31}
BOTH = {"roles": {1: ["assistant"], 2: ["assistant", "user"]}}
COOK = "You are a helpful cook named Anna.\nAnswer briefly. The user's favourite dish is ramen."
DISH = "The user's favourite dish is ramen."


def survey(*held, past=(), roles=None, system=(), vectors=None, recalled=None, age_days=1):
    """A survey of these texts, numbered from 1; each was recalled, unless `recalled` says otherwise."""
    memories = [
        one if isinstance(one, Memory) else make_memory(n, one) for n, one in enumerate(held, start=1)
    ]
    ids = [one.id for one in memories]
    found = np.eye(len(ids), 8, dtype=np.float32) if vectors is None else np.array(vectors, dtype=np.float32)
    return Survey(
        held=memories,
        past=list(past),
        made_at=dict.fromkeys(ids, NOW - timedelta(days=age_days)),
        source_roles={id: frozenset(roles) for id, roles in (roles or {}).items()},
        recalls={id: RecallCount(n=1, last_at=NOW) for id in (ids if recalled is None else recalled)},
        system_texts=list(system),
        vector_ids=ids,
        vectors=found,
    )


def suspected(*held, **known):
    return [(one.memory_id, one.kind, one.like) for one in audit(survey(*held, **known), now=NOW).suspects]


@pytest.mark.parametrize(
    ("held", "known", "expected"),
    [
        pytest.param(["The user has a dog.", "The user is a baker."], {}, [], id="good ones"),
        (["The user has a dog.", "the user has a dog"], {}, [(2, "duplicate", 1)]),
        (["The user has a dog called Rex.", "The user's dog is Rex."], {}, [(2, "near duplicate", 1)]),
        pytest.param(
            ["The user is a helpful cook.", DISH, "The user has a cook book.", "Anna."],
            {"system": [COOK]},
            [(1, "system prompt", None), (2, "system prompt", None)],
            id="what restates a system prompt",
        ),
        pytest.param(
            ["The user likes chess.", "The user lives in Oslo.", "The user runs."],
            BOTH,
            [(1, "loop", None)],
            id="what only the assistant said",
        ),
        pytest.param(
            ["The user runs.", "The user jogs.", "The user swims."],
            {"vectors": [[1, 0], [0.93, 0.3676], [0.9, -0.4359]]},
            [(2, "near duplicate", 1)],
            id="near vectors, others not",
        ),
        pytest.param(["The user runs.", DISH], OLD | {"age_days": 29}, [], id="not recalled as yet"),
        pytest.param(["The user runs.", DISH], OLD, [(2, "never recalled", None)], id="never recalled"),
    ],
)
def test_an_audit_suspects(held, known, expected):
    assert expected == suspected(*held, **known)


def test_near_vectors_are_found_across_blocks():
    vectors = np.eye(BLOCK + 2, dtype=np.float32)
    vectors[-1] = vectors[3] + 0.1 * vectors[4]
    texts = [f"w{number}" for number in range(BLOCK + 2)]

    assert [(BLOCK + 2, "near duplicate", 4)] == suspected(*texts, vectors=vectors)


def test_what_restates_an_older_memory_is_a_loop_but_its_own_line_is_none():
    old = make_memory(1, "The user lives in Ghent with Anna.", superseded_by=3)
    undone = make_memory(2, "The user owns two boats.", superseded_by=2)
    held = [
        make_memory(3, "The user lives in Ghent."),  # moved back: the line of 1
        make_memory(4, "The user lives in Ghent, Anna."),
        make_memory(5, "The user owns boats."),
        make_memory(6, "The user paints red chairs."),
        make_memory(7, "The user paints chairs."),
    ]

    found = audit(survey(*held, past=[old, undone]), now=NOW)

    assert [(4, 1), (5, 2), (7, 6)] == [(one.memory_id, one.like) for one in found.suspects]
    assert "which was replaced" in found.suspects[0].why
    assert "which was taken back" in found.suspects[1].why
    assert (5, 3) == (found.held, found.junk)


def test_what_was_never_recalled_is_no_junk_and_an_audit_of_nothing_finds_nothing():
    nothing = audit(survey(vectors=np.zeros((0, 0))), now=NOW)

    assert 0 == audit(survey("The user runs.", recalled=[], age_days=31), now=NOW).junk
    assert (0, 0, ()) == (nothing.held, nothing.junk, nothing.suspects)
