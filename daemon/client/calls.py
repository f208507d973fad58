"""
What can be asked of the daemon: one function for each of our own routes, which says where to ask and what comes back.

    client.status()                       `Client` has each of them as a method,
    await backend.ask(calls.status())     an `AsyncClient` is given them
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from daemon.client.schemas import chats as chat_schemas
from daemon.client.schemas import memories as memory_schemas
from daemon.client.schemas import nights as night_schemas
from daemon.client.schemas import status as status_schemas
from daemon.errors import NoSuchConfirmation

T_co = TypeVar("T_co", covariant=True)
MEASURING_S = 900.0  # that a large model may take to be loaded into the trainer, and measured
ACTING_S = 120.0  # that what was allowed may take: forgetting waits for answers, and probes the weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T_co]):
    """One request, of which the answer is a `T_co`."""

    what: str  # is asked for, as errors name it
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None  # None: GET
    at_least_s: float = 0.0  # that the answer may take
    pick: Callable[[dict[str, Any]], Any] | None = None  # the `T_co` in the answer, where it is not the whole


def status() -> Call[status_schemas.Status]:
    """What runs, what is stored, and the settings with their origin."""
    return _get("the status", "/tsubasa/status")


def notices_seen() -> Call[status_schemas.NoticesSeen]:
    """Have what happened told no more: it was seen."""
    return _post("the notices", "/tsubasa/notices/seen", {})


def settings() -> Call[status_schemas.Changeables]:
    """The settings that the page may change, as they are, and as they will be from the next start on."""
    return _get("the settings", "/tsubasa/settings")


def change_setting(key: str, value: str | float | bool) -> Call[status_schemas.Changeables]:
    """Write one setting into config.toml; it counts from the next start on."""
    return _post(f"the setting {key}", "/tsubasa/settings", {"key": key, "value": value})


def local_models() -> Call[status_schemas.Models]:
    """The models that are here, those that can be fetched by name, and how far a download is."""
    return _get("the models", "/tsubasa/models")


def pull() -> Call[status_schemas.PullStarted]:
    """How far the latest download is."""
    return _get("the download", "/tsubasa/models/pull")


def start_pull(model: str, *, use: bool = True) -> Call[status_schemas.PullStarted]:
    """Fetch a model of the table or of the hub, or look at one that is here; `use` it from the next start on."""
    return _post("the download", "/tsubasa/models/pull", {"model": model, "use": use})


def stop_pull() -> Call[status_schemas.PullStarted]:
    """End the download; the next one goes on where it ended."""
    return _post("the download", "/tsubasa/models/stop", {})


def use_model(file: str) -> Call[status_schemas.Models]:
    """Have a model that is here answer from the next start on."""
    return _post("the model", "/tsubasa/models/use", {"file": file})


def keys() -> Call[status_schemas.Keys]:
    """The keys that programs have, and what one may be given."""
    return _get("the keys", "/tsubasa/keys")


def make_key(name: str, may: Sequence[str]) -> Call[status_schemas.NewKey]:
    """A new key for a program; it is shown only now."""
    return _post("the key", "/tsubasa/keys", {"name": name, "may": list(may)})


def revoke_key(name: str) -> Call[status_schemas.Keys]:
    """Take a key back; the others."""
    return _post("the key", "/tsubasa/keys/revoke", {"name": name})


def sign_out_everywhere() -> Call[status_schemas.SignedOutAll]:
    """Sign every browser out."""
    return _post("the sign-out", "/tsubasa/sign-out-everywhere", {})


def restart() -> Call[status_schemas.Ended]:
    """Stop the daemon and start it again, with what config.toml says now."""
    return _post("the new start", "/tsubasa/restart", {})


def delete_everything(typed: str) -> Call[status_schemas.Ended]:
    """Stop the daemon and delete all that it made, if these are the right words."""
    return _post("the deletion", "/tsubasa/delete-everything", {"typed": typed})


def storage() -> Call[status_schemas.Storage]:
    """What is kept, where and how large, how it is encrypted, and what went over the network."""
    return _get("what is stored", "/tsubasa/storage")


def proof() -> Call[status_schemas.Proof]:
    """What came of the daemon's own tries to leave this machine."""
    return _post("the proof", "/tsubasa/proof", {})


def models() -> Call[list[str]]:
    """The names of who can answer: "tsubasa", "tsubasa@2", "tsubasa:base" …"""
    return Call(what="the models", path="/v1/models", pick=lambda found: [one["id"] for one in found["data"]])


def open_link(page: str = "/") -> Call[str]:
    """A link that signs a browser in, once, within a minute; it leads to `page`."""
    return Call(
        what="the link", path="/tsubasa/links", body={"page": page}, pick=lambda found: str(found["url"])
    )


