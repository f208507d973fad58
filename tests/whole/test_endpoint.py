"""`tsubasa up` as a real process with real children, through the official client."""

import json
import os
import signal

import httpx
import openai
import pytest

from tests.tiny import write_model
from tests.whole.house import Daemon


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, model):
    made = Daemon(tmp_path_factory.mktemp("a home") / "with a space", model).start()
    yield made
    made.stop()


def ask(daemon, text):
    with daemon.client() as api:
        return api.chat.completions.create(**question(text)).choices[0].message.content


def question(text, **more):
    return {
        "model": "tsubasa",
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 8,
        "temperature": 0,
        **more,
    }


def test_whole_and_streamed_answers_are_the_same(daemon):
    whole = ask(daemon, "hi")
    with daemon.client() as api:
        chunks = list(api.chat.completions.create(**question("hi", stream=True)))
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    assert whole
    assert whole == streamed


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_beyond_the_context_is_a_400(daemon, stream):
    with daemon.client() as api, pytest.raises(openai.BadRequestError) as caught:
        api.chat.completions.create(**question("the " * 5000, stream=stream))

    assert "context_length_exceeded" == caught.value.code
    assert "512" in str(caught.value)


def test_an_answer_can_be_made_to_follow_a_schema(daemon):
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with daemon.client() as api:
        answer = api.chat.completions.create(
            model="tsubasa:base",
            messages=[{"role": "user", "content": "yes?"}],
            temperature=0,
            max_tokens=64,
            response_format=wanted,
        )

    assert isinstance(json.loads(answer.choices[0].message.content)["yes"], bool)


def test_the_models_are_listed_with_their_context(daemon):
    with daemon.client() as api:
        found = {one.id: one.model_extra["context_length"] for one in api.models.list()}

    assert 512 == found["tsubasa"]


def test_a_wrong_key_is_refused(daemon):
    with (
        openai.OpenAI(base_url=f"{daemon.running['url']}/v1", api_key="wrong", max_retries=0) as api,
        pytest.raises(openai.AuthenticationError),
    ):
        api.models.list()


def test_a_second_daemon_on_the_home_says_who_has_it(daemon):
    second = daemon.run("up")

    assert 1 == second.returncode
    assert f"process {daemon.running['pid']} at {daemon.running['url']}" in second.stderr
    assert 1 == len(second.stderr.splitlines())


def test_a_port_in_use_is_one_line_with_a_way_out(daemon, tmp_path, model):
    port = str(daemon.running["port"])

    second = Daemon(tmp_path / "other", model, port=port).run("up")

    assert 1 == second.returncode
    assert "TSUBASA_PORT=" in second.stderr
    assert 1 == len(second.stderr.splitlines())


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"GGUF\x03\x00\x00\x00"], ids=repr)
def test_a_missing_or_broken_model_is_one_line(tmp_path, content):
    file = tmp_path / "model.gguf"
    if content is not None:
        file.write_bytes(content)

    tried = Daemon(tmp_path / "home", file).run("up")

    assert 1 == tried.returncode
    assert str(file) in tried.stderr
    assert 1 == len([line for line in tried.stderr.splitlines() if line.startswith("tsubasa: ")])
    assert "Traceback" not in tried.stderr


def test_status_shows_each_setting_and_its_origin(daemon):
    shown = daemon.run("status")

    assert 0 == shown.returncode
    assert "TSUBASA_PORT" in shown.stdout


def test_the_engine_is_killed_and_the_next_question_is_answered(daemon):
    before = ask(daemon, "hi")
    engine = next(child for child in daemon.status()["children"] if child["name"] == "engine")
    os.kill(engine["pid"], signal.SIGKILL)

    assert before == ask(daemon, "hi")


def test_an_engine_killed_in_the_middle_of_an_answer_ends_it_with_an_error_and_keeps_what_was_said(daemon):
    with daemon.client() as api:
        stream = api.chat.completions.create(**question("tell me a tale", stream=True) | {"max_tokens": 400})
        said = next(chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)
        engine = next(child for child in daemon.status()["children"] if child["name"] == "engine")
        os.kill(engine["pid"], signal.SIGKILL)
        with pytest.raises(openai.APIError) as caught:
            for chunk in stream:
                said += chunk.choices[0].delta.content or ""

    with daemon.own() as client:
        kept = [one["text"] for one in client.messages(text=said, k=50)["messages"]]
    assert "engine" in str(caught.value)
    assert said in kept
    assert ask(daemon, "hi")


def test_a_killed_daemon_has_lost_nothing_that_it_answered(tmp_path, model):
    daemon = Daemon(tmp_path / "home", model).start()
    try:
        answer = ask(daemon, "I live in Ghent")
        with daemon.client() as api:
            next(iter(api.chat.completions.create(**question("tell me a story", stream=True))))
            daemon.stop(signal.SIGKILL)

        daemon.start()
        headers = {"authorization": f"Bearer {daemon.key}"}
        found = httpx.get(
            f"{daemon.running['url']}/tsubasa/messages",
            params={"text": "Ghent story"},
            headers=headers,
            trust_env=False,
        ).json()["messages"]
        assert {"I live in Ghent", "tell me a story"} <= {message["text"] for message in found}
        assert answer == ask(daemon, "I live in Ghent")
    finally:
        assert 0 == daemon.stop()
    assert not (tmp_path / "home" / "daemon.json").exists()
