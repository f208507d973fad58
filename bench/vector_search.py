"""
How well and how quickly sqlite-vec's functions find the nearest vectors, in ways the store could have been built.

    python -m bench.vector_search locomo10.json chats/*.json --rows 100000 --kept vectors.npz

Sentences are those of LoCoMo's turns and of chats in BEAM's form (evaluation only); their questions are asked. Where
more rows are wanted than there are sentences, a vector moved by `SPREAD` of the difference of two others is one.

    bits        one or two a number: whether it is above 0, or above -0.5 and above 0.5, in units of 1 / √D
    bits in     an index of the vectors, as the store has it; a table of the kind; or there, what holds alone
    candidates  whose exact distance is taken
    cache       MiB of decrypted pages
    cpu, wall   milliseconds of a search; the machine may be busy, so compare with numpy's exact scan of the same run
    found       share of the 60 that an exact scan finds, in percent
"""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from bench.store import DAY, KEY, SPREAD
from daemon.embedding.choices import BUNDLED
from daemon.embedding.model import Model, bundled_folder
from daemon.memory.ranking import MEMORY_POOL
from store import vectors
from store.database import Connection, open_store, writing

QUESTIONS = 60
PAST = 0.05  # share of the memories that hold no more
_NEAREST = """with candidates as materialized (
        select id as place from {rows} order by vec_distance_hamming(vec_bit(bits), vec_bit(:bits)) limit :candidates)
    select id, vec_distance_cosine(vector, :vector) as distance
    from candidates join vectors on kind = 'memory' and id = place
    where exists (select 1 from memories where superseded_by is null and memories.id = vectors.id)
    order by distance limit 60"""

Vectors = npt.NDArray[np.float32]
T = TypeVar("T")


def sentences(files: Sequence[Path]) -> tuple[list[str], list[str]]:
    """All sentences that are said in these files, and all questions about them, each once."""
    said: dict[str, None] = {}
    asked: dict[str, None] = {}
    for file in files:
        for name, text in _texts(json.loads(file.read_text(encoding="utf-8"))):
            if name == "question":
                asked[text] = None
            else:
                parts = (part.strip(" -*#|`") for part in re.split(r"(?<=[.!?])\s+|\n+", text))
                said |= {part: None for part in parts if 3 <= len(part.split()) <= 60}
    return list(said), list(asked)


def _texts(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, list):
        for one in found:
            yield from _texts(one)
    elif isinstance(found, dict):
        for name, one in found.items():
            if name in ("text", "content", "question") and isinstance(one, str):
                yield name, one
            else:
                yield from _texts(one)


def embedded(files: Sequence[Path], kept: Path | None) -> tuple[Vectors, Vectors]:
    """Vectors of the sentences in a random order, and of the questions; read from `kept` where it is there."""
    if kept is not None and kept.exists():
        found = np.load(kept)
        return found["said"], found["asked"]
    draw = np.random.default_rng(0)
    said, asked = (list(draw.permutation(texts)) for texts in sentences(files))
    model = Model(BUNDLED, allow_download=False, threads=2, bundled=bundled_folder())
    made = model.embed(said), model.embed(asked[: 4 * QUESTIONS])
    if kept is not None:
        np.savez(kept, said=made[0], asked=made[1])
    return made


def as_many(real: Vectors, wanted: int) -> Vectors:
    """The first of these, or mixtures of them behind all."""
    draw = np.random.default_rng(0)
    first, second, third = draw.integers(0, len(real), (3, max(0, wanted - len(real))))
    made = real[first] + np.float32(SPREAD) * (real[second] - real[third])
    return np.concatenate([real[:wanted], made / np.linalg.norm(made, axis=1, keepdims=True)])


def one_bit(vector: Vectors) -> bytes:
    """A bit for each number: whether it is above 0."""
    return np.packbits(vector > 0).tobytes()


