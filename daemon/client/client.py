"""
Our own API, from the other side: what the command line and the tray use.

Promises: a refusal is a `Refused` with the daemon's own words, no answer at all is a `NotRunning` that says how to
start one. Knows nothing of the daemon's insides, nor of how bytes come and go: `transport.py` does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daemon import home as homes
from daemon.client.transport import PATIENCE_S, Wire, refused
from daemon.errors import NoSuchConfirmation, NotRunning, Refused
from daemon.home import Home

DOING_S = 120.0  # that what was allowed may take: forgetting waits for answers, and probes the weights


def connect(home: Home, *, patience_s: float = PATIENCE_S) -> "Client":
    """
    A client for the daemon that serves `home`; close it, or use it as a context.

    Args:
        patience_s: seconds that an answer may take.

    Raises:
        NotRunning: no daemon has announced itself there.
    """
    running = homes.running(home)
    key = homes.read_api_key(home)
    if running is None or key is None:
        raise NotRunning(home.path, "it has not announced itself")
    return Client(running.url, key, home=home.path, patience_s=patience_s)


class Client(Wire):
    """All that can be asked of one daemon."""

    def status(self) -> dict[str, Any]:
        """What runs, what is held, and the settings with their origin."""
        return self._get("the status", "/tsubasa/status")

    def proof(self) -> dict[str, Any]:
        """What came of the daemon's own tries to leave this machine."""
        return self._post("the proof", "/tsubasa/proof", {})

    def memories(
        self, *, search: str | None = None, as_of: str | None = None, known_on: str | None = None
    ) -> dict[str, Any]:
        """The memories that hold, those that bear on `search`, or those that held on a day, as then known."""
        asked = {"search": search, "as_of": as_of, "known_on": known_on}
        return self._get("the memories", "/tsubasa/memories", **asked)

    def why(self, memory_id: int) -> dict[str, Any]:
        """One memory, what it was before, what was done with it, and the messages behind it."""
        return self._get(f"memory {memory_id}", f"/tsubasa/memories/{memory_id}")

    def add(self, text: str, *, since: str | None = None, by: str = "user") -> dict[str, Any]:
        """Hold a statement of the user's own, or of an assistant ("assistant"), true since a day (None: today)."""
        return self._post("the new memory", "/tsubasa/memories", {"text": text, "since": since, "by": by})

    def edit(self, memory_id: int, text: str) -> dict[str, Any]:
        """Put a memory in other words; the memory that now holds."""
        return self._post(f"memory {memory_id}", f"/tsubasa/memories/{memory_id}", {"text": text})

    def undo(self, memory_id: int | None = None, *, event: int | None = None) -> dict[str, Any]:
        """Take back the latest operation on a memory, or the one of a number."""
        return self._post("undo", "/tsubasa/undo", {"memory": memory_id, "event": event})

    def audit(self, *, unused_days: int = 30) -> dict[str, Any]:
        """Which memories look like junk, and why."""
        return self._get("the audit", "/tsubasa/memories/audit", unused_days=unused_days)

    def export(self) -> Iterator[bytes]:
        """Everything the user told, as the bytes of a JSONL file, piece by piece."""
        with self._answered(), self._http.stream("GET", "/tsubasa/export") as response:
            if not response.is_success or "ndjson" not in response.headers.get("content-type", ""):
                response.read()
                raise refused("the export", response)
            yield from response.iter_bytes()

    def messages(
        self, *, external_id: str | None = None, text: str | None = None, like: str | None = None, k: int = 10
    ) -> dict[str, Any]:
        """Messages by their id in an export, by words, or by meaning."""
        found = {"external_id": external_id, "text": text, "like": like, "k": k}
        return self._get("the messages", "/tsubasa/messages", **found)

    def typed(self, n: int = 200) -> list[str]:
        """The last things that the user typed in chats, the oldest first: what the arrow keys bring back."""
        return list(self._get("what was typed", "/tsubasa/typed", n=n)["typed"])

    def message(self, message_id: int) -> dict[str, Any]:
        """One message."""
        return self._get(f"message {message_id}", f"/tsubasa/messages/{message_id}")

    def forget(self, memory_ids: Sequence[int] = (), *, messages: Sequence[int] = ()) -> dict[str, Any]:
        """Forget memories, or messages, and all that came of them; a report of what was done."""
        body = {"memories": list(memory_ids), "messages": list(messages)}
        return self._post("forget", "/tsubasa/forget", body)

    def forget_preview(
        self, memory_ids: Sequence[int] = (), *, messages: Sequence[int] = (), weights: bool = False
    ) -> dict[str, Any]:
        """What `forget` would take, and who else tells it; with `weights`, what the live generation knows of it."""
        body = {"memories": list(memory_ids), "messages": list(messages), "weights": weights}
        return self._post("the preview", "/tsubasa/forget/preview", body)

    def forgotten(self) -> dict[str, Any]:
        """What the probes of the weights found after the last `forget`."""
        return self._get("what the weights show", "/tsubasa/forget")

    def tend(self, *, quiet_s: float = 0.0, again: bool = False) -> dict[str, Any]:
        """
        Order a round of memory work, on chats that were silent for `quiet_s` seconds; the job.

        Args:
            again: whether what could not be read, or gave no lessons, is tried once more.
        """
        return self._post("the memory work", "/tsubasa/tend", {"quiet_s": quiet_s, "again": again})

    def tended(self) -> dict[str, Any]:
        """The latest round of memory work: its job, and what it did once it is done."""
        return self._get("the memory work", "/tsubasa/tend")

    def night(self, *, recipe: Mapping[str, Any] | None = None, seed: int = 0) -> dict[str, Any]:
        """Order a night; the job."""
        return self._post("the night", "/tsubasa/night", {"recipe": dict(recipe or {}), "seed": seed})

    def nights(self) -> dict[str, Any]:
        """The latest night: its job, its progress while it runs, its report once it is done."""
        return self._get("the night", "/tsubasa/night")

    def models(self) -> list[str]:
        """The names of who can answer: "tsubasa", "tsubasa@2", "tsubasa:base" …"""
        return [one["id"] for one in self._get("the models", "/v1/models")["data"]]

    def generations(self) -> dict[str, Any]:
        """All generations, and which one is live."""
        return self._get("the generations", "/tsubasa/generations")

    def use(self, generation: int) -> dict[str, Any]:
        """Make a generation live; 0 is the base model."""
        return self._post(f"generation {generation}", "/tsubasa/generations/use", {"generation": generation})

    def generation(self, number: int) -> dict[str, Any]:
        """One generation: its exam, its lessons by kind, its lineage, the lines that it learned."""
        return self._get(f"generation {number}", f"/tsubasa/generations/{number}")

    def compare(self, a: int, b: int) -> dict[str, Any]:
        """Two generations by their exams; 0 is the base model."""
        return self._get(f"generations {a} and {b}", "/tsubasa/generations/compare", a=a, b=b)

    def ask(self, generation: int, question: str) -> dict[str, Any]:
        """What a generation answers without memories; nothing of it is kept."""
        body = {"generation": generation, "question": question}
        return self._post(f"generation {generation}", "/tsubasa/generations/ask", body)

    def rollback(self) -> dict[str, Any]:
        """Go back to the generation before the live one, or from the first to the base model."""
        return self._post("rollback", "/tsubasa/generations/rollback", {})

    def adapter(self, number: int) -> bytes:
        """The adapter of a generation, GGUF."""
        with self._answered():
            response = self._http.get(f"/tsubasa/generations/{number}/adapter")
        if not response.is_success or "octet-stream" not in response.headers.get("content-type", ""):
            raise refused(f"generation {number}", response)
        return response.content

    def past_nights(self) -> dict[str, Any]:
        """The last nights, each with its report, the newest first."""
        return self._get("the nights", "/tsubasa/nights")

    def report(self, night: int | None = None) -> dict[str, Any]:
        """The morning report of a night; None: of the latest."""
        which = "latest" if night is None else str(night)
        return self._get("the report", f"/tsubasa/nights/{which}")

    def import_file(self, file: Path) -> dict[str, Any]:
        """Take one export in."""
        return self._post(f"the import of {file.name}", "/tsubasa/import", {"file": str(file.absolute())})

    def preview_import(self, file: Path) -> dict[str, Any]:
        """What is in an export, and what of that would be new; nothing is stored."""
        return self._post(f"{file.name}", "/tsubasa/import/preview", {"file": str(file.absolute())})

    def import_of(self, number: int) -> dict[str, Any]:
        """One import, and what undoing it would take."""
        return self._get(f"import {number}", f"/tsubasa/import/{number}")

    def storage(self) -> dict[str, Any]:
        """What is kept, where and how large, how it is encrypted, and what went over the network."""
        return self._get("what is stored", "/tsubasa/storage")

    def imports(self) -> dict[str, Any]:
        """What was taken in and not undone."""
        return self._get("the imports", "/tsubasa/import")

    def undo_import(self, number: int) -> dict[str, Any]:
        """Take back an import and all that came of it alone; a report of what was done."""
        return self._post(f"undoing import {number}", "/tsubasa/import/undo", {"number": number})

    def logging(self, *, on: bool, for_minutes: int | None = None) -> dict[str, Any]:
        """Keep chats again, or none from now on, for some minutes or (None) until told otherwise."""
        return self._post("the logging", "/tsubasa/logging", {"on": on, "for_minutes": for_minutes})

    def confirmations(self) -> dict[str, Any]:
        """What programs want to do that a person must allow first."""
        return self._get("the confirmations", "/tsubasa/confirmations")

    def confirmation(self, id: str) -> dict[str, Any]:
        """One confirmation, also for a while after it was decided."""
        return self._get(f"confirmation {id}", _confirmation(id))

    def confirm(self, id: str, allow: bool) -> dict[str, Any]:
        """Allow it, which does it at once, or refuse it; the confirmation with its outcome."""
        what, path = f"confirmation {id}", _confirmation(id)
        return self._post(what, path, {"allow": allow}, at_least_s=DOING_S if allow else 0.0)

    def ask_to(
        self, act: str, memory_ids: Sequence[int], *, asked_by: str, text: str | None = None
    ) -> dict[str, Any]:
        """Have a person asked to allow "forget" or "edit"; the confirmation that waits."""
        body = {"act": act, "memories": list(memory_ids), "text": text, "asked_by": asked_by}
        return self._post("the confirmation", "/tsubasa/confirmations", body)

    def chat(
        self, messages: Sequence[Mapping[str, str]], *, model: str = "tsubasa", **options: Any
    ) -> Iterator[str]:
        """The answer to `messages`, piece by piece; `options` are further keys of the request."""
        for chunk in self.chunks(messages, model=model, **options):
            if chunk["choices"]:  # the last one only counts
                yield _piece(chunk)

    def chunks(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        model: str = "tsubasa",
        again: bool = False,
        **options: Any,
    ) -> Iterator[dict[str, Any]]:
        """
        The answer to `messages`, chunk by chunk as it is on the wire: the first tells what was laid beside the
        question, the last what it took. `again`: the same was asked before, and another answer is wanted.
        """
        options = {"stream_options": {"include_usage": True}, **options}
        body = {"model": model, "messages": list(messages), "stream": True, **options}
        headers = {"x-stainless-retry-count": "1"} if again else {}  # how clients say so
        url, watched = "/v1/chat/completions", {"trace": self._connected}
        with (
            self._answered(),
            self._http.stream("POST", url, json=body, headers=headers, extensions=watched) as response,
        ):
            if not response.is_success or "event-stream" not in response.headers.get("content-type", ""):
                response.read()
                raise refused("the chat", response)
            for line in response.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    chunk: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    _piece(chunk)  # raises what went wrong
                    yield chunk

    def chats(self, *, n: int = 30) -> dict[str, Any]:
        """The latest chats, the newest first: title, source, when."""
        return self._get("the chats", "/tsubasa/chats", n=n)

    def past_chat(self, chat_id: int) -> dict[str, Any]:
        """The messages of one chat, as it was continued last."""
        return self._get(f"chat {chat_id}", f"/tsubasa/chats/{chat_id}")

    def open_link(self, page: str = "/") -> str:
        """A link that signs a browser in, once, within a minute; it leads to `page`."""
        return str(self._post("the link", "/tsubasa/links", {"page": page})["url"])


def _confirmation(id: str) -> str:
    if not (id.isascii() and id.isalnum()):  # it would be another route, or none
        raise NoSuchConfirmation(id)
    return f"/tsubasa/confirmations/{id}"


def _piece(chunk: Mapping[str, Any]) -> str:
    if "error" in chunk:
        raise Refused("the chat", 200, chunk["error"]["message"])
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
