"""What docs/trust.md promises is tried by tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_each_row_names_tests_that_are_there():
    named = set(NAMED.findall((ROOT / "docs" / "trust.md").read_text(encoding="utf-8")))
    there = {
        (file, test)
        for file, test in named
        if re.search(rf"^(?:async )?def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert len(named) > 40
    assert set() == named - there


def test_each_row_of_a_table_names_a_test():
    lines = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.endswith("| test |")]

    assert [] == [row for row in rows if not NAMED.search(row)]
