"""The loss curve as a picture."""

import re
from xml.etree import ElementTree

from daemon.web.nights.loss_chart import curve_svg
from tests.daemon.web.life import curve


def drawn(found):
    return ElementTree.fromstring(curve_svg(found))


def test_it_says_in_words_what_it_shows():
    told = drawn({"train": [[1, 2.0], [2, 0.5]], "exam": [[2, 0.75]], "total": 2}).get("aria-label")

    assert "The loss fell from 2.00 to 0.50 nats in 2 steps; on held-out lessons it was 0.75 at last." == told


def test_the_line_goes_from_left_to_right_and_downwards():
    svg = curve_svg(curve(1))
    line = re.search(r'class="line" d="M([^"]*)"', svg).group(1)
    points = [tuple(map(float, one.split())) for one in line.split(" L")]

    assert (0.0, 100.0) == (points[0][0], points[-1][0])
    assert points[0][1] < 20 and points[-1][1] > 80
    assert 10 == svg.count("dot-exam")


def test_a_night_half_done_leaves_the_rest_of_the_picture_free():
    half = {**curve(1), "train": curve(1)["train"][:90]}
    points = re.search(r'class="line" d="M([^"]*)"', curve_svg(half)).group(1)

    assert "90 of 180 steps" in curve_svg(half) and ">180 steps" in curve_svg(curve(1))
    assert 49 < float(points.split(" L")[-1].split()[0]) < 51


def test_who_points_at_the_curve_is_told_the_loss_there():
    svg = curve_svg({"train": [[step, 2.0] for step in range(1, 1001)], "exam": [[500, 0.25]], "total": 1000})
    strips = re.findall(r'<rect class="strip" x="([^"]*)"[^>]*><title>step (\d+): 2.00 nats</title>', svg)
    edges = [float(left) for left, _ in strips]

    assert 100 < len(strips) <= 120
    assert "step 500: 0.25 nats on held-out lessons" in svg
    assert max(right - left for left, right in zip(edges, edges[1:], strict=False)) < 1


def test_nothing_to_draw_is_said():
    for nothing in (None, {"train": [], "exam": [], "total": 0}):
        assert "The curve appears once the learning begins." in curve_svg(nothing)


def test_odd_numbers_are_drawn_too():
    for train in ([[1, 0.0]], [[1, 1e9], [2, 0.0]], [[7, 0.5]]):
        assert drawn({"train": train, "exam": [], "total": 1}) is not None


def test_one_step_that_is_far_off_does_not_press_the_others_flat():
    losses = [1.0] * 20 + [0.0] + [0.5] * 20
    svg = curve_svg({"train": [[step, loss] for step, loss in enumerate(losses, 1)], "exam": [], "total": 41})
    line = re.search(r'class="line" d="M([^"]*)"', svg).group(1)
    heights = [float(point.split()[1]) for point in line.split(" L")]

    assert max(heights) - min(heights) > 50
    assert "100.00" in re.search(r'class="raw" d="M([^"]*)"', svg).group(1)
