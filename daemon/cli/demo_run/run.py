"""
One night, end to end, shown to a person: `tsubasa demo`.

    chat over weeks -> memories -> ask -> night -> ask again -> forget -> another night -> ask once more

Promises: every step goes through the HTTP endpoint of a real daemon; what is counted happened; a step that did not
happen ends the demo with an error. Knows nothing of the daemon's insides.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from daemon.cli.demo_run import show
from daemon.cli.demo_run.daemon import DemoFailed, daemon_at_work
from daemon.cli.demo_run.script import CHATS, FORGET, QUESTIONS, Question
from daemon.cli.night import report_of, watch, why_none
from daemon.client.client import Client

MAX_ANSWER_TOKENS = 64
TEND_TIMEOUT_S = 1800.0  # a large model on a small machine reads chats slowly
Answers = list[tuple[str, bool]]


def run(model: Path | None, out: Console) -> dict[str, Any]:
    """
    The whole demo; returns the result that is printed last.

    Raises:
        DemoFailed: a step did not happen.
    """
    began = time.monotonic()
    out.print(
        "[bold]Tsubasa[/] learns a stranger overnight. Everything below is real and runs on this machine only."
    )
    with daemon_at_work(model) as client:
        status = client.status()
        out.print(
            f"[dim]Model: {status['model']['name']}; everything lies in a fresh home that is removed afterwards.[/]"
        )
        turns = _talk(client, out)
        held, ops = _remember(client, out)
        before = _ask_before(client, out)
        night = _night(client, out)
        given = before | _ask_after(client, out, before)
        forgotten = _forget(client, out)
        return {
            "model": status["model"]["name"],
            "turns": turns,
            "memories": len(held),
            "ops": ops,
            "lessons": night["lessons"],
            "night_s": round(night["total_s"], 1),
            "swap_ms": round(night["swap_ms"], 2),
            "correct": {mode: _share(answers) for mode, answers in given.items()},
            "forgotten": forgotten,
            "total_s": round(time.monotonic() - began, 1),
        }


def _talk(client: Client, out: Console) -> int:
    show.heading(
        out,
        1,
        "You chat, over seven weeks",
        "through /v1/chat/completions; every turn is committed before its last chunk is sent",
    )
    turns = 0
    for chat in CHATS:
        history: list[dict[str, str]] = []
        for minute, said in enumerate(chat.said):
            history.append({"role": "user", "content": said})
            extras = {"recall": False, "said_at": f"{chat.day}T12:{minute:02}:00+00:00"}
            reply = _say(client, history, model="tsubasa", tsubasa=extras)
            history.append({"role": "assistant", "content": reply})
            show.turn(out, chat.day, said, reply)
            turns += 2
    return turns


def _remember(client: Client, out: Console) -> tuple[list[dict[str, Any]], dict[str, int]]:
    show.heading(
        out,
        2,
        "The chats go quiet, memories evolve",
        "observe -> evolve (add, update, reconcile, ignore) -> study",
    )
    with out.status("reading the chats …"):
        _tend(client)
    found = client.memories()
    show.memories(out, found["memories"], found["ops"])
    if not found["memories"]:
        raise DemoFailed("the memories", "nothing was found in the chats")
    return found["memories"], found["ops"]


def _ask_before(client: Client, out: Console) -> dict[str, Answers]:
    show.heading(
        out,
        3,
        "Ten personal questions, before the night",
        "the base model alone, then with a few memories beside the question",
    )
    with out.status("asking …"):
        given = {"base": _ask(client, "tsubasa:base"), "recall": _ask(client, "tsubasa")}
    show.answers(out, QUESTIONS, given)
    return given


def _night(client: Client, out: Console) -> dict[str, Any]:
    show.heading(
        out,
        4,
        "The night",
        "lessons -> LoRA by context distillation -> exam on held-out phrasings -> hot swap",
    )
    report = _one_night(client)
    show.exam(out, report)
    if not report["adopted"]:
        raise DemoFailed("the night", f"the exam refused the new generation: {report['reason']}")
    return report


def _ask_after(client: Client, out: Console, before: Mapping[str, Answers]) -> dict[str, Answers]:
    show.heading(
        out,
        5,
        "The same questions, after the night",
        "without any memory in the context: the answers come out of the weights",
    )
    with out.status("asking …"):
        given = {"generation": _ask(client, "tsubasa:private"), "generation_recall": _ask(client, "tsubasa")}
    show.answers(out, QUESTIONS, {"base": before["base"], **given})
    return given


def _forget(client: Client, out: Console) -> bool:
    show.heading(
        out,
        6,
        "Forget one thing",
        "rows, vectors, full text, lessons, and every generation that saw it; the next night starts from base",
    )
    ids = [
        memory["id"]
        for memory in client.memories()["memories"]
        if FORGET.expect.lower() in memory["text"].lower()
    ]
    if not ids:
        raise DemoFailed("forgetting", f"no memory tells of {FORGET.expect}")
    done = client.forget(ids)
    out.print(
        f"  tsubasa forget {' '.join(map(str, ids))}: generation {done['was_live']} is tainted, "
        f"generation {done['now_live']} answers"
    )
    at_once = {"recall": _reply(client, "tsubasa", FORGET)}
    _tend(client)
    report = _one_night(client)
    show.exam(out, report)
    if not report["adopted"]:
        raise DemoFailed(
            "the night after forgetting", f"the exam refused the new generation: {report['reason']}"
        )
    later = {
        "generation": _reply(client, "tsubasa:private", FORGET),
        "generation_recall": _reply(client, "tsubasa", FORGET),
    }
    said = at_once | later
    for mode, text in said.items():
        when = (
            "right after forgetting, with recall"
            if mode == "recall"
            else f"after the next night, {mode.replace('_', ' with ')}"
        )
        out.print(f"  {FORGET.text}  [dim]{when}:[/] {text}")
    rest = [
        _right(question, _reply(client, "tsubasa:private", question))
        for question in QUESTIONS
        if question.expect != FORGET.expect
    ]
    out.print(
        f"  the other questions, from the weights of the new generation: [bold]{sum(rest)} of {len(rest)}[/]"
    )
    return not any(FORGET.expect.lower() in text.lower() for text in said.values())


def _one_night(client: Client) -> dict[str, Any]:
    ordered = client.night()["id"]
    ended = watch(client, ordered)
    report = report_of(ended, ordered)
    if report is None:
        raise DemoFailed("the night", why_none(ended))
    return report


def _tend(client: Client) -> None:
    """Have all chats read, and wait for it."""
    ordered = client.tend(quiet_s=0.0)["id"]
    until = time.monotonic() + TEND_TIMEOUT_S
    while time.monotonic() < until:
        job = client.tended()["job"]
        if job["id"] == ordered and job["state"] == "done":
            return
        if job["state"] == "failed" or job["error"]:
            raise DemoFailed("the memory work", str(job["error"]))
        time.sleep(0.1)
    raise DemoFailed("the memory work", f"it took longer than {TEND_TIMEOUT_S:.0f} s")


def _ask(client: Client, model: str) -> Answers:
    replies = [(question, _reply(client, model, question)) for question in QUESTIONS]
    return [(reply, _right(question, reply)) for question, reply in replies]


def _reply(client: Client, model: str, question: Question) -> str:
    return _say(client, [{"role": "user", "content": question.text}], model=model)


def _say(client: Client, messages: Sequence[Mapping[str, str]], *, model: str, **options: Any) -> str:
    pieces = client.chat(messages, model=model, temperature=0, max_tokens=MAX_ANSWER_TOKENS, **options)
    return "".join(pieces).strip()


def _right(question: Question, reply: str) -> bool:
    low = reply.lower()
    return question.expect.lower() in low and not (question.reject and question.reject.lower() in low)


def _share(answers: Answers) -> float:
    return round(sum(right for _, right in answers) / len(answers), 3)
