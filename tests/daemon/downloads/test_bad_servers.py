"""Servers that answer nonsense, without an end or with nothing: each is told in one line, and leaves no file."""

import pytest

from daemon.downloads import errors
from tests.daemon.downloads.test_http import located
from tests.daemon.downloads.test_resumable import left_in


@pytest.mark.parametrize("content", [b"", b"GG"], ids=["nothing", "two bytes"])
def test_an_answer_that_is_too_short_for_a_model_is_none(fetch, stand_in, tmp_path, content):
    stand_in.content = content

    with pytest.raises(errors.NoGguf, match="no GGUF file"):
        fetch()

    assert [] == left_in(tmp_path / "models")


@pytest.mark.parametrize("status", [206, 416])
def test_a_range_of_numbers_without_end_is_not_taken_for_one(fetch, stand_in, tmp_path, status):
    digits = "9" * 5000
    stand_in.range = f"bytes 0-{digits}/{digits}" if status == 206 else f"bytes */{digits}"

    with pytest.raises(errors.ConnectionLost):
        fetch()

    assert [] == left_in(tmp_path / "models")


def test_a_server_that_never_ends_is_left_where_the_file_should_end(fetch, stand_in, tmp_path):
    stand_in.length, stand_in.endless = False, True

    with pytest.raises(errors.WrongLength, match=f"instead of {len(stand_in.content):,}"):
        fetch(sha256=stand_in.sha256, told_by="our table", bytes=len(stand_in.content))

    assert fetch.seen[-1].done < len(stand_in.content) + (32 << 20)
    assert [] == left_in(tmp_path / "models")


def test_a_list_that_breaks_off_is_told(stand_in, tmp_path):
    stand_in.cut_after = [5]

    with pytest.raises(errors.ConnectionLost, match="The connection to 127.0.0.1.* broke"):
        located(stand_in, tmp_path)


@pytest.mark.parametrize(
    "listed", [b"[" * 500_000, b'"text"', b"[1]", b"[" + b"9" * 5000 + b"]", b"\xff"], ids=len
)
def test_a_list_that_makes_no_sense_is_told(stand_in, tmp_path, listed):
    stand_in.listed = listed

    with pytest.raises(errors.HubUnreadable, match="no list of files"):
        located(stand_in, tmp_path)


@pytest.mark.parametrize(
    "name", ["\ud800-Q4_K_M.gguf", "\x1b[2J\n-Q4_K_M.gguf", "\u202efugg-Q4_K_M.gguf"], ids=ascii
)
def test_a_file_whose_name_can_not_be_shown_is_passed_over(stand_in, tmp_path, name):
    stand_in.files = [name, "a.gguf", "b.gguf"]

    with pytest.raises(errors.FileNotOffered, match=r"it has a\.gguf, b\.gguf\."):
        located(stand_in, tmp_path)
