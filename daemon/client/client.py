"""
Our own API, from the other side: what the command line, the tray and the tools for assistants use.

A refusal is a `Refused` with the daemon's own words, no answer at all is a `NotRunning` that says how to start one.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from daemon import home as homes
from daemon.client import calls
from daemon.client.calls import Call
from daemon.client.schemas.chats import Chunk
from daemon.client.transport import (
    CHAT,
    PATIENCE_S,
    BlockingConnection,
    chat_request,
    chunk_in,
    is_stream,
    refused,
)
from daemon.errors import NotRunning
from daemon.home import Home

P = ParamSpec("P")
T = TypeVar("T")


def connect(home: Home, *, patience_s: float = PATIENCE_S, shown: str = "") -> "Client":
    """
    A client for the daemon that serves `home`; close it, or use it as a context.

    Args:
        patience_s: seconds that an answer may take.
        shown: the key of a program to ask with; "": the owner's.

    Raises:
        NotRunning: no daemon has announced itself there.
    """
    running = homes.running(home)
    key = homes.read_api_key(home)
    if running is None or key is None:
        raise NotRunning(home.path, "it has not announced itself")
    return Client(running.url, key, home=home.path, patience_s=patience_s, shown=shown)


def _asked(call: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """The method that makes a call and returns its answer."""

    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(call(*args, **kwargs))

    method.__doc__ = call.__doc__
    return method


class Client(BlockingConnection):
    """All that can be asked of one daemon; blocks until the answer is there. `calls.py` says what each is."""

    status = _asked(calls.status)
    notices_seen = _asked(calls.notices_seen)
    storage = _asked(calls.storage)
    proof = _asked(calls.proof)
    models = _asked(calls.models)
    open_link = _asked(calls.open_link)
    memories = _asked(calls.memories)
    why = _asked(calls.why)
    add = _asked(calls.add)
    programs = _asked(calls.programs)
    take_back = _asked(calls.take_back)
    proposals = _asked(calls.proposals)
    decide_proposals = _asked(calls.decide_proposals)
    edit = _asked(calls.edit)
    undo = _asked(calls.undo)
    audit = _asked(calls.audit)
    messages = _asked(calls.messages)
    message = _asked(calls.message)
    give_feedback = _asked(calls.give_feedback)
    typed = _asked(calls.typed)
    chats = _asked(calls.chats)
    past_chat = _asked(calls.past_chat)
    logging = _asked(calls.logging)
    forget = _asked(calls.forget)
    forget_preview = _asked(calls.forget_preview)
    forgotten = _asked(calls.forgotten)
    tend = _asked(calls.tend)
    tended = _asked(calls.tended)
    night = _asked(calls.night)
    nights = _asked(calls.nights)
    night_estimate = _asked(calls.night_estimate)
    past_nights = _asked(calls.past_nights)
    report = _asked(calls.report)
    generations = _asked(calls.generations)
    generation = _asked(calls.generation)
    use = _asked(calls.use)
    rollback = _asked(calls.rollback)
    compare = _asked(calls.compare)
    ask = _asked(calls.ask)
    changes_seen = _asked(calls.changes_seen)
    settings = _asked(calls.settings)
    change_setting = _asked(calls.change_setting)
    local_models = _asked(calls.local_models)
    pull = _asked(calls.pull)
    start_pull = _asked(calls.start_pull)
    stop_pull = _asked(calls.stop_pull)
    use_model = _asked(calls.use_model)
    keys = _asked(calls.keys)
    make_key = _asked(calls.make_key)
    revoke_key = _asked(calls.revoke_key)
    profiles = _asked(calls.profiles)
    start_profile = _asked(calls.start_profile)
    stop_profile = _asked(calls.stop_profile)
    sign_out_everywhere = _asked(calls.sign_out_everywhere)
    restart = _asked(calls.restart)
    delete_everything = _asked(calls.delete_everything)
    import_file = _asked(calls.import_file)
    preview_import = _asked(calls.preview_import)
    imports = _asked(calls.imports)
    import_of = _asked(calls.import_of)
    undo_import = _asked(calls.undo_import)
    confirmations = _asked(calls.confirmations)
    confirmation = _asked(calls.confirmation)
    confirm = _asked(calls.confirm)
    ask_to = _asked(calls.ask_to)

    def export(self) -> Iterator[bytes]:
        """Everything the user said, as the bytes of a JSONL file, piece by piece."""
        with self._answered(), self._http.stream("GET", "/tsubasa/export") as response:
            if not is_stream(response, "ndjson"):
                response.read()
                raise refused("the export", response)
            yield from response.iter_bytes()

    def adapter(self, number: int) -> bytes:
        """The adapter of a generation, GGUF."""
        with self._answered():
            response = self._http.get(f"/tsubasa/generations/{number}/adapter")
        if not is_stream(response, "octet-stream"):
            raise refused(f"generation {number}", response)
        return response.content

    def chat(
        self, messages: Sequence[Mapping[str, str]], *, model: str = "tsubasa", **options: Any
    ) -> Iterator[str]:
        """The answer to `messages`, piece by piece; `options` are further keys of the request."""
        for chunk in self.chunks(messages, model=model, **options):
            if chunk["choices"]:  # the last one only counts
                yield "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])

    def chunks(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        model: str = "tsubasa",
        again: bool = False,
        **options: Any,
    ) -> Generator[Chunk]:
        """
        The answer to `messages`, chunk by chunk as it is on the wire: the first names what was recalled for the
        question, the last what it took. `again`: the same was asked before, and another answer is wanted.
        """
        asked = chat_request(messages, model, again=again, **options)
        with self._answered(), self._http.stream("POST", CHAT, **asked) as response:
            if not is_stream(response, "event-stream"):
                response.read()
                raise refused("the chat", response)
            for line in response.iter_lines():
                if (chunk := chunk_in(line)) is not None:
                    yield chunk