def memories(
    *, search: str | None = None, as_of: str | None = None, known_on: str | None = None
) -> Call[memory_schemas.Memories]:
    """The memories that hold, those that bear on `search`, or those that held on a day, as then known."""
    return _get("the memories", "/tsubasa/memories", search=search, as_of=as_of, known_on=known_on)


def why(memory_id: int) -> Call[memory_schemas.MemoryDetail]:
    """One memory, what it was before, what was done with it, and the messages behind it."""
    return _get(f"memory {memory_id}", f"/tsubasa/memories/{memory_id}")


def add(
    text: str, *, since: str | None = None, by: str = "user", program: str = "", kind: str = "fact"
) -> Call[memory_schemas.OneMemory]:
    """
    Add a statement of the user's own, or of an assistant ("assistant"), true since a day (None: today).

    Args:
        program: which one the assistant is, as it calls itself.
        kind: "fact"; how the user wants things done: "standing", where it applies, or "always".
    """
    body = {"text": text, "since": since, "by": by, "program": program, "kind": kind}
    return _post("the new memory", "/tsubasa/memories", body)


def changes(*, hours: float = 24.0) -> Call[memory_schemas.Changes]:
    """What was noted in the last hours and holds, the newest first."""
    return _get("the changes", "/tsubasa/memories/changes", hours=hours)


def changes_seen(event: int) -> Call[memory_schemas.ChangesSeen]:
    """Somebody has looked through the changes up to this event."""
    return _post("the changes", "/tsubasa/memories/changes/seen", {"event": event})


def programs() -> Call[memory_schemas.Programs]:
    """The programs that have added memories."""
    return _get("the programs", "/tsubasa/programs")


def proposals() -> Call[memory_schemas.Proposals]:
    """What waits for the user's word before it is a memory."""
    return _get("the waiting memories", "/tsubasa/proposals")


def decide_proposals(
    *, accept: Sequence[int] = (), refuse: Sequence[int] = ()
) -> Call[memory_schemas.DecidedProposals]:
    """Make memories of some, and none of others."""
    body = {"accept": list(accept), "refuse": list(refuse)}
    return _post("the waiting memories", "/tsubasa/proposals", body)


def take_back(program: str) -> Call[memory_schemas.TakenBack]:
    """Undo all that one program has added and that holds."""
    return _post("take back", "/tsubasa/programs/take-back", {"program": program})


def edit(
    memory_id: int, text: str | None = None, *, kind: str | None = None
) -> Call[memory_schemas.OneMemory]:
    """Put a memory in other words, or make it one of another kind; the memory that now holds."""
    return _post(f"memory {memory_id}", f"/tsubasa/memories/{memory_id}", {"text": text, "kind": kind})


def undo(memory_id: int | None = None, *, event: int | None = None) -> Call[memory_schemas.Undone]:
    """Take back the latest operation on a memory, or the one of a number."""
    return _post("undo", "/tsubasa/undo", {"memory": memory_id, "event": event})


def audit(*, unused_days: int = 30) -> Call[memory_schemas.Audit]:
    """Which memories look like junk, and why."""
    return _get("the audit", "/tsubasa/memories/audit", unused_days=unused_days)


def messages(
    *, external_id: str | None = None, text: str | None = None, like: str | None = None, k: int = 10
) -> Call[chat_schemas.Messages]:
    """Messages by their id in an export, by words, or by meaning."""
    return _get("the messages", "/tsubasa/messages", external_id=external_id, text=text, like=like, k=k)


def message(message_id: int) -> Call[chat_schemas.OneMessage]:
    """One message."""
    return _get(f"message {message_id}", f"/tsubasa/messages/{message_id}")


def give_feedback(
    message_id: int, thumb: str | None = None, *, correction: str = ""
) -> Call[chat_schemas.OneFeedback]:
    """Say what the user thinks of an answer: "up" or "down", and how it should have been; neither takes it back."""
    body = {"thumb": thumb, "correction": correction}
    return _post(f"message {message_id}", f"/tsubasa/messages/{message_id}/feedback", body)


def typed(n: int = 200) -> Call[list[str]]:
    """The last things that the user typed in chats, the oldest first: what the arrow keys bring back."""
    query = {"n": str(n)}
    return Call(
        what="what was typed", path="/tsubasa/typed", query=query, pick=lambda found: list(found["typed"])
    )


def chats(*, n: int = 30, skip: int = 0, search: str | None = None) -> Call[chat_schemas.PastChats]:
    """The latest chats after the first `skip`, pinned ones first; or what has to do with `search`, best first."""
    return _get("the chats", "/tsubasa/chats", n=n, skip=skip, search=search)


def chat_changes() -> Call[str]:
    """Another text than before, as soon as a message was stored or forgotten, or a chat renamed or pinned."""
    return Call(what="the changes", path="/tsubasa/chat-changes", pick=lambda found: str(found["changes"]))


