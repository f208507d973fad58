from bench.intervals import difference, interval, percent


def test_a_share_is_in_percent():
    assert 75.0 == percent([True, True, True, False])


def test_nothing_asked_is_nothing_right():
    assert 0.0 == percent([])
    assert (0.0, 0.0) == interval([])


def test_all_right_leaves_no_doubt():
    assert (100.0, 100.0) == interval([True] * 20)


def test_an_interval_lies_around_the_share():
    low, high = interval([True] * 30 + [False] * 10)

    assert 55 < low < 75 < high < 90


def test_more_questions_make_a_narrower_interval():
    few, many = interval([True, False] * 10), interval([True, False] * 1000)

    assert few[0] < many[0] < 50 < many[1] < few[1]


def test_a_difference_is_paired():
    mean, low, high = difference([True] * 50 + [False] * 50, [True] * 40 + [False] * 60)

    assert 10.0 == mean
    assert 4 < low < 10 < high < 17
