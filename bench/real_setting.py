"""What every part of `bench.real` works with: a run of an evaluation, and what its nights need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.skills.evaluation import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(setting.Setting):
    """One run of the bench."""

    recipe: Mapping[str, object] = field(default_factory=dict)  # overrides of the trainer's own
    kept: Path | None = None  # a file of measured nights, to go on from
