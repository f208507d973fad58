"""
The JSON of memories: what is stored, forgetting, what waits for a person's word, and imports.
"""

from typing import Literal

from typing_extensions import TypedDict

from daemon.client.schemas.chats import Day, Feedback, Message, Noted, Time


class Recalls(TypedDict):
    """How often one memory was recalled."""

    n: int
    last_at: Time | None


class StoredMemory(TypedDict):
    """One statement about the user, as it is stored."""

    id: int
    text: str
    told_on: Day
    valid_from: Day  # the first day on which it was true
    valid_to: Day | None  # the first day on which it was true no more
    superseded_by: int | None  # the memory that replaced it; itself: it was undone
    trust: str  # "user", "assistant", "import" or "untrusted"
    kind: str  # "fact"; how the user wants things done: "standing", where it applies, or "always"


class Memory(StoredMemory):
    """One statement about the user, and what became of it."""

    state: str  # "holds", "replaced" or "undone"
    narrative: str  # one line, with the day and what it was before
    certainty: str  # "said", "hedged" or "reported"; only what was said is taught
    secret: bool  # it looks like a password, a key or an account: never taught
    recalls: Recalls


class Memories(TypedDict):
    """Memories, and the operations on all there ever were."""

    memories: list[Memory]
    ops: dict[str, int]  # "ADD", "UPDATE", "RECONCILE", "IGNORE", "UNDO": how many


class OneMemory(TypedDict):
    memory: Memory


class Program(TypedDict):
    """One program that has added memories."""

    name: str  # as it calls itself
    memories: int  # of its own that hold
    last_at: Time


class Programs(TypedDict):
    programs: list[Program]


class Proposal(TypedDict):
    """One statement that waits for the user's word before it is a memory."""

    id: int
    text: str
    day: Day  # when it came to hold
    told_on: Day
    trust: str  # whose word it would be: "user", "assistant", "import" or "untrusted"
    kind: str
    origin: str  # "": a chat; else the program or the assistant that it comes from
    at: Time
    sources: list[int]  # messages


class Proposals(TypedDict):
    proposals: list[Proposal]


class AcceptedProposal(TypedDict):
    """What became of one that was accepted."""

    proposal: int
    op: str  # "ADD", "UPDATE", "RECONCILE" or "IGNORE"
    memory: int | None  # that now says it; null: none does
    by: str  # "code", "model", "check", or "forgotten": it tells what was forgotten


class DecidedProposals(TypedDict):
    """What was decided."""

    accepted: list[AcceptedProposal]
    refused: list[int]
    missing: list[int]  # that do not wait


class TakenBack(TypedDict):
    """What became of the memories of a program."""

    program: str
    undone: int  # memories that hold no more
    replaced: int  # in whose place something else holds by now


class Event(TypedDict):
    """One operation on a memory, as it happened."""

    id: int
    op: str  # "ADD", "UPDATE", "RECONCILE", "IGNORE" or "UNDO"
    memory_id: int | None  # null: a trivial statement, of which no memory was made
    at: Time
    text: str
    sources: list[int]  # messages; none: made by hand
    undone_by: int | None  # the UNDO that took it back
    beside: int | None  # of an ADD: the memory that the model wanted to change, which a check refused


class Changes(TypedDict):
    """What was noted lately, the newest first."""

    noted: list[Noted]
    unseen: list[
        int
    ]  # events of those that changed a memory, and wait for a look before a night teaches them


class ChangesSeen(TypedDict):
    event: int  # up to which the changes were looked through


class TaughtLesson(TypedDict):
    """One question and answer that is made of a memory."""

    question: str
    answer: str
    kind: str
    split: str  # "train" or "exam"


class MemoryDetail(TypedDict):
    """All that is known of one memory."""

    memory: Memory
    history: list[Memory]  # all that were ever in its place, the oldest first
    events: list[Event]
    messages: list[Message]  # that it was drawn from
    lessons: list[TaughtLesson]
    learned_by: list[int]  # generations


class Undone(TypedDict):
    """What one undo did."""

    event: Event  # that was taken back
    closed: StoredMemory | None  # holds no more
    restored: StoredMemory | None  # holds again


class Suspect(TypedDict):
    """One memory that may be junk."""

    memory_id: int
    text: str
    kind: str  # "duplicate", "near duplicate", "system prompt", "loop" or "never recalled"
    like: int | None  # the older memory that it repeats
    why: str


class Audit(TypedDict):
    """Which memories look like junk."""

    held: int  # memories that hold
    junk: int  # of them, those suspected of more than never being recalled
    suspects: list[Suspect]
    feedback: list[Feedback]  # on answers, the newest first; never recalled nor taught


class ProbeResult(TypedDict):
    """What a generation shows of what was forgotten."""

    verdict: str  # "gone", "left", "not probed" or "under way"
    generation: int | None  # that was probed; 0: the base model
    says: str  # the same in a sentence
    numbers: dict[str, int | float]  # counts of facts, and of the one that stands out most


