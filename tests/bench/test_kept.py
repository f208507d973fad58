"""What is kept of a bench that was broken off."""

import pytest

from bench.kept import Kept, fingerprint


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept.jsonl"


def test_a_run_finds_what_it_measured_before(file):
    Kept(file, "a").add({"size": 10})
    Kept(file, "a").add([1, 2])

    assert [{"size": 10}, [1, 2]] == Kept(file, "a").rows()


def test_rows_of_another_recipe_are_none_of_its_own(file):
    Kept(file, "a").add(1)

    assert [] == Kept(file, "b").rows()
    assert fingerprint({"rank": 16}) != fingerprint({"rank": 32})
    assert fingerprint({"rank": 16}) == fingerprint({"rank": 16})


def test_a_row_that_was_cut_short_spoils_no_other(file):
    Kept(file, "a").add(1)
    file.write_text(file.read_text() + '{"of": "a", "ro')
    Kept(file, "a").add(2)

    assert [1, 2] == Kept(file, "a").rows()


@pytest.mark.parametrize("line", ["", "[]", '"a"', "{}", "null"])
def test_what_is_no_row_is_passed_over(file, line):
    file.write_text(line + "\n")

    assert [] == Kept(file, "a").rows()


def test_without_a_file_nothing_is_kept(tmp_path):
    Kept(None, "a").add(1)

    assert [] == Kept(None, "a").rows()
    assert [] == list(tmp_path.iterdir())
