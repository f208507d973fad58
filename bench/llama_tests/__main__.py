"""
llama.cpp's own tests of its server, run against ours: python -m bench.llama_tests [FILE …] [--theirs]

    sdist of llama-cpp-python ──> a copy of the tests in a cache ──> relaxed (chosen.py) ──> pytest, in an environment
    of its own, which starts `server.py` in llama-server's place ──> passed, failed, not applicable

`--theirs` runs them against llama.cpp's server itself.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import xml.etree.ElementTree as Xml
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bench.llama_tests import server
from bench.llama_tests.chosen import CHOSEN, OTHERWISE, RELAXED

ROOT = Path(__file__).parents[2]
INSIDE = "vendor/llama.cpp/tools/server/tests/"
NEEDS = ("pytest", "filelock", "openai", "requests", "wget", "pytest-xdist")  # of what upstream pins


Wanted = Mapping[str, Sequence[str]]  # file of the tests -> names


class Result(NamedTuple):
    """One case."""

    name: str
    failure: str  # "" for one that passed


def main() -> None:
    """Run the chosen tests and tell; the exit status says whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1] if __doc__ else None)
    parser.add_argument("files", nargs="*", help="of the tests, such as test_basic.py")
    parser.add_argument("--theirs", action="store_true", help="against llama.cpp's own server")
    given = parser.parse_args()
    tests = _tests(_cache())
    wanted = {file: CHOSEN[file] for file in given.files or CHOSEN}
    results = _run(tests, _python(_cache(), tests), wanted, theirs=given.theirs)
    sys.exit(_tell(results, wanted))


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tsubasa" / "llama-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tests(cache: Path) -> Path:
    """A fresh copy of the tests, relaxed."""
    wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
    if not list(cache.glob("llama_cpp_python-*.tar.gz")):
        download = ["download", "-q", "--no-deps", "--no-binary", "llama-cpp-python"]
        subprocess.run([sys.executable, "-m", "pip", *download, "-d", cache, wanted], check=True)
    archive = max(cache.glob("llama_cpp_python-*.tar.gz"))
    folder = Path(tempfile.mkdtemp(prefix="tsubasa-llama-tests-"))
    with tarfile.open(archive) as packed:
        for one in packed.getmembers():
            place = one.name.partition("/")[2]
            if place.startswith(INSIDE) and one.isfile():
                one.name = place.removeprefix(INSIDE)
                packed.extract(one, folder, filter="data")
    for file, before, after, _ in RELAXED:
        path = next(folder.rglob(file))
        text = path.read_text(encoding="utf-8")
        if before not in text:
            raise SystemExit(f"{file} of {archive.name} has no {before!r} to relax: look at chosen.py again.")
        path.write_text(text.replace(before, after), encoding="utf-8")
    return folder


def _python(cache: Path, tests: Path) -> Path:
    """An environment with what the tests import, as pinned there."""
    python = cache / "venv" / "bin" / "python"
    if not (cache / "venv" / "made").exists():
        pinned = (tests / "requirements.txt").read_text(encoding="utf-8").split()
        venv.create(cache / "venv", with_pip=True, clear=True)
        needs = [one for one in pinned if one.partition("~")[0] in NEEDS]
        subprocess.run([python, "-m", "pip", "install", "-q", *needs], check=True)
        (cache / "venv" / "made").touch()
    return python


def _run(tests: Path, python: Path, wanted: Wanted, *, theirs: bool) -> list[Result]:
    program, found = tests / "llama-server", tests / "found.xml"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench.llama_tests.server "$@"\n')
    program.chmod(0o700)
    named = [f"unit/{file}::test_{name}" for file, names in wanted.items() for name in names]
    skipped = [f"--deselect=unit/{name}" for name in OTHERWISE]
    homes = tests / "homes"
    homes.mkdir()
    environment = os.environ | {
        "LLAMA_SERVER_BIN_PATH": str(program),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(homes),
        "PORT": "4270",
        "TSUBASA_BENCH_SERVER": "theirs" if theirs else "",
    }
    command = [
        str(python),
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--junitxml={found}",
        "--tb=short",
        "-v",
    ]
    subprocess.run([*command, *skipped, *named], cwd=tests, env=environment, stdout=sys.stderr, check=False)
    server.stop(homes)
    return [_result(case) for case in Xml.parse(found).iter("testcase")]


def _result(case: Xml.Element) -> Result:
    wrong = [one for kind in ("failure", "error", "skipped") for one in case.iter(kind)]
    failure = wrong[0].get("message", "no reason") if wrong else ""
    return Result(f"{case.get('classname', '').removeprefix('unit.')}::{case.get('name')}", failure)


def _tell(results: Sequence[Result], wanted: Wanted) -> int:
    failed = [one for one in results if one.failure]
    for one in failed:
        sys.stdout.write(f"FAILED  {one.name}\n        {one.failure.splitlines()[0][:200]}\n")
    otherwise = {name: why for name, why in OTHERWISE.items() if name.partition("::")[0] in wanted}
    for name, why in otherwise.items():
        sys.stdout.write(f"NOT APPLICABLE  {name}: {why}\n")
    passed = len(results) - len(failed)
    told = f"{passed} passed, {len(failed)} failed, {len(otherwise)} not applicable"
    sys.stdout.write(f"{told}; {len(RELAXED)} assertions about one model or program relaxed\n")
    return int(bool(failed))


if __name__ == "__main__":
    main()
