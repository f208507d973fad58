"""What can go wrong while memories are written or recalled. Every class words its own message."""

from daemon.engine.errors import DecodeFailed, GrammarStuck, PromptTooLong, SchemaRefused, TemplateRefused
from daemon.errors import DaemonError
from daemon.processes.errors import FrameTooLarge


class MemoryWorkError(DaemonError):
    """Something about observing, evolving, recalling or studying failed; the message says what to do."""

    quotes_user = True


class ModelAnswerUnusable(MemoryWorkError):
    """The model's answer to a machine task has not the shape that was asked for, in spite of the grammar."""

    def __init__(self, task: str, answer: str, why: str) -> None:
        shown = answer if len(answer) <= 80 else answer[:80] + "…"
        super().__init__(
            f"The model's answer to the task {task!r} can't be used ({why}): {shown!r}. "
            f"Nothing was changed; try a larger model, or report this with the model's name."
        )


class NothingSaid(MemoryWorkError):
    """A memory was to be stored that has no word."""

    def __init__(self) -> None:
        super().__init__(
            "Can't hold this: there is no word in it. Say one sentence, as in: The user has a dog."
        )


class HeldAlready(MemoryWorkError):
    """A memory was to be stored that is known already."""

    def __init__(self, memory_id: int) -> None:
        super().__init__(
            f"Nothing was changed: memory {memory_id} says that already. "
            f"To change it: tsubasa memories edit {memory_id} TEXT"
        )


class TooManyAdded(MemoryWorkError):
    """A program wanted to add more memories in an hour than it may."""

    quotes_user = False

    def __init__(self, program: str, limit: int, *, together: bool) -> None:
        who = "programs together" if together else "one program"
        super().__init__(
            f"Nothing was stored: {who} may add {limit} memories in an hour, and {program} wanted more. "
            f"Add only lasting facts that the user told, and go on in an hour."
        )


class ForgottenOnPurpose(MemoryWorkError):
    """A program wanted to store what the user had forgotten."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing was stored: the user had this forgotten. "
            "Only the user can have it back: tsubasa memories add TEXT"
        )


# What the same chat or memory would fail with again: it is given up, and the others go on. All else is tried again.
HOPELESS = (
    MemoryWorkError,
    PromptTooLong,
    TemplateRefused,
    SchemaRefused,
    GrammarStuck,
    DecodeFailed,
    FrameTooLarge,
)
