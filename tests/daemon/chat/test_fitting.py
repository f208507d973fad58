"""A chat that outgrows the context goes on: memories give way, then the oldest turns; one message alone is refused."""

import pytest

from daemon.chat.fitting import Fitting, shorter
from daemon.chat.prompt_context import Turn, parse_history
from daemon.engine.errors import PromptTooLong
from tests.daemon.api.world import serving
from tests.fakes import FakeEngine


def turn(role, text="x" * 100):
    return Turn(role=role, text=text)


SYSTEM = turn("system", "Be brief.")
CHAT = [SYSTEM, *[turn(role) for _ in range(10) for role in ("user", "assistant")], turn("user", "now?")]


def shown(*turns, lines=()):
    return Fitting(history=parse_history(turns), lines=lines)


def test_what_is_recalled_gives_way_first_and_no_turn_with_it():
    less = shorter(shown(*CHAT, lines=["a"]), PromptTooLong(110, 100))

    assert ((), 0, len(CHAT)) == (less.lines, less.left_out, len(less.history.turns))


@pytest.mark.parametrize("prompt", [101, 200, 1_000, 100_000])
def test_the_oldest_turns_go_at_a_turns_border_and_system_and_question_stay(prompt):
    less = shorter(shown(*CHAT), PromptTooLong(prompt, 100))
    roles = [one.role for one in less.history.turns]

    assert (SYSTEM, CHAT[-1], "user") == (less.history.turns[0], less.history.turns[-1], roles[1])
    assert len(CHAT) == len(roles) + less.left_out
    assert "now?" == less.history.question


def test_of_a_long_work_with_tools_the_newest_result_stays():
    call, output = turn("assistant", "call"), turn("tool")
    work = [turn("user", "do it"), call, output, call, output, call, turn("tool", "done")]
    less = shorter(shown(*work), PromptTooLong(1_000, 100))

    assert ["do it", "call", "done"] == [one.text for one in less.history.turns]
    assert shorter(less, PromptTooLong(1_000, 100)) is None


def test_a_single_message_is_never_cut():
    assert shorter(shown(SYSTEM, turn("user")), PromptTooLong(200, 100)) is None


class SmallEngine(FakeEngine):
    """One whose context holds eight words."""

    async def chat(self, messages, **more):
        count = await self.count(messages)
        if count > 8:
            raise PromptTooLong(count, 8)
        async for piece in super().chat(messages, **more):
            yield piece


async def test_a_chat_that_outgrows_the_context_goes_on_is_kept_whole_and_says_so(tmp_path):
    async with serving(tmp_path, SmallEngine("Yes.")) as world:
        said = [("user", "one two three"), ("assistant", "four five six"), ("user", "seven eight nine")]
        messages = [{"role": role, "content": text} for role, text in said]
        reply = await world.http.post("/v1/chat/completions", json={"model": "tsubasa", "messages": messages})
        alone = await world.chat("a b c d e f g h i")
        kept = await world.rows("select text from messages order by id")

    assert (200, 2) == (reply.status_code, reply.json()["tsubasa"]["left_out"])
    assert [text for _, text in said] + ["Yes."] == [text for (text,) in kept]
    assert (400, "context_length_exceeded") == (alone.status_code, alone.json()["error"]["code"])
