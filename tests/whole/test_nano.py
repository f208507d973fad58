"""The bundled model: what it is, and that it still does what its card says (fewer items, wider margins)."""

import json
import re
import subprocess
import sys
from math import comb

import gguf
import pytest

from tests.whole.house import NANO

CARD = NANO.with_name("card.md")
ITEMS = 50


def test_the_file_is_small_and_a_qwen3():
    reader = gguf.GGUFReader(NANO)

    assert "qwen3" == reader.fields["general.architecture"].contents()
    assert NANO.stat().st_size <= 16 * 1024 * 1024
    assert sum(int(tensor.n_elements) for tensor in reader.tensors) <= 12_000_000


@pytest.mark.soak
def test_it_does_what_its_card_says_on_values_it_has_never_seen():
    command = [sys.executable, "-m", "models.nano.evaluate", "--json", "--items", str(ITEMS), "--seed", "77"]
    scores = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    said = dict(re.findall(r"^\| (\w+) \| (0\.\d+|1\.0+) \|", CARD.read_text(encoding="utf-8"), re.MULTILINE))

    assert {"observe", "evolve", "ask", "answer", "abstain", "chat", "free_typed"} == set(said)
    assert {} == {
        name: (scores[name], value) for name, value in said.items() if too_low(scores[name], float(value))
    }


def too_low(measured: float, said: float) -> bool:
    """Whether so low a share of `ITEMS` items is no accident (one in a thousand) when the card is right."""
    right = round(measured * ITEMS)
    chances = (comb(ITEMS, n) * said**n * (1 - said) ** (ITEMS - n) for n in range(right + 1))
    return sum(chances) < 0.001
