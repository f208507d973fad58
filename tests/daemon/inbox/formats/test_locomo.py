"""The real LoCoMo file, where somebody has it: never part of this project (CC BY-NC, for evaluation only)."""

import json
import os
import re
from pathlib import Path

import pytest

from daemon.inbox.importer import take_in
from daemon.memory.indexing import index_missing
from store import chats, full_text, vectors
from tests.daemon.memory.fakes import FakeEmbedder, open_store_thread

pytestmark = pytest.mark.skipif("LOCOMO" not in os.environ, reason="LOCOMO does not point to locomo10.json")


async def test_every_turn_of_conv_30_is_found_by_id_by_text_and_by_vector_and_twice_adds_nothing(tmp_path):
    everything = json.loads(Path(os.environ["LOCOMO"]).read_text(encoding="utf-8"))
    sample = next(one for one in everything if one["sample_id"] == "conv-30")
    turns = [
        turn for key, value in sample["conversation"].items() if isinstance(value, list) for turn in value
    ]

    async with open_store_thread(tmp_path) as store_thread:
        (tmp_path / "conv-30.json").write_text(json.dumps([sample]))
        (tmp_path / "again.json").write_text(json.dumps(sample, indent=1))
        first = await take_in(store_thread, tmp_path / "conv-30.json", largest=2**25)
        again = await take_in(store_thread, tmp_path / "again.json", largest=2**25)
        await index_missing(store_thread, FakeEmbedder())
        lost = []
        for turn in turns:
            message = await store_thread.run(chats.by_external_id, f"conv-30:{turn['dia_id']}")
            by_text = {id for id, _ in await store_thread.run(full_text.search, "message", message.text, 20)}
            wordless = not re.search(r"\w", message.text)  # one turn is ";)"
            if turn["text"].strip() not in message.text or not (wordless or message.id in by_text):
                lost.append(turn["dia_id"])
        missing, count = (
            await store_thread.run(vectors.missing, "message"),
            await store_thread.run(chats.count),
        )

    assert (19, 369, 0, 369) == (first.sessions, first.turns, again.turns, again.skipped)
    assert ([], [], 369) == (lost, missing, count)
