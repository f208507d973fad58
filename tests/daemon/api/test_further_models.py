"""Models beside the main one, over HTTP: the main one is a stand-in, the others are real processes of tiny models."""

import asyncio
import json

import pytest

from store import generations
from tests.daemon.api.world import serving
from tests.tiny import write_model

ASKED = {"max_tokens": 4, "temperature": 0}
NAMES = ["coder", "coder:base", "coder:private", "coder@0"]


@pytest.fixture
async def world(tmp_path):
    write_model(tmp_path / "fake.gguf", seed=1)  # the main model's file
    (tmp_path / "models").mkdir()
    write_model(tmp_path / "models" / "coder.gguf", seed=2)
    async with serving(tmp_path, models=("coder.gguf", "/nowhere/gone.gguf")) as served:
        yield served


def text(answer):
    return answer.json()["choices"][0]["message"]["content"]


async def test_it_is_listed_in_each_dialect_and_none_is_started_for_that(world):
    models = (await world.http.get("/v1/models")).json()["data"]
    one = (await world.http.get("/v1/models/coder")).json()
    tags = (await world.http.get("/api/tags")).json()["models"]
    shown = (await world.http.post("/api/show", json={"model": "coder"})).json()
    loaded = (await world.http.get("/api/ps")).json()["models"]

    assert NAMES == [one["id"] for one in models if "coder" in one["id"]]
    assert (512, "") == (one["context_length"], one["meta"]["sha256"])
    assert NAMES[:3] == [one["name"] for one in tags if "coder" in one["name"]]
    assert ("qwen3", ["completion"]) == (shown["details"]["family"], shown["capabilities"])
    assert [] == loaded
    assert "stopped" == (await world.http.get("/tsubasa/status")).json()["further"][0]["state"]


async def test_it_answers_by_its_name_and_the_chat_is_kept_as_its_own(world):
    whole, main = await world.chat("hi", model="coder", **ASKED), await world.chat("hi")
    ollama = await world.http.post(
        "/api/chat",
        json={
            "model": "coder:private",
            "stream": False,
            "messages": [{"role": "user", "content": "hi"}],
            "options": {"num_predict": 4, "temperature": 0},
        },
    )
    counted = await world.http.post(
        "/v1/messages/count_tokens",
        json={"model": "coder", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]},
    )
    said = await world.rows("select role, model from messages order by id")

    assert ("coder", "Hello.") == (whole.json()["model"], text(main))
    assert text(whole) == ollama.json()["message"]["content"] != "Hello."
    assert whole.json()["system_fingerprint"] != main.json()["system_fingerprint"]
    assert whole.json()["usage"]["prompt_tokens"] == counted.json()["input_tokens"] > 5
    assert ["coder@0", "tsubasa@0"] == [model for role, model in said if role == "assistant"]
    assert "coder" in [one["name"] for one in (await world.http.get("/api/ps")).json()["models"]]


async def test_while_it_is_loaded_the_main_model_answers(world):
    """Its start is held up by hand: whatever it takes, nobody else waits for it."""
    further = world.services.further.all[0]
    async with world.services.further._loading:
        asked = asyncio.create_task(world.chat("hi", model="coder", **ASKED))
        while not further.engine.child.in_use:
            await asyncio.sleep(0.01)
        assert "Hello." == text(await asyncio.wait_for(world.chat("hi"), 5))
        assert not asked.done()

    assert 200 == (await asked).status_code


async def test_a_generation_made_for_its_file_answers_and_can_be_asked_for(world):
    await world.chat("hi", model="coder", **ASKED)
    sha256 = world.services.further.all[0].generations.known.sha256

    def learn(db):
        made = generations.propose(db, b"no adapter at all", base_sha256=sha256, lesson_ids=[])
        generations.adopt(db, made.id, {}, "it knows more")

    await world.store_thread.run(learn)
    listed = [one["id"] for one in (await world.http.get("/v1/models")).json()["data"]]
    plain = await world.chat("hi", model="coder", **ASKED)  # it can't be loaded: the base model answers
    base = await world.chat("hi", model="coder@0", **ASKED)
    other = await world.chat("hi", model="coder@7", **ASKED)

    assert "coder@1" in listed and "tsubasa@1" not in listed
    assert (200, 0) == (plain.status_code, plain.json()["tsubasa"]["generation"])
    assert text(plain) == text(base)
    assert 404 == other.status_code
    assert "Hello." == text(await world.chat("hi"))


@pytest.mark.parametrize("model", ["gone", "gone:private", "gone@1"])
async def test_one_that_can_not_be_used_is_told_and_no_other_answers_in_its_place(world, model):
    refused = await world.chat("hi", model=model)
    status = (await world.http.get("/tsubasa/status")).json()
    listed = [one["id"] for one in (await world.http.get("/v1/models")).json()["data"]]

    assert (503, "false") == (refused.status_code, refused.headers["x-should-retry"])
    assert "there is no such file" in refused.json()["error"]["message"]
    assert refused.json()["error"]["message"] in [one["what"] for one in status["attention"]]
    assert "unusable" == status["further"][1]["state"]
    assert not [name for name in listed if "gone" in name]
    assert "Hello." == text(await world.chat("hi"))


async def test_what_code_answers_loads_no_model(world):
    told = await world.chat("What do you know about me?", model="coder")

    assert 200 == told.status_code
    assert "stopped" == world.services.further.all[0].engine.child.state


async def test_a_file_that_was_replaced_is_another_model_at_its_next_load(world, tmp_path):
    first = await world.chat("hi", model="coder", **ASKED)
    write_model(tmp_path / "models" / "coder.gguf", seed=3)
    await world.services.further.all[0].engine.child.retire()
    second = await world.chat("hi", model="coder", **ASKED)

    assert first.json()["system_fingerprint"] != second.json()["system_fingerprint"]


async def test_without_room_it_is_a_503_that_says_when_to_come_again(world):
    further = world.services.further
    further._main_needs = 2**50

    refused = await world.chat("hi", model="coder", stream=True)

    assert (503, "5", "no_room") == (
        refused.status_code,
        refused.headers["retry-after"],
        refused.json()["error"]["code"],
    )
    assert "Hello." == text(await world.chat("hi"))


async def test_its_answer_streams_like_any_other(world):
    streamed = await world.chat("hi", model="coder", stream=True, **ASKED)
    whole = await world.chat("hi", model="coder", **ASKED)
    lines = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: ")]
    chunks = [json.loads(line) for line in lines[:-1]]

    assert "[DONE]" == lines[-1]
    assert {"coder"} == {chunk["model"] for chunk in chunks}
    assert text(whole) == "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
    )