def fill(file: Path, made: Vectors) -> None:
    """A store with these memories, their bits also in tables of their own."""
    db = open_store(file, KEY)
    vectors.prepare(db, "bench", made.shape[1])
    for bits in ("one", "two"):
        db.execute(f"create table {bits}_bits (id integer primary key, bits blob not null) strict")
    past = np.random.default_rng(1).random(len(made)) < PAST
    for start in range(0, len(made), 5000):
        with writing(db):
            numbers = range(start + 1, min(start + 5000, len(made)) + 1)
            db.executemany(
                "insert into memories (text, told_on, valid_from, trust) values (?, ?, ?, 'user')",
                [(f"The user said sentence {n}.", DAY.isoformat(), DAY.isoformat()) for n in numbers],
            )
            vectors.put(db, "memory", numbers, made[start : start + 5000])
            ones = [(n, one_bit(made[n - 1])) for n in numbers]
            db.executemany("insert into one_bits values (?, ?)", ones)
    with writing(db):
        db.execute("insert into two_bits select id, bits from vectors order by id")
        replaced = [(int(n) + 1,) for n in np.flatnonzero(past)]
        db.executemany("update memories set superseded_by = id where id = ?", replaced)
    db.close()


def exact(db: Connection, made: Vectors, asked: Vectors) -> tuple[list[set[int]], float]:
    """The ids of the nearest for each question, and milliseconds of numpy's exact scan for one."""
    ids, stored = vectors.stored(db, "memory")
    taken = [_ms(lambda: stored @ one)[1] for one in asked]  # noqa: B023
    nearest = [np.argpartition(-(stored @ one), MEMORY_POOL)[:MEMORY_POOL] for one in asked]
    return [{ids[place] for place in places} for places in nearest], float(np.median(taken))


def rows_of(db: Connection, asked: Vectors, wanted: Sequence[set[int]]) -> Iterator[list[str]]:
    """Each way with what was measured, as texts."""
    past = "where id not in (select id from memories where superseded_by is not null)"
    stored = "vectors indexed by vectors_by_bits where kind = 'memory'"
    ways = [
        *[("1", "own", "one_bits", n, 128) for n in (512, 1024, 2048)],
        *[("2", "own", "two_bits", n, 128) for n in (512, 1024, 2048)],
        ("2", "own, held", f"two_bits {past}", 1024, 128),
        *[("2", "index", stored, n, 128) for n in (512, 1024, 2048)],
        *[("2", "index", stored, 1024, mib) for mib in (16, 64, 256)],
    ]
    for bits, where, rows, candidates, mib in ways:
        db.pragma("cache_size", -1024 * mib)
        sql = _NEAREST.format(rows=rows)
        packed = one_bit if bits == "1" else _two_bits(db)
        cpu, wall, found = [], [], []
        for place, one in enumerate([*asked[:5], *asked]):  # the first ones fill the cache
            given = {"bits": packed(one), "vector": one.tobytes(), "candidates": candidates}
            ids, wall_ms, cpu_ms = _search(db, sql, given)
            if place >= 5:
                cpu.append(cpu_ms)
                wall.append(wall_ms)
                found.append(len(ids & wanted[place - 5]) / MEMORY_POOL)
        times = [f"{np.percentile(one, at):.1f}" for one in (cpu, wall) for at in (50, 95)]
        yield [bits, where, str(candidates), str(mib), *times, f"{100 * np.mean(found):.2f}"]


def _two_bits(db: Connection) -> Callable[[Vectors], bytes]:
    return lambda one: bytes(db.execute("select vector_bits(?)", (one.tobytes(),)).get)


def _search(db: Connection, sql: str, given: dict[str, Any]) -> tuple[set[int], float, float]:
    cpu = time.thread_time()
    found, wall_ms = _ms(lambda: {id for id, _ in db.execute(sql, given)})
    return found, wall_ms, 1000 * (time.thread_time() - cpu)


def _ms(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    done = work()
    return done, 1000 * (time.perf_counter() - began)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, help="LoCoMo's file, chats in BEAM's form")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument(
        "--kept", type=Path, help="vectors of an earlier run of these files, or where to put them"
    )
    given = parser.parse_args()
    real, asked = embedded(given.files, given.kept)
    made, asked = as_many(real, given.rows), asked[:QUESTIONS]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.db"
        fill(file, made)
        db = open_store(file, KEY)
        wanted, numpy_ms = exact(db, made, asked)
        title = f"{len(made)} vectors, {min(len(real), len(made))} of real sentences; numpy exact: {numpy_ms:.1f} ms"
        names = ("bits", "bits in", "candidates", "cache", "cpu 50", "cpu 95", "wall 50", "wall 95", "found")
        table = Table(*names, title=title, box=None)
        for row in rows_of(db, asked, wanted):
            table.add_row(*row)
        db.close()
    Console().print(table)


if __name__ == "__main__":
    main()
