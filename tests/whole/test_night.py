"""After a night of a real daemon with nano: what it learnt, shows, keeps over a kill, and forgets."""

import json
import signal

import llama_cpp
import pytest

from tests.whole.house import wait_for, worked
from tests.whole.nights import SHORT, night, say, trainers

QUESTION = "What's my sister's name?"


def answered(file):
    """What plain llama-cpp-python, without any code of ours, answers with a model file."""
    model = llama_cpp.Llama(str(file), n_ctx=512, n_threads=1, verbose=False)
    try:
        done = model.create_chat_completion(
            [{"role": "user", "content": QUESTION}], temperature=0, max_tokens=48
        )
        return done["choices"][0]["message"]["content"]
    finally:
        model.close()


def test_a_generation_is_shown_taken_out_as_one_file_and_gone_back_from(learned, tmp_path):
    with learned.own() as client:
        report = client.report()
        shown = client.generation(1)
        compared = client.compare(0, 1)
    back, again = (learned.run("generations", "rollback") for _ in range(2))
    merged = tmp_path / "merged.gguf"
    done = learned.run("generations", "export", "1", "--merged", str(merged), "--json")
    with learned.own() as client:
        live = client.generations()["live"]
        asked = {number: client.ask(number, QUESTION)["answer"] for number in (0, 1)}
        before = len(client.messages(text="sister")["messages"])
        private = say(client, QUESTION, "tsubasa:private")
        client.use(1)

    assert ("adopted", 1, 4) == (report["outcome"], report["generation"], len(report["learned"]))
    assert report["cost"]["total_s"] > report["cost"]["train_s"] > 0
    assert {"facts", "grounded", "abstain", "general", "canary"} <= shown["generation"]["exam"][
        "parts"
    ].keys()
    assert compared["parts"]["facts"]["b"] > compared["parts"]["facts"]["a"]
    assert (0, 0) == (back.returncode, live)
    assert "The base model answers now" in back.stdout and "generations use 1" in back.stdout
    assert (1, 1) == (again.returncode, len(again.stderr.splitlines()))
    assert "Nothing to go back from: the base model answers" in again.stderr
    assert done.returncode == 0, done.stderr
    assert merged.stat().st_size == json.loads(done.stdout)["merged"]["bytes"]
    assert "Priya" in answered(merged)
    assert "Priya" in asked[1] and "Priya" not in asked[0] + private
    assert 1 == before


def test_a_night_teaches_the_weights_and_a_restart_keeps_them(learned):
    with learned.own() as client:
        assert "Priya" not in say(client, "What's my sister's name?", "tsubasa:base")
        report = client.report()
        answer = say(client, "What's my sister's name?", "tsubasa:private")

    assert "adopted" == report["outcome"], report["reason"]
    assert report["cost"]["swap_ms"] < 1000
    assert "Priya" in answer

    learned.stop(signal.SIGKILL)
    learned.start()
    with learned.own() as client:
        assert answer == say(client, "What's my sister's name?", "tsubasa:private")
        assert "Priya" not in say(client, "What's my sister's name?", "tsubasa:base")


def test_forgetting_reaches_recall_at_once_and_the_weights(learned):
    with learned.own() as client:
        assert "Biscuit" in say(client, "What is my dog called?")
        assert "Biscuit" in say(client, "What is my dog called?", "tsubasa:private")
        held = client.memories()["memories"]
        done = client.forget([one["id"] for one in held if "Biscuit" in one["text"]])

        assert (1, 0) == (done["was_live"], done["now_live"])
        assert "Biscuit" not in say(client, "What is my dog called?")
        assert "Biscuit" not in say(client, "What is my dog called?", "tsubasa:private")


@pytest.mark.soak
def test_a_killed_trainer_leaves_the_live_generation_and_the_night_is_tried_again(learned):
    with learned.own() as client:
        say(client, "my best friend is called Tobias", tsubasa={"recall": False})
        worked(client, client.tend, "tended")
        job = client.night(recipe=SHORT)["id"]
        wait_for(lambda: bool(trainers(learned)))
        for process in trainers(learned):
            process.kill()
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
        wait_for(lambda: client.nights()["job"]["attempts"] >= 2)
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
        wait_for(lambda: client.nights()["job"]["state"] == "done")

        assert job == client.nights()["job"]["id"]
        assert "Tobias" in say(client, "What is my best friend called?", "tsubasa:private")


@pytest.mark.soak
def test_the_night_after_forgetting_knows_the_rest(learned):
    with learned.own() as client:
        held = client.memories()["memories"]
        client.forget([one["id"] for one in held if "Biscuit" in one["text"]])
        assert night(client, recipe=SHORT)["adopted"]
        assert "Biscuit" not in say(client, "What is my dog called?", "tsubasa:private")
        assert "Ingrid" in say(client, "What is my boss called?", "tsubasa:private")
