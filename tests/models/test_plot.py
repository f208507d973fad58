"""The curve of a training run: every look is a point, and what is no line of scores is left out."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from models.skills.plot import curves, svg

LOOK = {"observe": {"f1": 0.5, "facts": 30}, "answer": {"share": 0.25, "right": 1, "cases": 4}}


def written(folder, *lines):
    (folder / "scores.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_each_part_has_its_points_in_the_order_of_the_tokens(tmp_path):
    later = {"tokens": 900, "scores": {"answer": {"share": 0.75}, "typed": {"share": None}}}

    found = curves(written(tmp_path, json.dumps(later), json.dumps({"tokens": 100, "scores": LOOK})))

    assert {"observe": [(100.0, 0.5)], "answer": [(100.0, 0.25), (900.0, 0.75)]} == found


def test_a_picture_has_a_mark_for_every_point(tmp_path):
    found = curves(written(tmp_path, json.dumps({"tokens": 100, "scores": LOOK}), '{"tokens": 3', "[]"))

    drawn = ElementTree.fromstring(svg(found))

    assert 2 == sum(one.tag.endswith("circle") for one in drawn.iter())


def test_a_run_without_scores_is_told_so(tmp_path):
    with pytest.raises(SystemExit, match=r"There is no .*scores\.jsonl"):
        curves(tmp_path)
    with pytest.raises(SystemExit, match="has no scores yet"):
        curves(written(tmp_path, ""))
