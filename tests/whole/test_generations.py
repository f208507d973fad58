"""What a night made with a real daemon and nano: shown, compared, taken out as one file, gone back from."""

import json

import llama_cpp

from tests.whole.nights import say

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
