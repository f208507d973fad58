"""
The loss curve as a picture: what is learned as a line, what is held out as dots, on a logarithmic scale.

In the colours of the page around it. It says in words what it shows, and the loss of a step to who points at it.
"""

import math
from collections.abc import Sequence

from daemon.client.schemas.nights import LossCurve

TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
LEAST = 0.005  # nats; below, all is well
STRIPS = 120  # that can be pointed at
SMOOTH = 9  # points that the line is the mean of; the single ones stand pale behind it
Points = Sequence[Sequence[float]]


def curve_svg(curve: LossCurve | None) -> str:
    """The figure, as markup."""
    train: Points = curve["train"] if curve else ()
    exam: Points = curve["exam"] if curve else ()
    if not curve or not train:
        return '<figure class="curve nothing-yet"><span>The curve appears once the learning begins.</span></figure>'
    smooth = _smoothed(train)
    scale = _Scale(smooth, exam, int(curve["total"]))
    lines = "".join(f'<line x1="0" x2="100" y1="{y:.2f}" y2="{y:.2f}"/>' for _, y in scale.ticks())
    area = f"{_path(smooth, scale)} L{scale.x(smooth[-1][0]):.2f} 100 L{scale.x(smooth[0][0]):.2f} 100 Z"
    labels = "".join(f'<span class="tick" style="top:{y:.2f}%">{tick:g}</span>' for tick, y in scale.ticks())
    dots = "".join(
        f'<span class="dot-exam" style="left:{scale.x(step):.2f}%;top:{scale.y(loss):.2f}%"'
        f' title="{_step_text(step, loss)} on held-out lessons"></span>'
        for step, loss in exam
    )
    return (
        f'<figure class="curve" role="img" aria-label="{_in_words(train, exam)}"><div class="plot">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><g class="grid">{lines}</g>'
        f'<path class="area" d="{area}"/><path class="raw" d="{_path(train, scale)}"/>'
        f'<path class="line" d="{_path(smooth, scale)}"/>{_strips(smooth, scale)}</svg>{labels}{dots}</div>'
        f"<figcaption>{_legend(smooth, exam)}<span>{_steps(train, int(curve['total']))}</span></figcaption></figure>"
    )


class _Scale:
    """Steps and nats as percent of the picture."""

    def __init__(self, train: Points, exam: Points, total: int) -> None:
        losses = [max(loss, LEAST) for _, loss in [*train, *exam]]
        self._low, self._high = math.log(min(losses) / 1.25), math.log(max(losses) * 1.1)
        self._last = max(total, int(train[-1][0]), 2)

    def x(self, step: float) -> float:
        """From the left."""
        return 100 * (step - 1) / (self._last - 1)

    def y(self, loss: float) -> float:
        """From the top; a single step far from the others stays at the edge."""
        place = (self._high - math.log(max(loss, LEAST))) / (self._high - self._low)
        return 100 * min(1.0, max(0.0, place))

    def ticks(self) -> list[tuple[float, float]]:
        """Round losses that are on the picture, and where."""
        return [(tick, self.y(tick)) for tick in TICKS if self._low < math.log(tick) < self._high]


def _smoothed(points: Points) -> list[tuple[float, float]]:
    reach = SMOOTH // 2
    found = []
    for place, (step, _) in enumerate(points):
        near = [loss for _, loss in points[max(0, place - reach) : place + reach + 1]]
        found.append((step, sum(near) / len(near)))
    return found


def _path(points: Points, scale: _Scale) -> str:
    return "M" + " L".join(f"{scale.x(step):.2f} {scale.y(loss):.2f}" for step, loss in points)


def _strips(points: Points, scale: _Scale) -> str:
    """Unseen, from top to bottom: each tells the loss where it stands."""
    chosen = points[:: max(1, math.ceil(len(points) / STRIPS))]
    reach = scale.x(chosen[-1][0]) - scale.x(chosen[0][0])
    width = reach / max(1, len(chosen) - 1) or 1.0
    return "".join(
        f'<rect class="strip" x="{scale.x(step) - width / 2:.2f}" y="0" width="{width:.2f}" height="100">'
        f"<title>{_step_text(step, loss)}</title></rect>"
        for step, loss in chosen
    )


def _step_text(step: float, loss: float) -> str:
    return f"step {int(step)}: {loss:.2f} nats"


def _in_words(train: Points, exam: Points) -> str:
    words = f"The loss fell from {train[0][1]:.2f} to {train[-1][1]:.2f} nats in {int(train[-1][0])} steps"
    return f"{words}; on held-out lessons it was {exam[-1][1]:.2f} at last." if exam else f"{words}."


def _steps(train: Points, total: int) -> str:
    done = int(train[-1][0])
    return f"{total} steps" if done >= total else f"{done} of {total} steps"


def _legend(train: Points, exam: Points) -> str:
    taught = f'<span><i class="key line"></i>taught {train[-1][1]:.2f}</span>'
    return taught + (f'<span><i class="key dots"></i>held out {exam[-1][1]:.2f}</span>' if exam else "")
