"""The loss curve as a picture."""

import re
from xml.etree import ElementTree

import pytest

from daemon.web.nights.loss_chart import curve_svg
from tests.daemon.web.life import curve


def points_of(svg, line="line"):
    path = re.search(rf'class="{line}" d="M([^"]*)"', svg).group(1)
    return [tuple(map(float, one.split())) for one in path.split(" L")]


def test_the_line_goes_from_left_to_right_and_downwards():
    svg = curve_svg(curve(1))
    points = points_of(svg)

    assert (0.0, 100.0) == (points[0][0], points[-1][0])
    assert points[0][1] < 20 and points[-1][1] > 80
    assert 10 == svg.count("dot-exam")


def test_a_night_half_done_leaves_the_rest_of_the_picture_free():
    half = {**curve(1), "train": curve(1)["train"][:90]}

    assert 49 < points_of(curve_svg(half))[-1][0] < 51


def test_who_points_at_the_curve_is_told_the_loss_there():
    svg = curve_svg({"train": [[step, 2.0] for step in range(1, 1001)], "exam": [[500, 0.25]], "total": 1000})
    strips = re.findall(r'<rect class="strip" x="([^"]*)"[^>]*><title>step (\d+): 2.00 nats</title>', svg)
    edges = [float(left) for left, _ in strips]

    assert 100 < len(strips) <= 120
    assert "step 500: 0.25 nats on held-out lessons" in svg
    assert max(right - left for left, right in zip(edges, edges[1:], strict=False)) < 1


def test_one_step_that_is_far_off_does_not_press_the_others_flat():
    losses = [1.0] * 20 + [0.0] + [0.5] * 20
    svg = curve_svg({"train": [[step, loss] for step, loss in enumerate(losses, 1)], "exam": [], "total": 41})
    heights = [height for _, height in points_of(svg)]

    assert max(heights) - min(heights) > 50
    assert 100.0 in [height for _, height in points_of(svg, "raw")]


@pytest.mark.parametrize("train", [[], [[1, 0.0]], [[1, 1e9], [2, 0.0]], [[7, 0.5]]], ids=str)
def test_odd_numbers_or_none_are_drawn_too(train):
    assert ElementTree.fromstring(curve_svg({"train": train, "exam": [], "total": 1})) is not None
