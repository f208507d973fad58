"""`tsubasa chat`, typed at a terminal: a conversation, what can be typed in it, and how it is left."""

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon import home as homes
from daemon.cli.main import cli
from daemon.home import Home, Running
from tests.daemon.api.world import KEY, serving
from tests.fakes import FakeEngine

ROOT = Path(__file__).parents[3]
LONGEST_S = 60


async def at(folder, scene, **more):
    """What `scene(world)` gives, in a thread beside a daemon that has announced itself in `folder`."""

    async with serving(folder, **more) as world:
        home = Home(folder)
        home.api_key.write_text(KEY)
        homes.announce(home, Running(pid=1, port=1, url=world.url))
        found = await asyncio.to_thread(scene, world)
        kept = await world.rows("select role, text from messages order by id")
        return found, kept, world.engine.requests


class Terminal:
    """`tsubasa chat` at a pseudo-terminal."""

    def __init__(self, folder, *words):
        ours, theirs = pty.openpty()
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "daemon", "chat", *words, "--home", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        self._file = ours
        self._seen = ""

    def type(self, text):
        os.write(self._file, text.encode())

    def press_ctrl_c(self):
        os.killpg(self._process.pid, signal.SIGINT)

    def until(self, wanted):
        """What came up to `wanted`; fails when it does not come."""
        end = time.monotonic() + LONGEST_S
        while wanted not in self._seen:
            assert time.monotonic() < end, f"{wanted!r} did not come; this did: {self._seen!r}"
            if select.select([self._file], [], [], 0.1)[0]:
                self._seen += self._read()
        before, _, self._seen = self._seen.partition(wanted)
        return before

    def _read(self):
        try:
            return os.read(self._file, 4096).decode(errors="replace")
        except OSError:  # the program has left
            return ""

    def left(self):
        return self._process.wait(LONGEST_S)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._file)


@contextmanager
def terminal(folder, *words):
    made = Terminal(folder, *words)
    try:
        made.until("Ctrl-D leaves.")
        made.until("> ")
        yield made
    finally:
        made.close()


async def test_a_conversation_goes_on_and_ends_with_ctrl_d(tmp_path):
    def scene(_):
        with terminal(tmp_path) as screen:
            screen.type("hi\n")
            first = screen.until("> ")
            screen.type("and now?\n")
            screen.until("> ")
            screen.type("\x04")
            return first, screen.left()

    (first, code), kept, requests = await at(tmp_path, scene)

    assert "Hello." in first
    assert 0 == code
    assert ["user", "assistant", "user"] == [one["role"] for one in requests[1]["messages"]]
    assert [("user", "hi"), ("assistant", "Hello."), ("user", "and now?"), ("assistant", "Hello.")] == kept


async def test_what_is_said_off_the_record_is_kept_nowhere_and_sent_no_more(tmp_path):
    def scene(_):
        with terminal(tmp_path) as screen:
            for line in ("hi\n", "/private\n", "a secret\n", "/private\n", "again\n"):
                screen.type(line)
                screen.until(line.strip())
                screen.until("> ")
            screen.type("\x1b[A")  # arrow up: what is off the record does not come back
            screen.until("again")
            screen.type("\x1b[A")
            up = screen.until("private")
            screen.type("\x15/quit\n")
            return up, screen.left()

    (up, code), kept, requests = await at(tmp_path, scene)

    assert 0 == code
    assert "secret" not in up
    assert ["hi", "Hello.", "again", "Hello."] == [text for _, text in kept]
    assert ["hi", "Hello.", "again"] == [one["content"] for one in requests[2]["messages"]]
    assert ["hi", "Hello.", "a secret"] == [one["content"] for one in requests[1]["messages"]]


async def test_ctrl_c_stops_the_answer_and_not_the_chat(tmp_path):
    engine = FakeEngine("Let ", "me ", "think.")

    def scene(world):
        engine.go_on = asyncio.Event()
        with terminal(tmp_path) as screen:
            screen.type("hi\n")
            screen.until("Let ")
            screen.press_ctrl_c()
            screen.until("(stopped)")
            screen.until("> ")
            engine.go_on = None
            screen.type("go on\n")
            screen.until("think.")
            screen.until("> ")
            time.sleep(0.5)  # Python sees a signal between the prompt and the read only at the next key
            screen.press_ctrl_c()
            screen.until("(Ctrl-D or /quit leaves)")
            screen.type("/quit\n")
            return screen.left()

    code, kept, _ = await at(tmp_path, scene, engine=engine)

    assert 0 == code
    assert engine.cancelled.is_set()
    assert ["hi", "Let ", "go on", "Let me think."] == [text for _, text in kept]


