"""`tsubasa chat`: a conversation at a terminal, what can be typed in it, and one question in a script."""

import asyncio
import builtins

import pytest
from typer.testing import CliRunner

from daemon.cli.chat import Conversation
from daemon.cli.main import cli
from daemon.client.client import Client
from tests.daemon.api.world import KEY, serving
from tests.daemon.cli.commands import announce, run
from tests.daemon.cli.terminal import Terminal
from tests.fakes import FakeEngine
from tests.tiny import write_model


async def during(folder, scene, **more):
    """What `scene(world)` gives while a daemon serves `folder`; what was kept; what the engine was asked."""
    async with serving(folder, **more) as world:
        announce(folder, world.url)
        found = await asyncio.to_thread(scene, world)
        kept = await world.rows("select role, text from messages order by id")
        return found, kept, world.engine.requests


async def conversation(folder, monkeypatch, capsys, *lines, after_first=None, **more):
    """What is printed after each of these lines is typed; what was kept; what the engine was asked."""
    printed, loop = [], asyncio.get_running_loop()

    def scene(world):
        typed = iter(lines)

        def type_next(_):
            printed.append(" ".join(capsys.readouterr().out.split()))
            if after_first and len(printed) == 2:
                asyncio.run_coroutine_threadsafe(after_first(world), loop).result()
            try:
                return next(typed)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr(builtins, "input", type_next)
        with Client(world.url, KEY, home=folder) as client:
            Conversation(client, "tsubasa").run()

    _, kept, requests = await during(folder, scene, **more)
    return printed[1:], kept, requests


def at_terminal(folder):
    screen = Terminal("chat", "--home", str(folder), TERM="xterm")
    screen.until("Ctrl-D leaves.")
    screen.until("> ")
    return screen


async def test_a_conversation_goes_on_and_ends_with_ctrl_d(tmp_path):
    def scene(_):
        with at_terminal(tmp_path) as screen:
            first = screen.type("hi\n").until("> ")
            screen.type("and now?\n").until("> ")
            return first, screen.type("\x04").code()

    (first, code), kept, requests = await during(tmp_path, scene)

    assert "Hello." in first
    assert 0 == code
    assert ["user", "assistant", "user"] == [one["role"] for one in requests[1]["messages"]]
    assert [("user", "hi"), ("assistant", "Hello."), ("user", "and now?"), ("assistant", "Hello.")] == kept


async def test_what_is_said_off_the_record_is_kept_nowhere_and_sent_no_more(tmp_path):
    def scene(_):
        with at_terminal(tmp_path) as screen:
            for line in ("hi", "/pri\t", "a secret", "/private", "again"):  # Tab completes a command
                screen.type(line + "\n").until(line.strip())
                screen.until("> ")
            screen.type("\x1b[A").until("again")  # arrow up: what is off the record does not come back
            up = screen.type("\x1b[A").until("private")
            return up, screen.type("\x15/quit\n").code()

    (up, code), kept, requests = await during(tmp_path, scene)

    assert 0 == code
    assert "secret" not in up
    assert ["hi", "Hello.", "again", "Hello."] == [text for _, text in kept]
    assert ["hi", "Hello.", "again"] == [one["content"] for one in requests[2]["messages"]]
    assert ["hi", "Hello.", "a secret"] == [one["content"] for one in requests[1]["messages"]]


async def test_ctrl_c_stops_the_answer_and_not_the_chat(tmp_path):
    engine = FakeEngine("Let ", "me ", "think.")

    def scene(world):
        engine.go_on = asyncio.Event()
        with at_terminal(tmp_path) as screen:
            screen.type("hi\n").until("Let ")
            screen.press_ctrl_c("(stopped)")
            screen.until("> ")
            engine.go_on = None
            screen.type("go on\n").until("think.")
            screen.until("> ")
            screen.press_ctrl_c("(Ctrl-D or /quit leaves)")
            return screen.type("/quit\n").code()

    code, kept, _ = await during(tmp_path, scene, engine=engine)

    assert 0 == code
    assert engine.cancelled.is_set()
    assert ["hi", "Let ", "go on", "Let me think."] == [text for _, text in kept]


