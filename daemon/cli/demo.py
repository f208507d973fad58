"""
`tsubasa demo`: one night, end to end, shown to a person in a few minutes.

    chat over weeks -> memories -> ask -> night -> ask again -> forget -> another night -> ask once more

Every step goes through the HTTP endpoint of a real daemon; a step that did not happen ends the demo with an error.
The daemon runs in a fresh temporary home that is removed afterwards; the user's own is not touched. Nano is told a life
in plain sentences, any other model a livelier one (`demo_stories.py`).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from daemon import home as homes
from daemon.cli.demo_stories import LIVELY, PLAIN, Question, Story
from daemon.cli.night import report_of, watch, why_none
from daemon.cli.output import out, wait_for_job
from daemon.client.client import Client, connect
from daemon.client.schemas.nights import LastNight
from daemon.config.default_model import LITTLE, NANO, shipped_skills
from daemon.downloads.model_source import Skilled, read_source
from daemon.errors import DaemonError
from daemon.text import counted

MAX_ANSWER_TOKENS = 64  # of a personal question
OP_COLOURS = {"ADD": "green", "UPDATE": "cyan", "RECONCILE": "magenta", "IGNORE": "bright_black"}
MODES = {
    "base": "before: no memory",
    "recall": "before: recall",
    "generation": "after: no memory",
    "generation_recall": "after: recall",
}
Answers = list[tuple[str, bool]]  # each reply, and whether it is right
MISSES = 8  # shown of a night that was refused
START_TIMEOUT_S = 600.0  # a large model on a slow disk


def demo(
    model: Annotated[
        Path | None,
        typer.Option(help='"little", or a GGUF file of a model that can learn; without it the bundled nano.'),
    ] = None,
) -> None:
    """Show one night, end to end: chats, memories, distillation, hot swap, forgetting. For example: tsubasa demo"""
    for number in (signal.SIGTERM, signal.SIGHUP):  # the terminal was closed: nothing of it stays behind
        signal.signal(number, _end)
    result = run(model)
    missing = shortcomings(result)
    for one in missing:
        out.print(f"[red]Not as promised:[/] {one}")
    if model is None and shipped_skills().is_file():
        out.print(f"The same night on a small model that talks: [bold]make demo MODEL={LITTLE}[/]")
    out.print("RESULT " + json.dumps(result), markup=False)
    if missing:
        raise typer.Exit(1)


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def shortcomings(result: Mapping[str, Any]) -> list[str]:
    """What the demo was to show and did not; a first night that was not adopted has ended it before."""
    correct = result["correct"]
    found = []
    if correct["generation"] <= correct["base"]:
        found.append("the new generation knows no more than the base model")
    if result["forgotten"] is not True:
        found.append("what was forgotten was still said")
    if not result["taught_again"]:
        found.append("the exam refused the night after forgetting, so that the rest is known by recall alone")
    return found


def run(model: Path | None) -> dict[str, Any]:
    """The whole demo; the result that is printed last. Raises `DemoFailed` for a step that did not happen."""
    began = time.monotonic()
    out.print(
        "[bold]Tsubasa[/] learns a stranger overnight. Everything below is real and runs on this machine only."
    )
    story = PLAIN if model in (None, Path(NANO)) else LIVELY
    with demo_daemon(model) as client:
        name = client.status()["model"]["name"]
        out.print(f"[dim]Model: {name}; everything lies in a fresh home that is removed afterwards.[/]")
        turns = _talk(client, story)
        memories, ops = _remember(client)
        before = _ask_before(client, story)
        night = _learn(client)
        answers = before | _ask_after(client, story, before)
        forgotten, taught_again = _forget(client, story)
        return {
            "model": name,
            "turns": turns,
            "memories": memories,
            "ops": ops,
            "lessons": night["lessons"],
            "night_s": round(night["total_s"], 1),
            "swap_ms": round(night["swap_ms"] or 0.0, 2),
            "correct": {mode: _share(given) for mode, given in answers.items()},
            "forgotten": forgotten,
            "taught_again": taught_again,
            "total_s": round(time.monotonic() - began, 1),
        }


def _talk(client: Client, story: Story) -> int:
    """All chats; how many messages that are."""
    _heading(
        "1  You chat, over seven weeks",
        "through /v1/chat/completions; every turn is committed before its last chunk is sent",
    )
    turns = 0
    for chat in story.chats:
        history: list[dict[str, str]] = []
        for minute, said in enumerate(chat.said):
            history.append({"role": "user", "content": said})
            extras = {"recall": False, "said_at": f"{chat.day}T12:{minute:02}:00+00:00"}
            reply = _say(client, history, model="tsubasa", max_tokens=story.longest, tsubasa=extras)
            history.append({"role": "assistant", "content": reply})
            out.print(f"  [dim]{chat.day}[/]  [bold cyan]you[/]      {escape(said)}")
            out.print(f"              [bold yellow]tsubasa[/]  {escape(reply)}")
            turns += 2
        out.print()
    return turns


def _remember(client: Client) -> tuple[int, dict[str, int]]:
    """Have the chats read; how many memories hold, and the operations that made them."""
    _heading(
        "2  The chats go quiet, memories evolve",
        "observe -> evolve (add, update, reconcile, ignore) -> lessons",
    )
    with out.status("reading the chats …"):
        _tend(client)
    found = client.memories()
    table = Table(box=None, padding=(0, 2), show_header=False)
    for memory in found["memories"]:
        table.add_row(f"[dim]{memory['id']}[/]", escape(memory["narrative"]))
    out.print(table)
    ops = sorted(found["ops"].items())
    out.print("  ops: " + "   ".join(f"[{OP_COLOURS.get(op, 'white')}]{op} {n}[/]" for op, n in ops))
    if not found["memories"]:
        raise DemoFailed("the memories", "nothing was found in the chats")
    return len(found["memories"]), found["ops"]


def _ask_before(client: Client, story: Story) -> dict[str, Answers]:
    _heading(
        "3  Ten personal questions, before the night",
        "the base model alone, then with a few memories beside the question",
    )
    with out.status("asking …"):
        given = {
            name: _ask(client, model, story)
            for name, model in (("base", "tsubasa:base"), ("recall", "tsubasa"))
        }
    _show_answers(story, given)
    return given


def _learn(client: Client) -> LastNight:
    _heading(
        "4  The night", "lessons -> LoRA by context distillation -> exam on held-out phrasings -> hot swap"
    )
    report = _one_night(client, "the night")
    if not report["adopted"]:
        raise DemoFailed("the night", f"the exam refused the new generation: {report['reason']}")
    return report


def _ask_after(client: Client, story: Story, before: Mapping[str, Answers]) -> dict[str, Answers]:
    _heading(
        "5  The same questions, after the night",
        "without any memory in the context: the answers come out of the weights",
    )
    with out.status("asking …"):
        models = {"generation": "tsubasa:private", "generation_recall": "tsubasa"}
        given = {name: _ask(client, model, story) for name, model in models.items()}
    _show_answers(story, {"base": before["base"], **given})
    return given


def _forget(client: Client, story: Story) -> tuple[bool, bool]:
    """Whether what was forgotten is said no more, at once and after another night; and whether that was adopted."""
    _heading(
        "6  Forget one thing",
        "rows, vectors, full text, lessons, and every generation that saw it; the next night starts from base",
    )
    ids = [one["id"] for one in client.memories()["memories"] if _mentions(one["text"], story.forget.expect)]
    if not ids:
        raise DemoFailed("forgetting", f"no memory tells of {story.forget.expect}")
    done = client.forget(ids)
    out.print(
        f"  tsubasa forget {' '.join(map(str, ids))}: generation {done['was_live']} is tainted, "
        f"generation {done['now_live']} answers"
    )
    said = {"right after forgetting, recall": _reply(client, "tsubasa", story.forget)}
    _tend(client)
    adopted = _one_night(client, "the night after forgetting")["adopted"]
    said["after the next night, no memory"] = _reply(client, "tsubasa:private", story.forget)
    said["after the next night, recall"] = _reply(client, "tsubasa", story.forget)
    for when, text in said.items():
        out.print(f"  {story.forget.text}  [dim]{when}:[/] {text}")
    others = [one for one in story.questions if one.expect != story.forget.expect]
    model, source = ("tsubasa:private", "weights") if adopted else ("tsubasa", "memories, by recall")
    right = sum(_is_right(one, _reply(client, model, one)) for one in others)
    out.print(f"  the other questions, from the {source}: [bold]{right} of {len(others)}[/]")
    return not any(_mentions(text, story.forget.expect) for text in said.values()), adopted


def _one_night(client: Client, step: str) -> LastNight:
    """The report of a night that is run now, and shown. Raises `DemoFailed` when it has none."""
    ordered = client.night()["id"]
    ended = watch(client, ordered)
    report = report_of(ended, ordered)
    if report is None:
        raise DemoFailed(step, why_none(ended))
    verdict = f"[green]generation {report['generation']} is live" if report["adopted"] else "[red]refused"
    out.print(f"  exam: [bold]{verdict}[/][/]: {escape(report['reason'])}")
    swap = "" if report["swap_ms"] is None else f", swapped in {report['swap_ms']:.1f} ms while serving"
    lessons = counted(report["lessons"], "lesson")
    out.print(f"  {lessons}, {report['train_s']:.0f} s of training, {report['total_s']:.0f} s in all{swap}")
    if not report["adopted"]:
        _show_missed(client, report["generation"])
    return report


def _show_missed(client: Client, generation: int | None) -> None:
    """What a refused generation answered wrongly in the exam, what refuses by itself first."""
    missed = client.generation(generation)["missed"] if generation is not None else []
    for one in sorted(missed, key=lambda miss: miss["part"] != "canary")[:MISSES]:
        out.print(f"  {one['part']:<12} {escape(one['question'])}  [dim]->[/] {escape(one['said'])}")


def _tend(client: Client) -> None:
    """Have all chats read, and wait for it."""
    ordered = client.tend(quiet_s=0.0)["id"]
    job = wait_for_job(client.tended, ordered)["job"]
    if job is None or job["state"] != "done":
        raise DemoFailed("the memory work", str(job and job["error"]))


def _ask(client: Client, model: str, story: Story) -> Answers:
    replies = [(question, _reply(client, model, question)) for question in story.questions]
    return [(reply, _is_right(question, reply)) for question, reply in replies]


def _reply(client: Client, model: str, question: Question) -> str:
    return _say(client, [{"role": "user", "content": question.text}], model=model)


def _say(client: Client, messages: Sequence[Mapping[str, str]], *, model: str, **options: Any) -> str:
    asked = {"max_tokens": MAX_ANSWER_TOKENS, **options}
    pieces = client.chat(messages, model=model, temperature=0, **asked)
    return "".join(pieces).strip()


def _is_right(question: Question, reply: str) -> bool:
    return _mentions(reply, question.expect) and not (question.reject and _mentions(reply, question.reject))


def _mentions(text: str, words: str) -> bool:
    return words.lower() in text.lower()


def _share(answers: Answers) -> float:
    return round(sum(right for _, right in answers) / len(answers), 3)


def _heading(title: str, note: str) -> None:
    out.print()
    out.print(Rule(f"[bold]{title}", align="left", style="bright_blue"))
    out.print(f"[dim]{escape(note)}[/]")


def _show_answers(story: Story, given: Mapping[str, Answers]) -> None:
    """A row for each question, a column for each way of asking, right answers in green."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in ("question", *(MODES[mode] for mode in given)):
        table.add_column(name)
    for question, *answers in zip(story.questions, *given.values(), strict=True):
        cells = [f"[{'green' if right else 'red'}]{escape(text)}[/]" for text, right in answers]
        table.add_row(escape(question.text), *cells)
    totals = [
        f"[bold]{sum(right for _, right in answers)} of {len(answers)}[/]" for answers in given.values()
    ]
    table.add_row("[bold]right[/]", *totals)
    out.print(table)


