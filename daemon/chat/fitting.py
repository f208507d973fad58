"""
Fit a chat into the context: what is recalled gives way first, then the oldest turns, at a turn's border.

    system · hi · hello · … · I live in Ghent · noted · [memories] · how warm is it?
             └── go, oldest first ──┘                └ go before them ┘ └── stays, with what tools gave for it last

System turns stay. So much goes at once that the next questions fit too, and the engine remembers their beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daemon.chat.prompt_context import History
from daemon.engine.errors import PromptTooLong

FILLED = 0.7  # share of the context that a shortened chat may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """What of a chat is shown to the model."""

    history: History
    lines: Sequence[str]  # that were recalled
    left_out: int = 0  # turns


def shorter(shown: Fitting, error: PromptTooLong) -> Fitting | None:
    """What to try after `error`; None where a single message does not fit."""
    if shown.lines:
        return replace(shown, lines=())
    groups = _groups(shown.history)
    if not groups:
        return None
    turns = shown.history.turns
    letters = sum(len(turn.text) for turn in turns) or 1
    spare = letters * (1 - FILLED * error.n_ctx / max(error.n_prompt, error.n_ctx))
    gone: set[int] = set()
    for group in groups:
        gone |= set(group)
        if sum(len(turns[at].text) for at in gone) >= spare:
            break
    question_at = shown.history.question_at
    before = sum(at < question_at for at in gone) if question_at is not None else 0
    kept = tuple(turn for at, turn in enumerate(turns) if at not in gone)
    at = None if question_at is None else question_at - before
    return replace(
        shown,
        history=replace(shown.history, turns=kept, question_at=at),
        left_out=shown.left_out + len(gone),
    )


def _groups(history: History) -> list[list[int]]:
    """Places of the turns that may go, oldest first, in groups that go together: a question with all its answers."""
    groups: list[list[int]] = []
    question_at = history.question_at
    if question_at is None:
        return groups
    for at, turn in enumerate(history.turns):
        if turn.role == "system" or at == question_at:
            continue
        opens = turn.role == ("user" if at < question_at else "assistant")
        if opens or not groups or groups[-1][-1] < question_at < at:
            groups.append([])
        groups[-1].append(at)
    is_answered = bool(groups) and groups[-1][-1] > question_at
    return groups[:-1] if is_answered else groups
