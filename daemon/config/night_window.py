"""
The setting `night_when`: the hours in which a night may begin, and what the machine must have for it.

Pure. `night/schedule.py` decides by it, and the configuration checks its syntax with `PATTERN`.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

NEEDS = ("power", "idle", "cool", "memory")
PATTERN = r"{t}\s*-\s*{t}(\s*,\s*({n}))*".format(t=r"([01]\d|2[0-3]):[0-5]\d", n="|".join(NEEDS))
ALLOWED = f"hours like 03:00-08:00, then any of {', '.join(NEEDS)}"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The setting `night_when`."""

    begins: time
    ends: time  # the same as `begins`: the whole day
    needs: frozenset[str] = frozenset(NEEDS)

    @property
    def length(self) -> timedelta:
        """How long the hours last, over midnight too."""
        day = datetime(2000, 1, 1).date()
        lasts = datetime.combine(day, self.ends) - datetime.combine(day, self.begins)
        return lasts if lasts > timedelta(0) else lasts + DAY


def read_when(text: str) -> When:
    """The setting as it is written, of the form `PATTERN`: "03:00-08:00, power, idle"."""
    hours, *needs = re.split(r"\s*,\s*", text.strip())
    begins, ends = (time.fromisoformat(each.strip()) for each in hours.split("-"))
    return When(begins=begins, ends=ends, needs=frozenset(needs))
