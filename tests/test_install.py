"""What `install.py` installs by hash: the very versions that are tested, each with its archives' hashes."""

import re
import tomllib
from pathlib import Path

import pytest

import install

ROOT = Path(__file__).parents[1]
LISTS = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "hashes").glob("*.txt")}
ENTRY = re.compile(r"^([a-z0-9.-]+)==(\S+)(.*(?:\n .*)*)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?= |$)", re.MULTILINE)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(text):
    return {normal(name): version for name, version, _ in ENTRY.findall(text)}


def named(specs):
    return {normal(re.split(r"[\s<>=!~;\[]", spec)[0]) for spec in specs}


@pytest.mark.parametrize("name", LISTS)
def test_each_package_of_a_list_has_hashes_and_no_list_names_where_it_comes_from(name):
    entries = ENTRY.findall(LISTS[name])

    assert len(entries) > 5
    assert [] == [package for package, _, rest in entries if not HASH.search(rest)]
    assert not re.search(r"://|index-url|find-links", LISTS[name])


@pytest.mark.parametrize("name", LISTS)
def test_the_versions_are_those_that_are_tested(name):
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = {normal(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}
    other = {one: found for one, found in versions(LISTS[name]).items() if tested.get(one, found) != found}

    assert {} == other


def test_the_lists_hold_whatever_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    program = [*project["dependencies"], *extras["offline"], *extras["tray"], *extras["little"]]

    assert set() == named(program) - versions(LISTS["program"]).keys()
    assert set() == named(extras["dev"]) - (versions(LISTS["program"]) | versions(LISTS["dev"])).keys()


def test_what_is_compiled_first_is_one_archive_of_a_known_hash():
    assert ["llama-cpp-python"] == list(versions(install.engine()))
    assert 1 == len(HASH.findall(install.engine()))