async def test_why_tells_the_memories_and_the_tokens(tmp_path):
    def scene(world):
        added = CliRunner().invoke(
            cli, ["memories", "add", "The user's dog is called Rex.", "--home", str(tmp_path)]
        )
        assert 0 == added.exit_code
        with terminal(tmp_path) as screen:
            screen.type("/why\n")
            before = screen.until("> ")
            screen.type("What is my dog called?\n")
            screen.until("Hello.")
            screen.type("/why\n")
            screen.until("memory    1")
            return before, screen.until("tsubasa why 1")

    (before, why), _, _ = await at(tmp_path, scene)

    assert "Nothing was answered yet." in before
    assert "The user's dog is called Rex." in why
    assert "answered by the base model; " in why
    assert " 3 written" in why


async def test_other_words_with_a_slash_are_told_and_not_asked(tmp_path):
    def scene(_):
        with terminal(tmp_path) as screen:
            told = []
            for line in ("/nothing", "/model gpt-9", "/model tsubasa@9", "/model", "/new", "/help"):
                screen.type(line + "\n")
                screen.until(line)
                told.append(screen.until("> "))
            return told

    told, _, requests = await at(tmp_path, scene)

    assert [] == requests
    for part, wanted in zip(
        told,
        ("no /nothing", "'gpt-9' is no model", "'tsubasa@9' is no model", "tsubasa:private", "new", "/quit"),
        strict=True,
    ):
        assert wanted in part


async def test_the_base_model_is_left_without_a_word_of_the_record_and_private_is_private_beside_it_too(
    tmp_path,
):
    def scene(_):
        with terminal(tmp_path) as screen:
            told = []
            for line in ("/model tsubasa:base", "hi there", "/private", "/model tsubasa"):
                screen.type(line + "\n")
                screen.until(line)
                told.append(screen.until("> "))
            return told

    (base, _, private, back), kept, _ = await at(tmp_path, scene)

    assert "answers from here on, without your memories; nothing of it is kept" in " ".join(base.split())
    assert "Off the record:" in private
    assert "what was not kept is left out" in " ".join(back.split())
    assert "record" not in back
    assert [] == kept


async def test_the_arrow_keys_bring_back_what_was_typed_in_other_chats(tmp_path):
    def scene(_):
        run = CliRunner().invoke(cli, ["chat", "an old question", "--home", str(tmp_path)])
        with terminal(tmp_path) as screen:
            screen.type("\x1b[A")
            screen.until("an old question")
        return run.output

    told, _, _ = await at(tmp_path, scene)

    assert "Hello.\n" == told
    assert [] == [file for file in tmp_path.iterdir() if "history" in file.name]


async def test_tab_completes_what_begins_with_a_slash(tmp_path):
    def scene(_):
        with terminal(tmp_path) as screen:
            screen.type("/pri\t\n")
            return screen.until("nothing is kept")

    told, _, requests = await at(tmp_path, scene)

    assert "/private" in told
    assert [] == requests


async def test_what_is_piped_in_is_one_question_without_ornament(tmp_path):
    def scene(_):
        return (
            CliRunner()
            .invoke(cli, ["chat", "--home", str(tmp_path), "--private"], input="two\nlines\n")
            .stdout
        )

    told, kept, requests = await at(tmp_path, scene)

    assert ("Hello.\n", []) == (told, kept)
    assert "two\nlines\n" == requests[0]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--model", "gpt-4", "hi"], "'gpt-4' is no model"),
        (["--private", "--model", "tsubasa:base", "hi"], "--private goes with no other model"),
    ],
)
def test_a_model_that_there_is_not_is_refused_before_anything_is_asked(tmp_path, words, wanted):
    shown = CliRunner().invoke(cli, ["chat", *words, "--home", str(tmp_path)])

    assert 2 == shown.exit_code
    assert wanted in " ".join(shown.output.split())
