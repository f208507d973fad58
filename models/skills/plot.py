"""
Draw the scores of a training run against its tokens: `python -m models.skills.plot RUN [--out FILE.svg]`.

    RUN/scores.jsonl: {"tokens": 500000, "scores": {"observe": {"f1": …}, "evolve": {"share": …}, …}} a line

One small picture a part, labelled directly, its target as a dotted line. A run that lacks a part lacks its picture.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

TARGETS = {
    "observe": 0.93,
    "no_facts": None,
    "evolve": 0.95,
    "answer": 0.95,
    "abstain": 0.93,
    "typed": 0.90,
    "general": 0.97,
    "instructions": 0.97,
    "small_talk": None,
}
LABELS = {
    "observe": "observe, F1 of facts",
    "general": "general questions kept",
    "instructions": "instructions kept",
}
COLUMNS, WIDTH, HEIGHT = 3, 300, 190  # of one picture, in pixels
LEFT, TOP, RIGHT, BOTTOM = 38, 34, 44, 26  # margins in it
Point = tuple[float, float]  # tokens, score


def curves(run: Path) -> dict[str, list[Point]]:
    """The points of each part, in the order of the tokens. Raises `SystemExit` where there are none to draw."""
    file = run / "scores.jsonl"
    if not file.is_file():
        raise SystemExit(f"There is no {file}: a run writes it at its first look at the scores.")
    found: dict[str, list[Point]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            told = json.loads(line)
            tokens, scores = float(told["tokens"]), told.get("scores") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            sys.stderr.write(f"{file}:{number} is no line of scores and is left out.\n")
            continue
        for part in TARGETS if isinstance(scores, dict) else ():
            if (score := _score(scores.get(part))) is not None:
                found.setdefault(part, []).append((tokens, score))
    if not found:
        raise SystemExit(f"{file} has no scores yet.")
    return {part: sorted(found[part]) for part in TARGETS if part in found}


def svg(found: dict[str, list[Point]]) -> str:
    """All parts as one SVG."""
    most = max(tokens for points in found.values() for tokens, _ in points) or 1.0
    rows = -(-len(found) // COLUMNS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * WIDTH}" height="{rows * HEIGHT}" '
        'font-family="sans-serif" font-size="11" fill="#444">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, (part, points) in enumerate(found.items()):
        left, top = place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT
        parts.append(f'<g transform="translate({left} {top})">{_picture(part, points, most)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _score(part: Any) -> float | None:
    if isinstance(part, dict):
        part = part.get("f1", part.get("share")) if "facts" in part else part.get("share")
    return float(part) if isinstance(part, int | float) else None


def _picture(part: str, points: Sequence[Point], most: float) -> str:
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(tokens: float, score: float) -> tuple[float, float]:
        return LEFT + (right - LEFT) * tokens / most, floor - (floor - TOP) * score

    drawn = [f'<text x="{LEFT}" y="18" font-size="13" fill="#111">{escape(LABELS.get(part, part))}</text>']
    for score in (0, 0.5, 1):
        y = at(0, score)[1]
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#ddd"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{score:g}</text>')
    target = TARGETS[part]
    if target is not None:
        y = at(0, target)[1]
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#111" stroke-dasharray="1 3"/>')
        drawn.append(f'<text x="{LEFT + 2}" y="{y - 3:.1f}" font-size="9">target {target:g}</text>')
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points))
    drawn.append(f'<path d="M{path}" fill="none" stroke="#1f6fb4" stroke-width="2"/>')
    drawn += [
        f'<circle cx="{at(*one)[0]:.1f}" cy="{at(*one)[1]:.1f}" r="2.5" fill="#1f6fb4"/>' for one in points
    ]
    x, y = at(*points[-1])
    drawn.append(f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" fill="#1f6fb4">{points[-1][1]:.2f}</text>')
    drawn.append(f'<text x="{LEFT}" y="{floor + 16}">0</text>')
    drawn.append(f'<text x="{right}" y="{floor + 16}" text-anchor="end">{_tokens(most)} tokens</text>')
    return "".join(drawn)


def _tokens(count: float) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count / 1e3:.0f} k"


def main() -> None:
    """Read the command line, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the folder of a training run")
    parser.add_argument("--out", type=Path, help="without: RUN/scores.svg")
    given = parser.parse_args()
    out = given.out or given.run / "scores.svg"
    out.write_text(svg(curves(given.run)), encoding="utf-8")
    sys.stdout.write(f"{out}\n")


if __name__ == "__main__":
    main()
