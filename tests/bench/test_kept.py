"""What is kept of a bench that was broken off."""

import pytest

from bench.kept import Kept, fingerprint


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept.jsonl"


def test_a_run_finds_what_it_measured_before_by_the_same_recipe(file):
    Kept(file, "a").add({"size": 10})
    Kept(file, "a").add([1, 2])

    assert [{"size": 10}, [1, 2]] == Kept(file, "a").rows()
    assert [] == Kept(file, "b").rows()
    assert fingerprint({"rank": 16}) == fingerprint({"rank": 16}) != fingerprint({"rank": 32})


@pytest.mark.parametrize("line", ["\n", "[]\n", '"a"\n', "{}\n", "null\n", '{"of": "a", "ro'])
def test_what_is_no_row_or_was_cut_short_spoils_no_other(file, line):
    Kept(file, "a").add(1)
    file.write_text(file.read_text() + line)
    Kept(file, "a").add(2)

    assert [1, 2] == Kept(file, "a").rows()


def test_without_a_file_nothing_is_kept(tmp_path):
    Kept(None, "a").add(1)

    assert [] == Kept(None, "a").rows()
    assert [] == list(tmp_path.iterdir())
