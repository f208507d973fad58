"""
Everything that can go wrong for a reason a person can act on, each worded as one line.

Promises: every error has a `code` for programs and a message for people that names the thing and the way out.
Knows nothing of how errors are shown: `__main__.py` prints them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar


class TrainerError(Exception):
    """A training job cannot be done; the message is one line."""

    code: ClassVar[str] = "failed"


class BadJob(TrainerError):
    """The job read from stdin is not one that can be understood."""

    code = "bad_job"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"Can't read the training job: {where} {problem}.")


class NoLessons(TrainerError):
    """There is nothing to train on."""

    code = "no_lessons"

    def __init__(self, exam: int) -> None:
        rest = f" ({exam} for the exam only)" if exam else ""
        super().__init__(
            f"Nothing to learn: the job has no lesson of the 'train' split{rest}. Nothing was written."
        )


class LessonsTooLong(TrainerError):
    """Every lesson of the train split is longer than the model can read."""

    code = "lessons_too_long"

    def __init__(self, skipped: int, limit: int) -> None:
        super().__init__(
            f"Nothing to learn: all {skipped} lessons are longer than {limit} tokens. "
            f"Shorten them, or raise 'max_tokens' of the recipe up to the model's context."
        )


class LessonsContradict(TrainerError):
    """Every lesson of the train split answers a question otherwise than another lesson does."""

    code = "lessons_contradict"

    def __init__(self, contradicting: int) -> None:
        super().__init__(
            f"Nothing to learn: all {contradicting} lessons that fit answer a question otherwise than another lesson "
            f"does. Look for memories that contradict each other, and say which one holds."
        )


class ModelMissing(TrainerError):
    """There is no file at the path of the model."""

    code = "model_missing"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Can't open the model {str(path)!r}: {reason}. Check the path, or download the model again."
        )


class ModelDamaged(TrainerError):
    """The model file is no GGUF, or is cut short."""

    code = "model_damaged"

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"The model {str(path)!r} is damaged: {problem}. Download it again.")


class NotQwen3(TrainerError):
    """The model is of an architecture that the trainer does not know."""

    code = "not_qwen3"

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(
            f"Can't train on {str(path)!r}: its architecture is {found!r}, only 'qwen3' can be trained."
        )


class UnsupportedModel(TrainerError):
    """The model is a Qwen3, with a feature that the trainer would get wrong."""

    code = "model_unsupported"

    def __init__(self, path: Path, feature: str, known: str) -> None:
        super().__init__(
            f"Can't train on {str(path)!r}: it has {feature}; known here: {known}. Use another file of it."
        )


class TemplateFailed(TrainerError):
    """The chat template inside the model file is absent or cannot be rendered."""

    code = "template_failed"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The chat template of {str(path)!r} can't be used: {reason}. Use an instruct model's file."
        )


class NoBackend(TrainerError):
    """No library that trains is installed and runs here."""

    code = "no_backend"

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__(
            f"Can't train here: {'; '.join(f'{name}: {reason}' for name, reason in reasons.items())}. "
            f"Install the program again with its training libraries, or choose another 'device' in the recipe."
        )


class OutOfMemory(TrainerError):
    """The machine has too little memory for the model, or for the batch."""

    code = "out_of_memory"

    def __init__(self, doing: str, batch: int) -> None:
        """`batch`: lessons that were held at once, which did not fit; 0: the model itself."""
        if batch == 0:
            way = "Close other programs, or use a smaller model"
        elif batch == 1:
            way = "with one lesson at a time already. Close other programs, lower 'max_tokens', or use a smaller model"
        else:
            way = f"with {batch} lessons at a time. Lower 'batch' of the recipe, or close other programs"
        joint = ". " if batch == 0 else " "
        super().__init__(f"Out of memory while {doing}{joint}{way}. Nothing was written.")


class TeacherWithoutNumbers(TrainerError):
    """What the base model expects, before anything was learned, is not a number."""

    code = "teacher_without_numbers"

    def __init__(self) -> None:
        super().__init__(
            "The model gives no numbers where it should answer as the teacher. Nothing was written. "
            "Set 'precision' of the recipe to float32; if that is no help, its file is damaged: download it again."
        )


class Diverged(TrainerError):
    """The loss, or the adapter itself, became infinite or not a number."""

    code = "diverged"

    def __init__(self, step: int, loss: float, learning_rate: float) -> None:
        super().__init__(
            f"Training diverged: the loss is {loss} at step {step}. Nothing was written. "
            f"Lower 'learning_rate' of the recipe (it is {learning_rate:g})."
        )


class AdapterNotWritten(TrainerError):
    """The adapter could not be stored: disk full, no permission, no folder."""

    code = "adapter_not_written"

    def __init__(self, path: Path, reason: str, size: int) -> None:
        super().__init__(
            f"Can't write the adapter {str(path)!r}: {reason}. "
            f"Nothing was left behind; make room for {size / 1e6:.1f} MB there, or choose another folder."
        )