def label_chat(
    chat_id: int, *, title: str | None = None, pinned: bool | None = None
) -> Call[chat_schemas.PastChat]:
    """Rename a chat ("": no title of its own any more), pin it, or both; the chat, in a line."""
    return _post(f"chat {chat_id}", f"/tsubasa/chats/{chat_id}", {"title": title, "pinned": pinned})


def export_chat(chat_id: int, *, as_: str = "markdown") -> Call[chat_schemas.ExportedChat]:
    """One chat as a file: "markdown" or "json", with all its branches in the latter."""
    return _get(f"chat {chat_id}", f"/tsubasa/chats/{chat_id}/export", **{"as": as_})


def past_chat(chat_id: int, *, branch: int | None = None) -> Call[chat_schemas.Chat]:
    """The messages of one chat, down the branch that was continued last, or the one through a message."""
    return _get(f"chat {chat_id}", f"/tsubasa/chats/{chat_id}", branch=branch)


def logging(*, on: bool, for_minutes: int | None = None) -> Call[chat_schemas.Logging]:
    """Keep chats again, or none from now on, for some minutes or (None) until it is switched on."""
    return _post("the logging", "/tsubasa/logging", {"on": on, "for_minutes": for_minutes})


def forget(
    memory_ids: Sequence[int] = (),
    *,
    messages: Sequence[int] = (),
    chats: Sequence[int] = (),
    keep_memories: Sequence[int] = (),
    keep_messages: Sequence[int] = (),
    delete_files: Sequence[str] = (),
) -> Call[memory_schemas.Forgotten]:
    """
    Forget memories, or messages, and all that came of them or tells the same; a report of what was done.

    Args:
        chats: whole ones; memories drawn from them stay, unless named.
        keep_memories, keep_messages: what stays, whatever it tells.
        delete_files: exports that the preview named, and that go too.
    """
    body = {
        "memories": list(memory_ids),
        "messages": list(messages),
        "chats": list(chats),
        "keep_memories": list(keep_memories),
        "keep_messages": list(keep_messages),
        "delete_files": list(delete_files),
    }
    return _post("forget", "/tsubasa/forget", body)


def forget_preview(
    memory_ids: Sequence[int] = (),
    *,
    messages: Sequence[int] = (),
    chats: Sequence[int] = (),
    keep_memories: Sequence[int] = (),
    keep_messages: Sequence[int] = (),
    weights: bool = False,
) -> Call[memory_schemas.ForgetPreview]:
    """What `forget` would take, and what else tells it; with `weights`, what the live generation knows of it."""
    body = {
        "memories": list(memory_ids),
        "messages": list(messages),
        "chats": list(chats),
        "keep_memories": list(keep_memories),
        "keep_messages": list(keep_messages),
        "weights": weights,
    }
    return _post("the preview", "/tsubasa/forget/preview", body)


def forgotten() -> Call[memory_schemas.ForgetProbes]:
    """What the probes of the weights found after the last `forget`."""
    return _get("what the weights show", "/tsubasa/forget")


def tend(*, quiet_s: float = 0.0, again: bool = False) -> Call[night_schemas.Job]:
    """
    Order a round of memory work, on chats that were silent for `quiet_s` seconds; the job.

    Args:
        again: whether what could not be read, or gave no lessons, is tried once more.
    """
    return _post("the memory work", "/tsubasa/tend", {"quiet_s": quiet_s, "again": again})


def tended() -> Call[night_schemas.MemoryWork]:
    """The latest round of memory work: its job, and what it did once it is done."""
    return _get("the memory work", "/tsubasa/tend")


def night(*, recipe: Mapping[str, Any] | None = None, seed: int = 0) -> Call[night_schemas.Job]:
    """Order a night; the job."""
    return _post("the night", "/tsubasa/night", {"recipe": dict(recipe or {}), "seed": seed})


def stop_night() -> Call[night_schemas.CurrentNight]:
    """End the night that runs."""
    return _post("the night", "/tsubasa/night/stop", {})


def nights() -> Call[night_schemas.CurrentNight]:
    """The latest night: its job, its progress while it runs, its report once it is done."""
    return _get("the night", "/tsubasa/night")


def night_estimate(*, measure: bool = False) -> Call[night_schemas.NightEstimate]:
    """What the next night would do and cost; `measure`: measure this machine first, if that was not done yet."""
    what, path = "the estimate", "/tsubasa/night/estimate"
    return (
        Call(what=what, path=path, body={"measure": True}, at_least_s=MEASURING_S)
        if measure
        else _get(what, path)
    )


def past_nights() -> Call[night_schemas.NightReports]:
    """The last nights, each with its report, the newest first."""
    return _get("the nights", "/tsubasa/nights")