class ForgetReport(TypedDict):
    """What one forgetting took out of the store."""

    memories: int  # with those that they replaced
    messages: int  # their texts are "[forgotten]" now
    vectors: int
    events: int
    lessons: int
    generations: list[int]  # that had learned it: their adapters are deleted
    jobs: int
    kept_memories: list[int]  # others that were drawn from the same messages
    exports: list[str]  # sha256 of the imported files that tell it
    log_cleared: bool  # false: the store's log is cleared later


class Telling(TypedDict):
    """A memory or a message that tells what is forgotten."""

    kind: Literal["memory", "message"]
    id: int
    text: str  # its beginning
    role: str  # of a message: who wrote it
    day: Day
    certain: bool  # else likely: a person decides
    taken: bool  # it goes
    why: str


class TellingFile(TypedDict):
    """An export of the user's that tells it."""

    path: str
    certain: bool
    why: str


class Forgotten(TypedDict):
    """What was forgotten, and which generation answers now."""

    report: ForgetReport
    was_live: int  # 0: the base model
    now_live: int
    was_learned: bool  # by any generation
    weights: ProbeResult
    stays: list[Telling]  # what may tell it and was left; it is neither recalled nor learned
    files: list[str]  # dropped exports that still tell it
    telling_files: list[TellingFile]  # the same, with the reason
    deleted_files: list[str]
    backups: int  # in the home, which are rewritten without it now; what was copied elsewhere still has it


class ForgetPreview(TypedDict):
    """What would be forgotten, exactly, and what else may tell it."""

    memories: list[int]
    messages: int
    kept_memories: list[int]
    lessons: int
    generations: list[int]
    also_told_by: list[int]  # other memories that may tell it, and stay
    tellings: list[Telling]
    files: list[TellingFile]
    weights: ProbeResult | None  # null: not asked for


class ForgetProbes(TypedDict):
    """What the probes of the weights found since."""

    weights: ProbeResult
    waiting: int  # facts that the next night must not show


class Affected(TypedDict):
    """What would go with the memories that are forgotten."""

    memories: list[int]
    lessons: int


class Edited(TypedDict):
    memory: int


class Confirmation(TypedDict):
    """What a program wants to do, and what became of it."""

    id: str
    act: Literal["forget", "edit"]
    says: str  # the same in a line, without the user's words
    asked_by: str  # the program, as it calls itself
    asked_at: Time
    expires_at: Time
    state: Literal["waiting", "working", "done", "failed", "refused", "expired", "void"]
    memory_ids: list[int]
    memories: list[Memory]  # while it waits
    takes: Affected | None  # of a forgetting that waits
    text: str | None  # of an edit that waits: what the memory should say
    outcome: Forgotten | Edited | None  # once it is done
    failure: str | None


class OneConfirmation(TypedDict):
    confirmation: Confirmation


class Confirmations(TypedDict):
    confirmations: list[Confirmation]


class Sample(TypedDict):
    """The beginning of a message."""

    role: str
    text: str
    said_at: Time | None


class ImportPreview(TypedDict):
    """What would become of one file."""

    name: str
    format: str
    sessions: int
    turns: int
    new_sessions: int  # that would gain a message
    new_turns: int
    known: int  # turns that are here already
    already_imported: bool
    memories: int  # that would be stored; only an export of our own has any
    refused: str | None  # why its memories would not be stored
    left_out: dict[str, int]  # what would not be read, by reason
    unread: list[str]  # what is broken, and why; the first of it
    offered: list[str]  # memories that another assistant keeps; never taken in by themselves
    days: list[str] | None  # of the first and the last message
    first: list[Sample]


class Imported(TypedDict):
    """What became of one file."""

    name: str
    ok: bool
    format: str | None
    sessions: int
    turns: int  # stored
    skipped: int  # known already
    already_imported: bool
    error: str | None
    seconds: float
    memories: int  # stored; only an export of our own has any
    refused: str | None  # why its memories were not stored
    import_id: int | None  # by which it can be undone
    left_out: dict[str, int]  # what was not read, by reason
    unread: list[str]  # what is broken, and why; the first of it
    offered: list[str]  # memories that another assistant keeps; never taken in by themselves
    days: list[str] | None  # of the first and the last message


class Import(TypedDict):
    """One file that was taken in."""

    id: int
    name: str
    sessions: int
    turns: int
    at: Time
    is_whole: bool  # False: it ended on the way; the same file, taken in again, goes on there


class Imports(TypedDict):
    imports: list[Import]


class Line(TypedDict):
    """A memory in one line."""

    id: int
    line: str


ImportDetail = TypedDict(
    "ImportDetail",
    {
        "import": Import,
        "messages": int,  # from here on: what undoing it would take
        "memories": list[int],
        "lines": list[Line],  # of these memories
        "lessons": int,
        "generations": list[int],
    },
)


class ImportUndoReport(TypedDict):
    """What undoing an import took out of the store."""

    messages: int
    kept_messages: int  # known otherwise too
    memories: int
    restored: int  # memories that hold again
    vectors: int
    events: int
    lessons: int
    generations: list[int]  # that had learned it: their adapters are deleted
    log_cleared: bool


class ImportUndone(TypedDict):
    """What undoing an import did, and which generation answers now."""

    report: ImportUndoReport
    was_live: int
    now_live: int
    was_learned: bool
    weights: ProbeResult
