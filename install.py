"""
Make `.venv` and say what happens meanwhile: python3 install.py [dev]; `make` calls it.

Each stage is one line with its time. What pip and the compiler print goes to `.venv/install.log`; the end of that is
shown when a stage fails. An archive that is not the very one that stands in `hashes/` is refused, also of what builds;
only the extras that have no list there are installed by version (`constraints.txt`).
llama.cpp is compiled without the parts that only its own programs need (`install.cmake`).
Standard library only.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent
VENV = ROOT / ".venv"
LOG = VENV / "install.log"
HASHES = ROOT / "hashes"
LAST_LINES = 15  # of the log, shown when a stage fails
WIDTH = 100

COMPILED = re.compile(r"\[(\d+)/(\d+)\]")
DOWNLOADED = re.compile(r"Progress (\d+) of (\d+)")
NAMED = re.compile(r"(?:Collecting|Downloading|Using cached|Building wheel for) (\S+)")


class Failed(Exception):
    """A stage could not be done; the message says what to do."""


def main(extras: list[str]) -> None:
    """The program, unless it is there, then each of `extras`; or one line that says why not."""
    began = time.monotonic()
    try:
        if not (VENV / ".installed").exists():
            check_machine()
            stage("a virtual environment in .venv", make_venv)
            stage("llama.cpp, compiled for this machine", compile_engine)
            stage("all other packages", install_program)
            (VENV / ".installed").touch()
            (VENV / ".installed-little").touch()
        for extra in extras:
            stage(f"packages for [{extra}]", partial(install_extra, extra))
            (VENV / f".installed-{extra}").touch()
    except Failed as error:
        sys.exit(f"Not installed: {error}")
    say(f"Installed in {minutes(time.monotonic() - began)}.\n")


def check_machine() -> None:
    """Raise `Failed` when something is missing that pip would only complain about after minutes."""
    if sys.version_info < (3, 11):
        raise Failed("Python 3.11 or newer is needed. Try: make PYTHON=python3.12")
    if not any(map(shutil.which, ("c++", "g++", "clang++", os.environ.get("CXX") or "c++"))):
        raise Failed("there is no C++ compiler. On Debian: apt install g++. On a Mac: xcode-select --install")


def stage(name: str, work: Callable[[], object]) -> None:
    """Do one part, with one line for it."""
    say(f"  {name} … " + ("" if sys.stdout.isatty() else "\n"))
    began = time.monotonic()
    work()
    say(("\r\033[K" if sys.stdout.isatty() else "") + f"  {name}: {minutes(time.monotonic() - began)}\n")


def make_venv() -> None:
    """A fresh `.venv` with a current pip, and what builds."""
    VENV.mkdir(exist_ok=True)
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(
            f"no virtual environment can be made ({error}). On Debian: apt install python3-venv"
        ) from error
    LOG.write_text("")
    by_hash(HASHES / "build.txt", progress="off")  # the pip that comes with Python may not know "raw"


def compile_engine() -> None:
    """llama-cpp-python, with the tools that are there by then: pip fetches others unasked and unchecked."""
    only = VENV / "engine.txt"
    only.write_text(engine(), encoding="utf-8")
    by_hash(only, "--no-build-isolation", env=compiler_options())


def engine() -> str:
    """The lines of llama-cpp-python in `hashes/program.txt`."""
    listed = (HASHES / "program.txt").read_text(encoding="utf-8")
    found = re.search(r"^llama-cpp-python==.*\n(?:[ #].*\n)*", listed, re.MULTILINE)
    assert found, "hashes/program.txt lists llama-cpp-python"
    return found[0]


def install_program() -> None:
    """What the program needs, and itself."""
    by_hash(HASHES / "program.txt")
    pip("--no-deps", "--no-build-isolation", "-e", ".")


def install_extra(extra: str) -> None:
    """The packages of an extra of `pyproject.toml`."""
    listed = HASHES / f"{extra}.txt"
    if listed.exists():
        by_hash(listed)
    else:
        pip("-c", "constraints.txt", "-e", f".[{extra}]")


def by_hash(listed: Path, *more: str, env: dict[str, str] | None = None, progress: str = "raw") -> None:
    """All that a list of `hashes/` names for this machine, and nothing that it does not."""
    pip("--require-hashes", "--no-deps", *more, "-r", str(listed), env=env, progress=progress)


def compiler_options() -> dict[str, str]:
    """CMAKE_ARGS for llama.cpp; what the user has set comes last, and wins."""
    ours = ["-DLLAVA_BUILD=OFF", f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={ROOT / 'install.cmake'}"]
    return {"CMAKE_ARGS": f"{shlex.join(ours)} {os.environ.get('CMAKE_ARGS', '')}"}


def pip(*arguments: str, env: dict[str, str] | None = None, progress: str = "raw") -> None:
    """`pip install`, its words to the log and its progress to the terminal."""
    command = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--progress-bar",
        progress,
        "-v",
        *arguments,
    ]
    command += ["--no-input", "--disable-pip-version-check"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {shlex.join(command)}\n")
        for step in followed(process.stdout, log.write):
            show(step)
    if process.wait():
        lines = LOG.read_text(encoding="utf-8").splitlines()[-LAST_LINES:]
        shown = "\n".join(f"    {line[:WIDTH]}" for line in lines)
        raise Failed(f"pip could not do it. The end of {LOG}:\n{shown}")


def followed(lines: Iterator[str], log: Callable[[str], object]) -> Iterator[str]:
    """Log every line; yield what a person may see of them: what is fetched, and how far compiling is."""
    name = ""
    for line in lines:
        if downloaded := DOWNLOADED.match(line.strip()):
            done, total = (int(number) // 10**6 for number in downloaded.groups())
            if total:
                yield f"{name}, {done} of {total} MB"
            continue
        log(line)
        if compiled := COMPILED.search(line):
            yield f"file {compiled[1]} of {compiled[2]}"
        elif named := NAMED.match(line.strip()):
            name = named[1].rsplit("/", 1)[-1]
            yield name


def minutes(seconds: float) -> str:
    """For people: 12 s, or 3 min 20 s."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


def show(progress: str) -> None:
    """Behind the stage's name, on a terminal; a log gets none of it."""
    if sys.stdout.isatty():
        say(f"\0337\033[K\033[2m{progress[:60]}\033[0m\0338")


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
