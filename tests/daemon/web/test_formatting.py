"""Days and sizes in words."""

from datetime import date

import pytest

from daemon.web import formatting

YEAR = date.today().year


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (1000, "1.0 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (2.5e9, "2.5 GB"),
        (3e15, "3,000 TB"),
    ],
)
def test_a_size_is_given_in_the_unit_that_fits(number, words):
    assert words == formatting.size(number)


@pytest.mark.parametrize(
    ("day", "words"), [(f"{YEAR}-03-05", "5 March"), (f"{YEAR - 1}-03-05", f"5 March {YEAR - 1}")]
)
def test_a_day_of_another_year_has_its_year(day, words):
    assert words == formatting.day(day)
