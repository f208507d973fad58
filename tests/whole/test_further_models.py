"""Models beside the main one, in a real daemon with real models: loaded, answering, ended, killed, and back again."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from playwright.sync_api import expect

from tests.daemon.echo import is_alive
from tests.daemon.web.browser import chromium, signed_in
from tests.whole.house import NANO, Daemon, wait_for
from tests.whole.nights import QUIET, say

IDLE_S = 8.0
QUESTION = "What is my sister's name?"


@pytest.fixture(scope="module")
def browser():
    """Chromium; it ends with the module, for no event loop may run beside Playwright's."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """Nano answers, and two copies of it lie beside it: one by its path, one by its bare name in the home."""
    home = tmp_path_factory.mktemp("several") / "home"
    (home / "models").mkdir(parents=True)
    by_path = home.parent / "First-Q8_0.gguf"
    shutil.copy(NANO, by_path)
    shutil.copy(NANO, home / "models" / "second.gguf")
    models = f"{by_path}, second.gguf, {home}/gone.gguf"
    made = Daemon(home, NANO, models=models, idle_s=str(IDLE_S), **QUIET)
    made.log = home.parent / "log"
    yield made.start()
    made.stop()


def process(daemon, name):
    """What the status says of the process of one of them."""
    return next(one for one in daemon.status()["children"] if one["name"] == f"{name} engine")


def long_answer(api, model, on_first=lambda: None):
    """The tokens of an answer of 300, as they stream; `on_first` is called after the first."""
    stream = api.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Hello!"}],
        max_tokens=300,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"ignore_eos": True},
    )
    for place, chunk in enumerate(stream):
        if place == 1:
            on_first()
        if chunk.usage:
            return chunk.usage.completion_tokens
    return None


def test_they_are_listed_and_the_one_that_is_not_there_is_told(daemon):
    with daemon.client() as api:
        listed = [one.id for one in api.models.list()]
    (trouble,) = daemon.status()["attention"]

    assert {"tsubasa", "First-Q8_0", "First-Q8_0:private", "second", "second:base"} <= set(listed)
    assert not [name for name in listed if name.startswith("gone")]
    assert ("model", True) == (trouble["kind"], "gone.gguf': there is no such file" in trouble["what"])
    told = daemon.log.read_text().count("there is no such file")
    assert told == 2  # as a warning, and where it says what answers
    doctor = daemon.run("doctor")
    assert (1, True) == (doctor.returncode, "gone.gguf" in doctor.stdout)


def test_each_answers_by_its_name_as_the_same_model_does_and_leaves_when_nobody_asks(daemon):
    said, pids = {}, []
    with daemon.own() as client:
        for name in ("second", "First-Q8_0"):
            said[name] = say(client, QUESTION, f"{name}:base")
            pids.append(process(daemon, name)["pid"])
        said["tsubasa"] = say(client, QUESTION, "tsubasa:base")
    assert 1 == len(set(said.values())) and all(said.values())
    assert all(pids) and pids[0] != pids[1]

    wait_for(lambda: not any(map(is_alive, pids)), seconds=60)
    with daemon.own() as client:
        assert said["second"] == say(client, QUESTION, "second:base")
    after = process(daemon, "second")
    assert ("ready", 0) == (after["state"], after["restarts"])
    assert after["pid"] not in pids


def test_killed_in_the_middle_of_an_answer_it_is_back_for_the_next_and_the_main_model_answers_on(daemon):
    with daemon.own() as client:
        say(client, QUESTION, "second:private")
    pid = process(daemon, "second")["pid"]

    def kill():
        os.kill(pid, signal.SIGKILL)

    with daemon.client() as api, ThreadPoolExecutor() as threads:
        main = threads.submit(long_answer, api, "tsubasa:private")
        with pytest.raises(openai.APIError, match="killed by signal 9 in the middle"):
            long_answer(api, "second:private", on_first=kill)
        again = threads.submit(long_answer, api, "second:private")

        assert [300, 300, 300] == [main.result(), again.result(), long_answer(api, "tsubasa:private")]
    assert 1 == process(daemon, "second")["restarts"]


def test_the_page_offers_them_and_a_chat_with_one_is_kept(browser, daemon):
    with signed_in(browser, daemon.running["url"], key=daemon.key) as (page, seen):
        page.select_option(".choice", "second")
        page.fill(".composer-field", "My brother is called Pelle.")
        page.keyboard.press("Enter")
        expect(page.locator(".turn.assistant")).to_have_attribute("aria-busy", "false", timeout=120_000)
        said = page.inner_text(".turn.assistant .prose")
        with daemon.own() as client:
            kept = client.past_chat(client.chats()["chats"][0]["id"])["messages"]

    assert ["My brother is called Pelle.", said] == [message["text"].strip() for message in kept]
    assert ("second@0", []) == (kept[-1]["model"], seen.wrong)


def test_what_a_night_taught_answers_from_a_copy_of_the_model_too_and_is_forgotten_there(taught, tmp_path):
    """The copy has the same bytes, so that the generation is one of its own; the night was none of its work."""
    home = tmp_path / "home"
    shutil.copytree(taught, home)
    shutil.copy(NANO, tmp_path / "copy.gguf")
    daemon = Daemon(home, NANO, models=str(tmp_path / "copy.gguf"), **QUIET).start()
    try:
        with daemon.own() as client:
            learned = say(client, QUESTION, "copy", tsubasa={"recall": False})
            same = say(client, QUESTION, "tsubasa", tsubasa={"recall": False})
            listed = client.models()
            (sister,) = [one for one in client.memories()["memories"] if "Priya" in one["text"]]
            client.forget([sister["id"]])
            forgotten = say(client, QUESTION, "copy", tsubasa={"recall": False})
            left = client.models()

        assert "Priya" in learned and learned == same
        assert "copy@1" in listed and "copy@1" not in left
        assert "Priya" not in forgotten
    finally:
        daemon.stop()
