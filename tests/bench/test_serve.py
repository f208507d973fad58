"""How replies are summed up; the measuring itself starts a daemon and is tried by hand."""

from bench.serve import summary


def test_a_reply_is_told_by_its_quickest_its_median_and_its_tail():
    assert {"models": {"quickest": 1, "median": 50.5, "p99": 99.01}} == summary({"models": [*range(1, 101)]})