async def test_the_arrow_keys_bring_back_what_was_typed_in_other_chats(tmp_path):
    def scene(_):
        shown = run(tmp_path, "chat", "an old question")
        with at_terminal(tmp_path) as screen:
            screen.type("\x1b[A").until("an old question")
        return shown

    shown, _, _ = await during(tmp_path, scene)

    assert "Hello.\n" == shown
    assert [] == [file for file in tmp_path.iterdir() if "history" in file.name]


async def test_why_shows_the_memories_and_the_tokens(tmp_path, monkeypatch, capsys):
    await during(tmp_path, lambda _: run(tmp_path, "memories", "add", "The user's dog is called Rex."))
    short = ("memories", "add", "The user wants short answers.", "--kind", "always")
    await during(tmp_path, lambda _: run(tmp_path, *short))
    (before, _, why), *_ = await conversation(
        tmp_path, monkeypatch, capsys, "/why", "What is my dog called?", "/why"
    )

    assert "Nothing was answered yet." in before
    assert "memory 1 " in why and "The user's dog is called Rex." in why
    assert "The user wants short answers. (always)" in why
    assert "the base model" in why and " 3 written" in why


async def test_what_was_noted_is_shown_with_the_next_answer_and_taken_back_by_undo(
    tmp_path, monkeypatch, capsys
):
    async def note(world):
        await world.remember("The user lives in Ghent.", 1)

    lines = ("I live in Ghent.", "ok", "ok", "/undo", "/undo")
    printed, _, _ = await conversation(tmp_path, monkeypatch, capsys, *lines, after_first=note)

    assert "Noted" not in printed[0]
    assert "Noted: The user lives in Ghent. · /undo 1" in printed[1]
    assert "Noted" not in printed[2]
    assert "Taken back: The user lives in Ghent." in printed[3]
    assert "Taken back" not in printed[4]


async def test_what_can_be_typed_besides_questions_is_not_asked(tmp_path, monkeypatch, capsys):
    wanted = {"/nothing": "/nothing", "/model gpt-9": "'gpt-9'", "/model tsubasa@9": "'tsubasa@9'"}
    wanted |= {"/model": "tsubasa:private", "/new": "new", "/help": "/quit"}
    printed, _, requests = await conversation(tmp_path, monkeypatch, capsys, *wanted)

    assert [] == requests
    assert all(part in one for one, part in zip(printed, wanted.values(), strict=True))


async def test_nothing_of_the_base_model_is_kept_and_private_is_private_there_too(
    tmp_path, monkeypatch, capsys
):
    lines = ("/model tsubasa:base", "hi there", "/private", "/model tsubasa")
    (base, _, private, back), kept, _ = await conversation(tmp_path, monkeypatch, capsys, *lines)

    assert "nothing of it is kept" in base
    assert "Off the record:" in private
    assert "what was not kept is left out" in back
    assert [] == kept


async def test_what_is_piped_in_is_one_question_without_ornament(tmp_path):
    shown, kept, requests = await during(
        tmp_path, lambda _: run(tmp_path, "chat", "--private", text="two\nlines\n")
    )

    assert ("Hello.\n", []) == (shown, kept)
    assert "two\nlines\n" == requests[0]["messages"][-1]["content"]


@pytest.mark.parametrize(
    "words", [["--model", "gpt-4", "hi"], ["--private", "--model", "tsubasa:base", "hi"]]
)
async def test_a_model_that_there_is_not_is_refused_before_anything_is_asked(tmp_path, words):
    shown, _, asked = await during(
        tmp_path, lambda _: CliRunner().invoke(cli, ["chat", *words, "--home", str(tmp_path)])
    )

    assert (2, []) == (shown.exit_code, asked)
    assert "model" in shown.output


async def test_a_model_beside_the_main_one_is_chosen_by_its_name_and_listed(tmp_path, monkeypatch, capsys):
    write_model(tmp_path / "fake.gguf")
    write_model(tmp_path / "coder.gguf", seed=2)
    lines = ("/model coder", "/model coder:private", "/model", "/model codes")
    models = (str(tmp_path / "coder.gguf"),)
    printed, _, _ = await conversation(tmp_path, monkeypatch, capsys, *lines, models=models)

    assert "coder answers from here on." in printed[0]
    assert "coder:private answers from here on, without your memories" in printed[1]
    assert "coder a model beside it" in printed[2]
    assert "'codes' is no model" in printed[3]
