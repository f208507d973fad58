"""Everything that can go wrong for a reason a person can act on, each worded as one line that names the way out."""

from pathlib import Path


class TrainerError(Exception):
    """A training job cannot be done. `code` is for programs; the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OutOfMemory(TrainerError):
    """The machine has too little memory for the model, or for the batch."""

    def __init__(self, doing: str, batch: int) -> None:
        """`batch`: lessons at once that did not fit; 0: the model itself."""
        if batch == 0:
            way = ". Close other programs, or use a smaller model"
        elif batch == 1:
            way = " with one lesson at a time already. Close other programs, lower 'max_tokens', or use a smaller model"
        else:
            way = f" with {batch} lessons at a time. Lower 'batch' of the recipe, or close other programs"
        super().__init__("out_of_memory", f"Out of memory while {doing}{way}. Nothing was written.")


def bad_job(where: str, problem: str) -> TrainerError:
    """The job read from stdin is not one that can be understood."""
    return TrainerError("bad_job", f"Can't read the training job: {where} {problem}.")


def nothing_to_learn(code: str, why: str) -> TrainerError:
    """No lesson of the train split is left."""
    return TrainerError(code, f"Nothing to learn: {why}")


def model_damaged(path: Path, problem: str) -> TrainerError:
    """The model file is no GGUF, or is cut short."""
    return TrainerError("model_damaged", f"The model {str(path)!r} is damaged: {problem}. Download it again.")


def cannot_learn(path: Path, reason: str) -> TrainerError:
    """The model is of a kind that no row of `architectures.py` describes; `reason` as its `why_not` words it."""
    return TrainerError(
        "cannot_learn",
        f"Can't train on {str(path)!r}: {reason}. It answers all the same; choose another model to learn with.",
    )


def model_unsupported(path: Path, feature: str, known: str) -> TrainerError:
    """The model is of a known kind, with a feature that the trainer would get wrong."""
    return TrainerError(
        "model_unsupported",
        f"Can't train on {str(path)!r}: it has {feature}; known here: {known}. Use another file of it.",
    )


def diverged(step: int, loss: float, learning_rate: float) -> TrainerError:
    """The loss, or the adapter itself, became infinite or not a number."""
    return TrainerError(
        "diverged",
        f"Training diverged: the loss is {loss} at step {step}. Nothing was written. "
        f"Lower 'learning_rate' of the recipe (it is {learning_rate:g}).",
    )


def one_line(error: Exception) -> str:
    """The message of a foreign error on one line."""
    return " ".join(str(error).split()) or type(error).__name__
