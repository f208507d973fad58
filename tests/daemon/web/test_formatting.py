"""Days, sizes and counts in words."""

from datetime import date

import pytest

from daemon import text
from daemon.web import formatting

TODAY = date.today()


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (12_345, "12 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (2.5e9, "2.5 GB"),
        (3e15, "3,000 TB"),
    ],
)
def test_a_size_is_told_in_the_unit_that_fits(number, told):
    assert told == formatting.size(number)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1, "1 second"),
        (42, "42 seconds"),
        (486, "8 minutes"),
        (3600, "60 minutes"),
        (7500, "2 hours and 5 minutes"),
    ],
)
def test_a_length_of_time_is_told_as_one_would_say_it(seconds, told):
    assert told == text.spell(seconds)


def test_a_day_of_another_year_has_its_year():
    assert f"5 March {TODAY.year - 1}" == formatting.day(f"{TODAY.year - 1}-03-05")
    assert "5 March" == formatting.day(f"{TODAY.year}-03-05")


def test_few_are_spelled_and_many_are_counted():
    assert ["no memories", "one memory", "twelve memories", "1,300 memories"] == [
        text.spelled(number, "memory", "memories") for number in (0, 1, 12, 1300)
    ]


def test_a_sentence_begins_large_and_ends():
    assert ["It failed.", "Why?", ""] == [text.sentence(one) for one in ("it failed", "why?", " ")]