class DemoFailed(DaemonError):
    """A step of the demo did not happen."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"The demo stopped at {step}: {why}")


@contextmanager
def demo_daemon(model: Path | None) -> Iterator[Client]:
    """
    A client for a daemon that serves `model` (None: nano) and reads chats only when asked.

    Raises:
        DemoFailed: it did not start; its own words are in the message.
        PullError: little could not be made.
    """
    folder = Path(tempfile.mkdtemp(prefix="tsubasa-demo-"))
    log = folder / "daemon.log"
    try:
        if model == Path(LITTLE):
            _make_little(homes.Home(folder / "home"))
        with log.open("wb") as output:
            command = [sys.executable, "-m", "daemon", "up"]
            process = subprocess.Popen(command, env=_environment(folder, model), stdout=output, stderr=output)
        try:
            with _client(folder, process, log) as client:
                yield client
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_little(home: homes.Home) -> None:
    from daemon.downloads.little import make  # with what else downloads take

    source = read_source(LITTLE)
    assert isinstance(source, Skilled), "the table says so"
    with out.status("merging little's skills into its base …"):
        homes.prepare(home)
        make(source, home, on_progress=lambda name, step: None, look=lambda file: None)


def _environment(folder: Path, model: Path | None) -> dict[str, str]:
    ours = {
        "HOME": str(folder / "home"),
        "PORT": "0",
        "KEYRING": "file",
        "OBSERVE": "false",
        "NIGHT": "false",
        "JOBS_EVERY_S": "0.2",
    }
    if model is not None:
        ours["MODEL"] = str(model if model in (Path(NANO), Path(LITTLE)) else model.absolute())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TSUBASA_")}
    return inherited | {f"TSUBASA_{name}": value for name, value in ours.items()} | {"PYTHONUNBUFFERED": "1"}


def _client(folder: Path, process: "subprocess.Popen[bytes]", log: Path) -> Client:
    home = homes.where({}, folder / "home")
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raise DemoFailed(
                "the start of the daemon", lines[-1] if lines else f"exit code {process.returncode}"
            )
        if homes.running(home) is not None:
            return connect(home)
        time.sleep(0.1)
    raise DemoFailed("the start of the daemon", f"it did not answer within {START_TIMEOUT_S:.0f} s")
