"""The bench of a long day: what grows is named, what only fills its caches or its log is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.load import growth, not_flat, plot

ROOT = Path(__file__).parents[2]


def day(**ways):
    """Forty samples; each quantity as a function of the share of the day that is over."""
    return [{name: float(way(n / 39)) for name, way in ways.items()} for n in range(40)]


def test_what_grows_all_day_is_named_and_what_fills_up_first_or_keeps_what_was_said_is_not():
    seen = day(
        daemon_mb=lambda share: 100 + 60 * share,
        engine_mb=lambda share: 200 if share > 0.1 else 50,
        daemon_fds=lambda share: 20,
        wal_mb=lambda share: 1 + 9 * share,
        store_mb=lambda share: 1 + 99 * share,
    )

    assert ["daemon_mb"] == not_flat(growth(seen))
    assert 4 == plot([one | {"embedder_mb": 1.0} for one in seen], 20).count("<polyline")


@pytest.mark.soak
def test_five_minutes_of_four_clients_leave_nothing_behind():
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", "--minutes", "5", "--rush", "100", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert [] == json.loads(done.stdout)["grew"]
