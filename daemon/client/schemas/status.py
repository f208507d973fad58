"""
The JSON of the daemon itself: what runs, what is stored where, and proof that nothing leaves the machine.
"""

from typing import Literal

from typing_extensions import TypedDict

from daemon.client.schemas.chats import Logging, Time
from daemon.client.schemas.nights import NightState, Unread


class Process(TypedDict):
    """One child process."""

    name: str
    state: str
    pid: int | None
    restarts: int
    failure: str | None


class Model(TypedDict):
    """The model that is served."""

    name: str
    n_ctx: int  # tokens that a prompt and its reply may have together
    sha256: str
    architecture: str
    n_vocab: int
    unsure: float  # mean surprise, in nats per token, from which on the model is lost
    path: str
    quantization: str  # as "Q4_K_M"; "": the file does not say
    bytes: int  # of the file, in all its parts
    made_for: int  # tokens of context that it was trained for; 0: the file does not say
    cannot_learn: str | None  # why no night can train it; null: it can learn


class Counts(TypedDict):
    """How much the store holds."""

    messages: int
    memories: int
    lessons: int
    unindexed: int  # that have no vector yet


class Reindex(TypedDict):
    """How far the vectors of a new embedder are."""

    old: str
    new: str
    done: int
    total: int


class RecallState(TypedDict):
    """How memories are found now."""

    by: Literal["nothing", "words", "meaning"]
    why: str | None


class Work(TypedDict):
    """What is done in the background."""

    failure: str | None
    night: NightState
    later: int  # memories that the last night had no room for


class Changeable(TypedDict):
    """One setting that the page may change."""

    key: str
    value: str | int | float | bool  # as it counts now
    origin: str  # of that: "default", "config.toml line 3", "TSUBASA_PORT", "--port"
    written: str | int | float | bool | None  # what config.toml says; null: nothing
    comment: str
    allowed: str


class Changeables(TypedDict):
    settings: list[Changeable]


class ModelHere(TypedDict):
    """A model that is on this machine, or that `tsubasa pull` knows by name."""

    name: str  # by which it is fetched; of a file that the table does not know, the model's own
    title: str
    file: str  # where it lies; "": it is not here
    bytes: int  # 0: not known
    memory_gb: float  # while it answers; 0: not known
    serves: bool  # it answers now
    chosen: bool  # it will from the next start on
    learns: bool | None  # null: not known before it is here
    cannot_learn: str | None  # why no night can train it
    tokens_per_s: float | None  # measured here; null: not yet
    wrong: str | None  # why the file is of no use


class Pull(TypedDict):
    """How far the latest download is."""

    model: str
    step: str  # "asking", "fetching" or "checking"; then "done", "stopped" or "failed"
    file: str
    done: int  # bytes
    total: int  # 0: not known
    left_s: float | None
    note: str
    error: str | None
    chosen: bool  # it answers from the next start on


class Models(TypedDict):
    models: list[ModelHere]
    pull: Pull | None  # null: none was asked for since the start


class PullStarted(TypedDict):
    pull: Pull | None


Setting = TypedDict("Setting", {"key": str, "value": str | int | float | bool | list[str], "from": str})


class FurtherModel(TypedDict):
    """A model beside the main one, of the setting `models`."""

    name: str  # by which it is asked for
    path: str  # "": it can't be used
    bytes: int  # of the file, in all its parts
    needed: int  # bytes of memory while it answers
    state: str  # of its process; "unusable"
    why: str | None  # it can't be used


class Thinking(TypedDict):
    """How many answers are under way."""

    answers: int
    off_the_record: int


class Trouble(TypedDict):
    """One thing that a person should look at."""

    kind: (
        str  # "child", "work", "night", "disk", "store", "model", "profile"; or "missing", "adapter", "flood"
    )
    what: str
    do: str


class NoticesSeen(TypedDict):
    seen: int  # notices that are told no more


class Status(TypedDict):
    """What runs, what is stored, and where each setting came from."""

    version: str
    pid: int
    home: str
    profile: str  # whose home it is; "": the main person's
    started_at: Time
    model: Model
    further: list[FurtherModel]  # beside it, in the order of the setting `models`
    generation: int  # that answers; 0: the base model
    children: list[Process]
    held: Counts
    unread: Unread
    reindex: Reindex | None  # null: none is under way
    recall: RecallState
    work: Work
    confirmations: int  # that wait
    proposals: int  # what waits for the user's word before it is a memory
    settings: list[Setting]
    thinking: Thinking
    logging: Logging
    attention: list[Trouble]  # the worst first


class Place(TypedDict):
    """One kind of file in the home."""

    what: str  # "store", "inbox", "uploads", "models", "backups", "prompts", "profiles", "keys", "log", "rest", …
    path: str
    files: int
    bytes: int
    encrypted: bool


class Traffic(TypedDict):
    sent: int
    received: int
    since: Time | None
    hosts: dict[str, list[int]]  # sent and received


class StorePart(TypedDict):
    """One part of the store."""

    name: str
    rows: int | None
    bytes: int


class StoreSizes(TypedDict):
    """What takes how much room in the store's file."""

    parts: list[StorePart]  # the largest first
    bytes: int
    cipher: str
    oldest: Time | None  # message


class Storage(TypedDict):
    """What is kept, where, how large and how encrypted."""

    home: str
    places: list[Place]
    encrypted: bool  # the store, by its first bytes
    key: str  # "keyring" or "file"
    private: bool  # nobody but its owner can enter the home
    free_bytes: int
    since: Time | None  # local: when the home was made
    traffic: Traffic
    store: StoreSizes


class WayOut(TypedDict):
    """One try to leave this machine."""

    what: str
    host: str
    refused: bool  # by Tsubasa itself
    how: str


class OpenSocket(TypedDict):
    """One end that can talk over a network."""

    protocol: str  # "tcp", "tcp6", "udp" or "udp6"
    local: str
    port: int
    remote: str  # "0.0.0.0" or "::" when there is no other end
    listens: bool


class Proof(TypedDict):
    """What came of the daemon's own tries to leave this machine."""

    pid: int
    children: dict[str, int]  # process ids by name
    tried: list[WayOut]
    sockets: list[OpenSocket] | None  # of the daemon itself, which shows them to nobody else; null: not known


class Identity(TypedDict):
    """That who listens here knows the key."""

    proof: str  # HMAC-SHA256 under the key, hexadecimal, of the challenge and of the address that was connected to


class SignedOutAll(TypedDict):
    signed_out: bool


class Ended(TypedDict):
    after: str  # "restart" or "delete"


class KeyOfProgram(TypedDict):
    """One key of a program."""

    name: str
    may: list[str]  # scopes
    made_at: Time
    used_at: Time | None  # null: never


class Scope(TypedDict):
    name: str
    may: str  # in words


class Keys(TypedDict):
    """The keys that programs have, oldest first, and what one may be given."""

    keys: list[KeyOfProgram]
    scopes: list[Scope]


class NewKey(TypedDict):
    """A key that was made; it is shown only now."""

    name: str
    key: str


class OneProfile(TypedDict):
    """Another person of this home, with a home of their own in it."""

    name: str
    users: list[str]  # by which clients name this person
    made_at: Time
    pid: int | None  # of the daemon, while it runs
    failure: str | None  # why it does not start


class Profiles(TypedDict):
    profiles: list[OneProfile]  # oldest first


class ProfileStarted(TypedDict):
    name: str
    pid: int | None


class ProfileStopped(TypedDict):
    stopped: bool  # False: it did not run


class Link(TypedDict):
    """A link that signs a browser in, once."""

    url: str
    seconds: int  # that it is good for
