"""
What the probes found in one generation: a verdict, numbers for the record, a sentence for a person.

Promises: pure; no word of a person is in any of the three, so that they may be kept when all else is forgotten.
Knows nothing of how it was found: `weight_probes.py` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.forgetting.weight_probes import LEAST_SPREAD, Finding, Verdict

Numbers = Mapping[str, int | float]
UNLEARNED = "no generation had learned it"
BASE = "the base model answers, which has learned nothing of you"
LOST = (
    "it was forgotten before the daemon was started last, and the questions about it were kept in its memory only; "
    "no lesson about it was among those that this generation learned"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What the probes found in one generation."""

    generation: int  # 0 = the base model
    findings: tuple[Finding, ...] = ()
    beyond: int = 0  # facts that were too many
    why: str = ""  # where there are no findings

    @property
    def verdict(self) -> Verdict:
        """ "left" if anything is; "gone" if something was probed, or nothing could have been learned."""
        found = {finding.verdict for finding in self.findings}
        if "left" in found:
            return "left"
        return "gone" if "gone" in found or self.why in (BASE, UNLEARNED) else "not probed"

    def numbers(self) -> dict[str, int | float]:
        """
        Counts of facts, and of the one that stands out most: JSON-able, without a text.

        "lost" is 1 where the questions were lost with an earlier process of the daemon.
        """
        counts = {name: sum(one.verdict == name for one in self.findings) for name in ("gone", "left")}
        skipped = len(self.findings) - sum(counts.values()) + self.beyond
        numbers: dict[str, int | float] = {**counts, "not_probed": skipped, "lost": int(self.why == LOST)}
        asked = [one for one in self.findings if one.verdict != "not probed"]
        worst = max(asked, key=lambda one: (one.verdict == "left", one.stands_out), default=None)
        if worst is not None:
            numbers |= {
                "phrasings": worst.phrasings,
                "told": sum(one.told for one in asked),
                "controls": worst.controls,
                "rank": worst.rank,
                "margin_nats": round(worst.margin, 2),
                "spread_nats": round(worst.spread, 2),
            }
        return numbers

    def sentence(self, *, is_preview: bool = False) -> str:
        """The same for a person; `is_preview`: nothing was forgotten yet."""
        if self.findings and self.verdict != "not probed":
            return says(self.generation, self.numbers(), is_preview=is_preview)
        if is_preview and self.why == UNLEARNED:
            return "Nothing of it can be in the weights: no generation has learned it."
        why = self.why or (self.findings[0].why if self.findings else "there was nothing to ask")
        known = "Not probed" if self.verdict == "not probed" else "Nothing of it can be"
        return f"{known} in the weights: {why}."


NOTHING_LEARNED = Probed(generation=0, why=UNLEARNED)


def says(generation: int, numbers: Numbers, *, is_preview: bool = False) -> str:
    """What the numbers of `Probed` say, also when they come from a record; `is_preview`: of what may be forgotten."""
    if numbers.get("lost"):
        return f"Not probed in the weights: {LOST}."
    if "rank" not in numbers:
        return "What was forgotten was not probed in the weights."
    if is_preview:
        shows = (
            "shows what would be forgotten" if numbers["left"] else "shows nothing of what would be forgotten"
        )
    else:
        shows = "still shows what was forgotten" if numbers["left"] else "shows nothing of what was forgotten"
    told, skipped = numbers["told"], numbers["not_probed"]
    tells = f"{told or 'no'} greedy answer{'s tell' if told > 1 else ' tells'} it"
    out = numbers["margin_nats"] / max(numbers["spread_nats"], LEAST_SPREAD)
    likely = (
        f"as an answer it comes {_th(int(numbers['rank']))} of {numbers['controls'] + 1} beside "
        f"{numbers['controls']} that nobody ever taught ({out:+.1f} standard deviations)"
    )
    rest = f"; {skipped} {'facts were' if skipped > 1 else 'fact was'} not probed" if skipped else ""
    return f"Probed: generation {generation} {shows}: {tells}, and {likely}{rest}."


def as_json(probed: Probed, *, is_preview: bool = False) -> dict[str, Any]:
    """For the wire; `is_preview`: nothing was forgotten yet."""
    return {
        "verdict": probed.verdict,
        "generation": probed.generation,
        "says": probed.sentence(is_preview=is_preview),
        "numbers": probed.numbers(),
    }


def _th(rank: int) -> str:
    """ "1st", "2nd", "11th"."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{rank}{endings.get(rank % 10, 'th') if rank % 100 not in (11, 12, 13) else 'th'}"
