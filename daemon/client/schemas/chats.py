"""
The JSON of chats: past ones, whether they are kept, and an answer as it streams.

The files of this folder hold one type for each JSON object of our own routes. The routes declare them, so OpenAPI and
`docs/api.md` are made of them, and the client returns them; the comment behind a field is its description there. At
run time they are plain dicts, and no pydantic is loaded: the tray and the command line import them.
"""

from typing import Any

from typing_extensions import TypedDict

Time = str  # ISO 8601, in UTC unless the field says otherwise
Day = str  # "2026-03-05"


class PastChat(TypedDict):
    """One chat, in a line."""

    id: int
    title: str  # its own, or the beginning of what the user said first
    title_by: str | None  # "user", "import" or "model"; null: it is what the user said first
    pinned: bool  # it stays on top of the list
    source: str  # "api" or "import"
    started_at: Time
    last_at: Time  # of the last message
    n_messages: int
    n_branches: int


class FoundChat(PastChat):
    """A chat in a list; in that of a search, with the words around what was found."""

    message_id: int | None  # that was found; null: by its title, or there was no search
    excerpt: str
    by: str  # "title", "words" or "meaning"; "" where there was no search


class PastChats(TypedDict):
    chats: list[FoundChat]


class ChatChanges(TypedDict):
    """Whether there is anything new."""

    changes: str  # another text than before, as soon as there is


class ExportedChat(TypedDict):
    """One chat as a file."""

    name: str  # of the file
    text: str


class Recalled(TypedDict):
    """What was recalled for one question."""

    memories: list[int]  # best first
    messages: list[int]  # that were quoted
    recall_tokens: int  # of the system message that holds it


class Message(TypedDict):
    """One message of a chat."""

    id: int
    chat_id: int
    parent_id: int | None
    role: str
    speaker: str
    text: str
    said_at: Time
    source: str  # "api" or "import"
    external_id: str | None  # its id in the export that it came from
    observed_by: str | None  # the version of the observer that has read it
    hash: str  # of this message and all before it
    model: str | None  # that wrote a reply


class Noted(TypedDict):
    """One memory that was made and holds, to be looked through."""

    event_id: int
    memory_id: int
    op: str  # "ADD", "UPDATE" or "RECONCILE"
    at: Time
    text: str
    was: str | None  # what it has taken the place of


class Feedback(TypedDict):
    """What the user thinks of an answer: how they like answers, and no fact of them."""

    message_id: int
    kind: str  # "preference": a thumb alone; "style": how the answer should have been
    thumb: int  # 1: up, -1: down, 0: none
    correction: str  # how it should have been; "": not said
    at: Time
    answer: str


class OneFeedback(TypedDict):
    feedback: Feedback | None  # null: nothing is said of it now


class ChatMessage(Message):
    """A message, and what was recalled for the question that it answers."""

    beside: Recalled | None  # null: it answers none, or that was not kept
    noted: list[Noted]  # memories that were made of it and hold
    feedback: Feedback | None  # of an answer; null: nothing was said of it
    siblings: list[int]  # messages in its place on all branches, with itself; empty: it is alone


class Branch(TypedDict):
    """One way in which a chat was continued, after an edit or another answer."""

    last: int  # its last message
    text: str  # the beginning of the first message that only it holds
    last_at: Time


class Chat(TypedDict):
    """One chat, down one of its branches."""

    id: int
    title: str
    messages: list[ChatMessage]
    branches: list[Branch]  # the one that was continued last first


class Messages(TypedDict):
    messages: list[Message]


class OneMessage(TypedDict):
    message: Message


class Typed(TypedDict):
    """What the user typed last, the oldest first, each once."""

    typed: list[str]


class Logging(TypedDict):
    on: bool
    until: Time | None  # when a pause ends by itself


class Logprobs(TypedDict):
    """How likely each token of the answer was."""

    content: list[dict[str, Any]]  # token, logprob, bytes, top_logprobs
    refusal: None


class ChunkChoice(TypedDict):
    """An answer, piece by piece."""

    index: int
    delta: dict[str, Any]  # `role` in the first, then `reasoning_content`, `content`, `tool_calls`
    logprobs: Logprobs | None
    finish_reason: str | None  # in the last piece


class Usage(TypedDict):
    """The token counts of an answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int]  # cached_tokens
    completion_tokens_details: dict[str, int]  # reasoning_tokens


class AnswerOrigin(Recalled):
    """What only Tsubasa knows of an answer."""

    generation: int
    kept: bool  # false: nothing of this turn is recorded
    chat: int | None  # the past chat that it is kept in
    left_out: int  # turns of the chat that the context had no room for, the oldest
    noted: list[Noted]  # memories that were made of this chat since the answer before; each can be undone


class _AnswerHead(TypedDict):
    id: str
    object: str  # "chat.completion", or "chat.completion.chunk"
    created: int  # seconds since 1970
    model: str
    system_fingerprint: str  # model file and generation


class _ChunkHead(_AnswerHead):
    choices: list[ChunkChoice]  # empty in the chunk with the usage


class Chunk(_ChunkHead, total=False):
    """One event of a streamed answer; the first has `tsubasa`, the last `usage`, where that was asked for."""

    tsubasa: AnswerOrigin
    usage: Usage


class CalledTool(TypedDict):
    """A tool that is to be called."""

    id: str
    type: str  # "function"
    function: dict[str, str]  # name, and arguments: a JSON object as text


class _AnswerText(TypedDict):
    role: str
    content: str | None  # null: it only calls tools
    refusal: None


class AnswerMessage(_AnswerText, total=False):
    """What was answered."""

    reasoning_content: str  # what the model thought before; absent where it did not
    tool_calls: list[CalledTool]  # absent where it calls none


class AnswerChoice(TypedDict):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: str


class Completion(_AnswerHead):
    """A whole answer."""

    choices: list[AnswerChoice]
    usage: Usage
    tsubasa: AnswerOrigin


class ModelFile(TypedDict):
    """The file of a model."""

    n_ctx: int
    file: str
    sha256: str  # "": not known before the model was loaded once


class ModelName(TypedDict):
    """One name that a chat can ask for."""

    id: str
    object: str  # "model"
    created: int  # seconds since 1970
    owned_by: str
    context_length: int  # tokens
    meta: ModelFile


class ModelNames(TypedDict):
    """All names that a chat can ask for."""

    object: str  # "list"
    data: list[ModelName]


class Health(TypedDict):
    """That the daemon answers."""

    status: str  # "ok"
