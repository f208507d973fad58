"""Forgetting reaches the weights of a real model, and that is measured: before, after, and in the next night."""

import pytest

from tests.whole.house import wait_for
from tests.whole.nights import night, say

FULL = {"threads": 1}  # as many steps as a night takes by itself: a shorter one may be refused
TOLD = ("The user's cat is called Momo.", "The user's best friend is called Tobias.")


@pytest.mark.soak
def test_a_forgotten_fact_is_in_the_weights_before_and_gone_after_and_the_next_night_proves_it(learned):
    with learned.own() as client:
        first = client.generations()["live"]
        cat, _ = (client.add(text)["memory"]["id"] for text in TOLD)
        second = night(client, recipe=FULL)
        assert second["adopted"], second["reason"]

        before = client.forget_preview([cat], weights=True)["weights"]
        done = client.forget([cat])
        wait_for(lambda: client.forgotten()["weights"]["verdict"] != "under way")
        after, waiting = client.forgotten()["weights"], client.forgotten()["waiting"]

        assert ("left", second["generation"]) == (before["verdict"], before["generation"])
        assert before["numbers"]["rank"] == 1 and before["numbers"]["told"] > 0
        assert (second["generation"], first) == (done["was_live"], done["now_live"])
        assert ("gone", first) == (after["verdict"], after["generation"])
        assert after["numbers"]["told"] == 0
        assert before["numbers"]["margin_nats"] > 10 > abs(after["numbers"]["margin_nats"])
        assert 1 == waiting

        third = night(client, recipe=FULL)
        found = third["exam"]["forgotten"]
        kept = client.generations()["generations"][-1]["exam"]["forgotten"]

        assert third["adopted"], third["reason"]
        assert (1, 0, 0, 0) == tuple(found[name] for name in ("gone", "left", "not_probed", "told"))
        assert found == kept
        assert 0 == client.forgotten()["waiting"]
        assert "Momo" not in say(client, "What is my cat called?", "tsubasa:private")
        assert "Tobias" in say(client, "What is my best friend called?", "tsubasa:private")