def report(night: int | None = None) -> Call[night_schemas.NightReport]:
    """The morning report of a night; None: of the latest."""
    return _get("the report", f"/tsubasa/nights/{'latest' if night is None else night}")


def generations() -> Call[night_schemas.Generations]:
    """All generations, and which one is live."""
    return _get("the generations", "/tsubasa/generations")


def generation(number: int) -> Call[night_schemas.GenerationDetail]:
    """One generation: its exam, its lessons by kind, its lineage, the lines that it learned."""
    return _get(f"generation {number}", f"/tsubasa/generations/{number}")


def use(generation: int) -> Call[night_schemas.Live]:
    """Make a generation live; 0 is the base model."""
    return _post(f"generation {generation}", "/tsubasa/generations/use", {"generation": generation})


def rollback() -> Call[night_schemas.RolledBack]:
    """Go back to the generation before the live one, or from the first to the base model."""
    return _post("rollback", "/tsubasa/generations/rollback", {})


def compare(a: int, b: int) -> Call[night_schemas.Comparison]:
    """Two generations by their exams; 0 is the base model."""
    return _get(f"generations {a} and {b}", "/tsubasa/generations/compare", a=a, b=b)


def ask(generation: int, question: str) -> Call[night_schemas.GenerationAnswer]:
    """What a generation answers without memories; nothing of it is kept."""
    body = {"generation": generation, "question": question}
    return _post(f"generation {generation}", "/tsubasa/generations/ask", body)


def import_file(file: Path, strict: bool = False) -> Call[memory_schemas.Imported]:
    """Take one export in; `strict`: refuse it for one broken conversation."""
    wanted = {"file": str(file.absolute()), "strict": strict}
    return _post(f"the import of {file.name}", "/tsubasa/import", wanted)


def preview_import(file: Path) -> Call[memory_schemas.ImportPreview]:
    """What is in an export, and what of that would be new; nothing is stored."""
    return _post(file.name, "/tsubasa/import/preview", {"file": str(file.absolute())})


def imports() -> Call[memory_schemas.Imports]:
    """What was taken in and not undone."""
    return _get("the imports", "/tsubasa/import")


def import_of(number: int) -> Call[memory_schemas.ImportDetail]:
    """One import, and what undoing it would take."""
    return _get(f"import {number}", f"/tsubasa/import/{number}")


def undo_import(number: int) -> Call[memory_schemas.ImportUndone]:
    """Take back an import and all that came of it alone; a report of what was done."""
    return _post(f"undoing import {number}", "/tsubasa/import/undo", {"number": number})


def confirmations() -> Call[memory_schemas.Confirmations]:
    """What programs want to do that a person must allow first."""
    return _get("the confirmations", "/tsubasa/confirmations")


def confirmation(id: str) -> Call[memory_schemas.OneConfirmation]:
    """One confirmation, also for a while after it was decided."""
    return _get(f"confirmation {id}", _confirmation(id))


def confirm(id: str, allow: bool) -> Call[memory_schemas.OneConfirmation]:
    """Allow it, which does it at once, or refuse it; the confirmation with its outcome."""
    wait_s = ACTING_S if allow else 0.0
    return Call(what=f"confirmation {id}", path=_confirmation(id), body={"allow": allow}, at_least_s=wait_s)


def ask_to(
    act: str, memory_ids: Sequence[int], *, asked_by: str, text: str | None = None
) -> Call[memory_schemas.OneConfirmation]:
    """Have a person asked to allow "forget" or "edit"; the confirmation that waits."""
    body = {"act": act, "memories": list(memory_ids), "text": text, "asked_by": asked_by}
    return _post("the confirmation", "/tsubasa/confirmations", body)


def profiles() -> Call[status_schemas.Profiles]:
    """The other people of this home, and whether their daemons run."""
    return _get("the profiles", "/tsubasa/profiles")


def start_profile(name: str) -> Call[status_schemas.ProfileStarted]:
    """Start the daemon of a profile, unless it runs."""
    return _post(f"the profile {name}", "/tsubasa/profiles/start", {"name": name})


def stop_profile(name: str) -> Call[status_schemas.ProfileStopped]:
    """Stop the daemon of a profile, if it runs; the next request starts it again."""
    return _post(f"the profile {name}", "/tsubasa/profiles/stop", {"name": name})


def _get(what: str, path: str, **query: object) -> Call[Any]:
    asked = {name: str(value) for name, value in query.items() if value is not None}
    return Call(what=what, path=path, query=asked)


def _post(what: str, path: str, body: Mapping[str, object]) -> Call[Any]:
    return Call(what=what, path=path, body=body)


def _confirmation(id: str) -> str:
    if not (id.isascii() and id.isalnum()):  # it would be another route, or none
        raise NoSuchConfirmation(id)
    return f"/tsubasa/confirmations/{id}"
