"""
The protocol of a trainer process: the one job on its stdin, and what it says on its stdout.

The job is a JSON object, checked in full before anything heavy is loaded. Whatever is wrong with it is one line that
names the place. Whether the file at `model` can be trained on is found out later.
"""

from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from trainer.errors import bad_job, one_line
from trainer.recipe import Recipe, parse_recipe


def _path(text: object) -> Path:
    if not isinstance(text, str | Path) or not str(text) or "\0" in str(text):
        raise ValueError("must be a path")
    return Path(text)


STRICT = ConfigDict(strict=True, extra="forbid")
Tokens = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
File = Annotated[Path, PlainValidator(_path)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Lesson:
    """One question with its answer, as tokens of the model at `Job.model`."""

    id: int | str
    kind: str  # what it is good for, in the daemon's words
    split: Literal["train", "exam"]
    teacher: Tokens  # the prompt with what the teacher may read before answering
    student: Tokens  # the prompt that the student reads
    answer: Tokens  # with the end of the turn

    @property
    def length(self) -> int:
        """Tokens of the longer prompt with the answer."""
        return max(len(self.teacher), len(self.student)) + len(self.answer)


class Job(BaseModel):
    """What one trainer process is asked to do."""

    model_config = STRICT | ConfigDict(frozen=True)

    model: File  # a GGUF of an architecture that can learn
    lessons: list[Lesson]
    recipe: Annotated[Recipe, PlainValidator(parse_recipe)] = Field(default_factory=Recipe)
    out: File  # where the adapter appears, whole or not at all
    seed: int = Field(default=0, ge=0, lt=2**63)
    checkpoints: File | None = None  # a private folder in memory; None = a night cut short begins again

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not self.out.parent.is_dir():
            raise bad_job("'out'", f"is {str(self.out)!r}, but there is no folder {str(self.out.parent)!r}")
        if self.out.is_dir() or self.out.resolve() == self.model.resolve():
            raise bad_job("'out'", f"is {str(self.out)!r}, which is a folder or the model itself")
        if self.checkpoints is not None and not self.checkpoints.is_dir():
            raise bad_job("'checkpoints'", f"is {str(self.checkpoints)!r}, which is no folder")
        return self


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is."""

    done: int
    total: int
    unit: str  # "lessons" while the teacher answers, "steps" while the student learns
    note: str
    loss: float | None = None  # nats per answer token of the last step
    exam_loss: float | None = None  # the same of the exam lessons, where they were looked at after that step


@plain_dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An adapter was written."""

    adapter: Path
    sha256: str
    steps: int  # of the adapter that was written; more may have been tried before the early stop
    train_loss: float  # nats per answer token, mean of the last tenth of the steps
    exam_loss: (
        float | None
    )  # nats per answer token of the adapter that was written; None without exam lessons
    seconds: float
    lessons: int  # of the train split, learned
    skipped: int  # of both splits, too long
    backend: str  # for people: library, device, how numbers are stored
    peak_mb: float  # most memory taken at once (10**6 bytes): of the card on CUDA, else of the process
    tokens: int  # of prompts and answers that the student learned, each as often as it was seen
    tokens_per_s: float  # of those, what this process learned in a second, teacher and exam looks included
    resumed_from: int  # step of the checkpoint that it went on from; 0 = from the beginning


def parse_job(text: str | bytes) -> Job:
    """The job written in `text`, a JSON object; raises `TrainerError` (`bad_job`)."""
    try:
        return Job.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "stdin"
        raise bad_job(repr(place), f"can't be used: {one_line(Exception(first['msg']))}") from None
