"""The hours of a night, and what it needs, as the setting has them."""

import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.config.night_window import NEEDS, PATTERN, read_when

HOURS = st.times().map(lambda at: f"{at:%H:%M}")


@given(HOURS, HOURS, st.lists(st.sampled_from(NEEDS)), st.sampled_from([",", ", ", " , "]))
def test_every_setting_of_the_form_is_understood(begins, ends, needs, comma):
    text = comma.join([f"{begins}-{ends}", *needs])

    when = read_when(text)

    assert re.fullmatch(PATTERN, text)
    assert (f"{when.begins:%H:%M}", f"{when.ends:%H:%M}", frozenset(needs)) == (begins, ends, when.needs)
    assert timedelta(0) < when.length <= timedelta(days=1)
