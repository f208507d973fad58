"""Text appears whole: no half characters, no beginnings of stop strings, no thoughts."""

import pytest

from daemon.engine.reply_stream import ReplyStream
from daemon.engine.template_traits import Tags

THINK = Tags("<think>", "</think>")


def shown(data, stop=(), size=1):
    stream, pieces = ReplyStream(stop), []
    for at in range(0, len(data), size):
        pieces.append(stream.push(data[at : at + size]).answer)
        if stream.stopped:
            break
    return [*pieces, stream.rest().answer]


def test_a_character_is_held_back_until_it_is_whole():
    assert ["", "", "", "👋", ""] == shown("👋".encode())


def test_half_a_character_at_the_end_is_dropped_and_bytes_that_are_none_are_marked():
    assert "ab" == "".join(shown("ab👋".encode()[:-1]))
    assert "a\ufffdb" == "".join(shown(b"a\xffb"))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_stop_string_and_what_follows_is_never_shown(size):
    assert "one t" == "".join(shown(b"one two three", stop=["wo", "three"], size=size))
    assert "aa" == "".join(shown(b"aaaab", stop=["aab"], size=size))
    assert "" == "".join(shown(b"stop", stop=["stop"], size=size))
    assert "a" == "".join(shown(b"a b c", stop=["c", " b"], size=size))  # the first of several counts


def test_what_looked_like_a_stop_string_is_shown_when_it_was_none():
    assert ["a", "", "", "##c", "", "#"] == shown(b"a##c#", stop=["###"])


def told_apart(data, *, size=1, **options):
    """All that is thought, and all that is answered."""
    stream = ReplyStream(tags=THINK, **options)
    said = [stream.push(data[at : at + size]) for at in range(0, len(data), size)] + [stream.rest()]
    return "".join(one.thought for one in said), "".join(one.answer for one in said)


@pytest.mark.parametrize("size", [1, 2, 5, 200])
@pytest.mark.parametrize(
    ("data", "thinks", "thought", "answer"),
    [
        ("<think>\nHm, é 👋\n\nso.\n</think>\n\nYes: a <b>.", False, "Hm, é 👋\n\nso.", "Yes: a <b>."),
        ("\n<think></think>Yes", False, "", "Yes"),
        ("Hm </thin </think> Yes", True, "Hm </thin", "Yes"),
        ("Hm, and then", True, "Hm, and then", ""),  # it was cut off
        ("Hm </thi", True, "Hm </thi", ""),
        ("<think", False, "", "<think"),
        (" <b> Yes <think>no</think>", False, "", " <b> Yes <think>no</think>"),
        ("<think>stop</think> it stops", False, "stop", "it "),
    ],
)
def test_a_thought_is_no_part_of_the_answer(size, data, thinks, thought, answer):
    stop = ["stops"] if "stops" in data else []

    assert (thought, answer) == told_apart(data.encode(), size=size, thinks=thinks, stop=stop)


def test_without_marks_of_thoughts_all_is_answer_and_a_space_of_the_vocabulary_is_dropped():
    stream = ReplyStream(drop_space=True)

    assert "<think>a b c" == "".join(stream.push(part).answer for part in (b" <think>", b"a", b" b", b" c"))
