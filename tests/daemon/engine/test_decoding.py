"""Text appears whole: no half characters, no beginnings of stop strings."""

import pytest

from daemon.engine.decoding import TextStream


def shown(data, stop=(), size=1):
    stream, pieces = TextStream(stop), []
    for at in range(0, len(data), size):
        pieces.append(stream.push(data[at : at + size]))
        if stream.stopped:
            break
    return [*pieces, stream.rest()]


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
