"""
Words that the page, the command line and the log share: counts, and who answers.

Promises: pure. Days, sizes and lengths of time are told in the words of each face.
"""

from collections.abc import Sequence

WHY_WAITING = {  # why a memory is not taught yet
    "volatile": "it will pass by itself",
    "contradicted": "something else was told lately",
    "untrusted": "you did not say it yourself: it is recalled, never learned",
    "unasked": "no lesson could be made of its words; each night tries again",
}
# marks that turn the direction of what follows, each as a sign
TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")


def upright(text: str) -> str:
    """A text of others as it was written: marks that turn the direction of writing are signs, and turn nothing."""
    return text.translate(TURNING)


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 message", "2,000 messages"; `many` where it isn't `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shorten(text: str, most: int = 100) -> str:
    """`text` in one line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def listed(parts: Sequence[object]) -> str:
    """ "a", "a and b", "a, b and c"; nothing of nothing."""
    *rest, last = [str(one) for one in parts] or [""]
    return f"{', '.join(rest)} and {last}" if rest else last


def who_answers(generation: int) -> str:
    """ "generation 3", and for 0 "the base model"."""
    return f"generation {generation}" if generation else "the base model"


def generations(numbers: Sequence[int]) -> str:
    """ "Generation 3", "Generations 2 and 3"."""
    return f"Generation{'s' if len(numbers) > 1 else ''} {listed(numbers)}"


def gave_way(to: int) -> str:
    """What is to be said of a generation that had to leave, and of what answers in its place."""
    return (
        "It had learned something that was forgotten since, so it answers no more; "
        f"now {who_answers(to)} answers."
    )


def format_bytes(count: int) -> str:
    """For example 2.5 GB; decimal, as download pages and disks count."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
