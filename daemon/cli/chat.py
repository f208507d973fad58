"""
`tsubasa chat`: talk in the terminal, line by line; or ask one thing in a script.

    a line ──> /why /undo /private /model /new /help /quit
        `────> the daemon ──> the answer, piece by piece; Ctrl-C stops it and not the conversation

What was said off the record is in no later request that is kept, and comes back under no arrow key. No file is
written: earlier lines come out of the store.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from daemon.chat.model_names import MAIN, PRIVATE, ModelChoice, parse_model_name
from daemon.cli.output import HomeFlag, daemon_at, out
from daemon.client.schemas.chats import AnswerOrigin, Chunk, Noted, Usage
from daemon.errors import Refused
from daemon.text import shorten, who_answers

if TYPE_CHECKING:
    from daemon.client.client import Client

LONGEST_LINE = 1000  # characters of what the arrow keys bring back
HELP = {
    "/why": "which memories were recalled for the last answer, and what it took",
    "/undo": "take back what was noted last, or an operation by its number",
    "/private": "off the record, and back: nothing of it is kept",
    "/model NAME": "who answers: tsubasa, tsubasa@2 (generation 2), tsubasa:base",
    "/new": "begin a new conversation",
    "/help": "this list",
    "/quit": "leave; so does Ctrl-D",
}


def chat(
    question: Annotated[
        str | None, typer.Argument(help="Ask this one thing and leave.", show_default=False)
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="tsubasa, tsubasa@N (generation N), tsubasa:base, tsubasa:private, or one beside it by its name."
        ),
    ] = "tsubasa",
    private: Annotated[
        bool, typer.Option("--private", help="Keep nothing of it; the same as --model tsubasa:private.")
    ] = False,
    home_flag: HomeFlag = None,
) -> None:
    """
    Talk to your assistant.

    Without a question it is a conversation: /help lists what can be typed in it, Ctrl-C stops an answer, Ctrl-D leaves.
    The arrow keys bring back what you typed before, out of the encrypted store. What is piped in is one question.

    For example: tsubasa chat "Where did I leave my bicycle?"
    """
    if private and model not in ("tsubasa", PRIVATE):
        raise typer.BadParameter("--private goes with no other model: it is one, tsubasa:private.")
    with daemon_at(home_flag) as client:
        conversation = Conversation(client, PRIVATE if private else model)
        if question is None and not sys.stdin.isatty():
            question = sys.stdin.read()
        if question is None:
            conversation.run()
        elif question.strip():
            conversation.answer(question)


class Conversation:
    """One conversation with one daemon."""

    def __init__(self, client: "Client", model: str) -> None:
        """Raises `typer.BadParameter` for a model that there is not."""
        self._client = client
        self._further: list[str] | None = None  # names of models beside the main one, once they are asked for
        asked = self._asks(model)
        if not asked.known:
            there = ["tsubasa", "tsubasa@N", "tsubasa:base", PRIVATE, *(self._further or [])]
            raise typer.BadParameter(f"{model!r} is no model. There are: {', '.join(there)}.")
        self._model = self._kept_model = PRIVATE if asked.private and not asked.further else model
        self._messages: list[dict[str, str]] = []
        self._kept = 0  # how many of them were said on the record
        self._last: AnswerOrigin | None = None  # what the daemon says of the last answer
        self._usage: Usage | None = None
        self._noted: list[Noted] = []  # that was shown and not taken back
        self._commands: dict[str, Callable[[str], None]] = {
            "/why": self._why,
            "/undo": self._undo,
            "/private": self._private,
            "/model": self._use,
            "/new": self._new,
            "/help": self._help,
        }

    def run(self) -> None:
        """Ask for lines until the person leaves."""
        lines = Lines(self._client.typed())
        out.print("[dim]Type a question, or /help. Ctrl-C stops an answer, Ctrl-D leaves.[/]")
        while (line := lines.read(self._prompt, remember=not self._is_private)) is not None:
            word, _, rest = line.partition(" ")
            if word in ("/quit", "/exit"):
                return
            if word in self._commands:
                self._commands[word](rest.strip())
            elif line.startswith("/") and "/" not in line[1:]:
                out.print(f"There is no {escape(word)}. /help lists what there is.")
            elif line:
                self._answer_or_complain(line)

    def answer(self, question: str) -> None:
        """Ask, and print the answer while it comes; raises what the daemon refuses it for."""
        self._messages.append({"role": "user", "content": question})
        said = ""
        chunks = self._client.chunks(self._messages, model=self._model)
        try:
            for chunk in chunks:
                self._note(chunk)
                piece = "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
                out.print(piece, end="", markup=False)
                said += piece
                if not said and any(choice["finish_reason"] == "length" for choice in chunk["choices"]):
                    out.print(
                        "It was still thinking when it reached the longest answer allowed (max_tokens)."
                    )
        except BaseException:
            if not said:
                self._messages.pop()  # it was never asked
            raise
        finally:
            chunks.close()  # an answer that is not read on is stopped, and kept as far as it came
            if said:
                self._messages.append({"role": "assistant", "content": said})
                out.print()
            if not self._is_private:
                self._kept = len(self._messages)

    @property
    def _is_private(self) -> bool:
        return not self._asks(self._model).kept

    def _asks(self, name: str) -> ModelChoice:
        """What a name asks for; the daemon is asked which models it has besides, once, where it is none of ours."""
        found = parse_model_name(name)
        if name == PRIVATE or (found.known and not found.private):
            return found
        if self._further is None:
            names = self._client.models()
            self._further = [one for one in names if f"{one}:private" in names and one != MAIN]
        return parse_model_name(name, further=self._further)

    @property
    def _prompt(self) -> str:
        if self._model == PRIVATE:
            return "off the record> "
        return "> " if self._model == "tsubasa" else f"{self._model}> "

    def _answer_or_complain(self, question: str) -> None:
        try:
            self.answer(question)
            self._show_noted()
        except KeyboardInterrupt:
            out.print("[dim](stopped)[/]")
        except Refused as error:
            out.print(f"[red]{escape(str(error))}[/]")

    def _show_noted(self) -> None:
        """What was noted of this conversation since the answer before."""
        for one in self._last["noted"] if self._last else []:
            if one["event_id"] in [shown["event_id"] for shown in self._noted]:
                continue
            self._noted.append(one)
            was = f" (before: {one['was']})" if one["was"] else ""
            line = escape(f"Noted: {one['text']}{was} · /undo {one['event_id']}")
            out.print(f"[dim]{line}[/]")

    def _undo(self, number: str) -> None:
        if number and not number.isdecimal():
            out.print(f"{escape(repr(number))} is no number of an operation.")
        elif not number and not self._noted:
            out.print("Nothing was noted in this conversation. All operations: tsubasa memories history ID")
        else:
            event = int(number) if number else self._noted[-1]["event_id"]
            try:
                done = self._client.undo(event=event)
            except Refused as error:
                out.print(f"[red]{escape(str(error))}[/]")
                return
            self._noted = [one for one in self._noted if one["event_id"] != event]
            again = f"; held again: {done['restored']['text']}" if done["restored"] else ""
            out.print(escape(f"Taken back: {done['event']['text']}{again}"))

    def _note(self, chunk: Chunk) -> None:
        if "tsubasa" in chunk:
            self._last, self._usage = chunk["tsubasa"], None
        if "usage" in chunk:
            self._usage = chunk["usage"]

    def _why(self, _: str) -> None:
        if self._last is None:
            out.print("Nothing was answered yet.")
            return
        last = self._last
        for memory_id in last["memories"]:
            try:
                memory = self._client.why(memory_id)["memory"]
                mark = "" if memory["kind"] == "fact" else f" ({memory['kind']})"
                line = f"{memory['narrative']}{mark}"
            except Refused as error:  # it was forgotten since, say
                line = str(error)
            out.print(f"  [dim]memory {memory_id:>4}[/]  {escape(line)}")
        for message_id in last["messages"]:
            out.print(f"  [dim]message {message_id:>3}[/]  {escape(self._quoted(message_id))}")
        if not last["memories"] and not last["messages"]:
            out.print("  no memory was recalled: it came from the model alone")
        tokens = f"{last['recall_tokens']} tokens of memories"
        if usage := self._usage:
            tokens = f"{usage['prompt_tokens']} tokens read ({tokens}), {usage['completion_tokens']} written"
        out.print(f"  answered by {who_answers(last['generation'])}; {tokens}")
        if last["memories"]:
            out.print(f"  [dim]what a memory was drawn from: tsubasa why {last['memories'][0]}[/]")

    def _quoted(self, message_id: int) -> str:
        try:
            return shorten(self._client.message(message_id)["message"]["text"])
        except Refused as error:
            return str(error)

    def _private(self, _: str) -> None:
        if self._model == PRIVATE:
            gone = "; what was said off it is left out from here on" if self._drop_unkept() else ""
            self._model = self._kept_model if self._asks(self._kept_model).kept else MAIN
            out.print(f"On the record again{gone}.")
        else:
            self._model = PRIVATE
            out.print("[bold]Off the record:[/] nothing is kept and no memory is used, until /private again.")

    def _drop_unkept(self) -> bool:
        """Leave out of the conversation what was not kept; whether there was anything."""
        dropped = len(self._messages) > self._kept
        del self._messages[self._kept :]
        return dropped

    def _use(self, name: str) -> None:
        if not name:
            self._list_models()
            return
        asked = self._asks(name)
        if not asked.known or name not in self._client.models():
            out.print(f"{escape(repr(name))} is no model that can answer. /model lists those that there are.")
            return
        note = "" if asked.kept else ", without your memories; nothing of it is kept"
        if asked.kept and self._is_private and self._drop_unkept():
            note = "; what was not kept is left out of the conversation"
        self._kept_model = name if asked.kept else self._kept_model
        self._model = name
        out.print(f"{escape(name)} answers from here on{note}.")

    def _list_models(self) -> None:
        found = self._client.generations()
        usable = [one for one in found["generations"] if one["state"] == "adopted" and one["why_not"] is None]
        live = who_answers(found["live"])
        names = {"tsubasa": f"your memories and what is live: {live}"}
        names |= {f"tsubasa@{one['id']}": f"your memories and generation {one['id']}" for one in usable}
        names |= {"tsubasa:base": "the base model alone, nothing kept", PRIVATE: "off the record"}
        further = [one["name"] for one in self._client.status()["further"] if one["why"] is None]
        names |= {name: "a model beside it, with your memories" for name in further}
        for name, meaning in names.items():
            mark = "[green]*[/]" if name == self._model else " "
            out.print(f"{mark} {name:<16} [dim]{escape(meaning)}[/]")

    def _new(self, _: str) -> None:
        self._messages, self._kept, self._last, self._noted = [], 0, None, []
        out.print("A new conversation.")

    def _help(self, _: str) -> None:
        for name, meaning in HELP.items():
            out.print(f"  {name:<12} [dim]{meaning}[/]")


class Lines:
    """Lines that a person types: edited, completed by Tab, and brought back by the arrow keys."""

    def __init__(self, earlier: list[str]) -> None:
        try:
            import readline  # at its import it takes over input(); not on Windows
        except ImportError:
            self._history = None
            return
        self._history = readline
        readline.set_auto_history(False)  # what is off the record must not come back
        readline.clear_history()
        readline.set_completer_delims(" ")
        readline.set_completer(_slash_word)
        readline.parse_and_bind("tab: complete")
        for text in earlier:
            if "\n" not in text and len(text) <= LONGEST_LINE:
                readline.add_history(text)

    def read(self, prompt: str, *, remember: bool) -> str | None:
        """The next line, stripped; None when the person leaves with Ctrl-D. Ctrl-C empties the line."""
        try:
            line = input(_bold(prompt)).strip()
        except EOFError:
            out.print()
            return None
        except KeyboardInterrupt:
            out.print("\n[dim](Ctrl-D or /quit leaves)[/]")
            return ""
        if self._history is not None and line and remember:
            self._history.add_history(line)
        return line


def _slash_word(begun: str, number: int) -> str | None:
    """The command of this number, from 0, that begins so; None when there is none, as readline asks for it."""
    words = [word.split()[0] for word in HELP if begun.startswith("/") and word.startswith(begun)]
    return words[number] if number < len(words) else None


def _bold(prompt: str) -> str:
    """The prompt in bold; readline learns which letters take no room."""
    return f"\001\033[1m\002{prompt}\001\033[0m\002" if out.is_terminal and sys.stdin.isatty() else prompt
