"""Base and adapter as one file: what llama.cpp computes with it, and what becomes of one that can't be made."""

import hashlib
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import pytest

from daemon.engine import merge_adapter as merging
from daemon.engine.merge_adapter import MergeError, merge
from daemon.errors import DaemonError
from daemon.generations import export_gguf
from daemon.generations.export_gguf import of_generation
from daemon.processes.process import environment
from models.skills.adapter_file import write as write_skills
from tests import tiny
from tests.trainer import random_models
from tests.trainer.llama_oracle import LlamaOracle, quantise
from trainer.architectures import MATRICES
from trainer.gguf_model import open_model

Q6_K = gguf.GGMLQuantizationType.Q6_K
NANO = Path(__file__).parents[3] / "models" / "nano" / "nano.gguf"
TEXT = "<|im_start|>user\nWhere do I live?<|im_end|>\n<|im_start|>assistant\nYou live in Ghent."
TOLERANCE = {  # largest and mean difference of a logit; nano's have a range of about 30
    "MOSTLY_F16": (0.02, 0.002),
    "MOSTLY_Q8_0": (0.6, 0.06),
    "MOSTLY_Q4_K_M": (1.5, 0.15),
}


def adapter_for(model, seed=3, strength=0.5):
    """A random adapter for any model, which moves its logits by one or more: much more than the tolerances."""
    random = np.random.default_rng(seed)
    path = model.with_suffix(".adapter.gguf")
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for tensor in gguf.GGUFReader(model).tensors:
        if len(tensor.shape) == 2 and tensor.name.startswith("blk."):
            columns, rows = tensor.shape
            low, high = random.normal(0, columns**-0.5, (4, columns)), random.normal(0, strength, (rows, 4))
            for half, values in (("a", low), ("b", high)):
                writer.add_tensor(f"{tensor.name}.lora_{half}", values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def last(model, adapter, out, **options):
    return list(merge(model, adapter.read_bytes(), out, **{"says": of_generation(3)} | options))[-1]


@pytest.fixture(scope="module")
def tiny_pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    model = tiny.write_model(folder / "tiny.gguf")
    return model, tiny.write_adapter(folder / "tiny.adapter.gguf", strength=0.1)


@pytest.fixture(scope="module", params=TOLERANCE)
def merged(request, tmp_path_factory):
    """Nano in one type: base, adapter, the merged file, and what the merge said at last."""
    folder = tmp_path_factory.mktemp(request.param)
    base = quantise(NANO, folder / "base.gguf", getattr(llama_cpp, f"LLAMA_FTYPE_{request.param}"))
    adapter, out = adapter_for(base), folder / "merged.gguf"
    return request.param, base, adapter, out, last(base, adapter, out)


def test_the_merged_file_computes_what_base_and_adapter_compute(merged):
    kind, base, adapter, out, done = merged
    with LlamaOracle(base) as oracle:
        tokens = oracle.tokens(TEXT, controls=True)
        alone, wanted = oracle.logits(tokens), oracle.logits(tokens, adapter)
    with LlamaOracle(out) as oracle:
        found = oracle.logits(tokens)

    worst, mean = TOLERANCE[kind]
    assert abs(found - wanted).max() < worst
    assert abs(found - wanted).mean() < mean < abs(alone - wanted).mean() / 2
    assert ("done", 35, out.stat().st_size) == (done["type"], done["changed"], done["bytes"])


def test_what_the_adapter_leaves_alone_stays_byte_by_byte(merged):
    kind, base, adapter, out, _ = merged
    before, after = gguf.GGUFReader(base), gguf.GGUFReader(out)
    changed = {tensor.name.rpartition(".")[0] for tensor in gguf.GGUFReader(adapter).tensors}
    old_values, new_values = (
        {
            name: (field.types, field.contents())
            for name, field in reader.fields.items()
            if "GGUF." not in name
        }
        for reader in (before, after)
    )

    assert {"tsubasa.private", "tsubasa.generation"} == new_values.keys() - old_values.keys()
    assert old_values == {key: value for key, value in new_values.items() if key in old_values}
    assert 3 == new_values["tsubasa.generation"][1]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert (old.name, *old.shape) == (new.name, *new.shape)
        if new.name not in changed:
            assert (old.tensor_type, old.data.tobytes()) == (new.tensor_type, new.data.tobytes())
        elif kind == "MOSTLY_Q4_K_M":
            assert Q6_K == new.tensor_type


def test_exact_types_keep_the_size_of_the_base(merged, tmp_path):
    _, base, adapter, out, _ = merged
    exact = last(base, adapter, tmp_path / "exact.gguf", types="same")["bytes"]

    assert abs(exact - base.stat().st_size) < 512
    assert exact <= out.stat().st_size


def test_the_merged_file_is_its_owners_alone_and_replaces_what_was_there(tiny_pair, tmp_path):
    out = tmp_path / "out.gguf"
    out.write_text("before")
    out.chmod(0o644)
    last(*tiny_pair, out)

    assert (0o600, b"GGUF") == (stat.S_IMODE(out.stat().st_mode), out.read_bytes()[:4])
    assert ["out.gguf"] == [one.name for one in tmp_path.iterdir()]


def broken(tiny_pair, tmp_path, *, model=None, adapter=None):
    out = tmp_path / "out.gguf"
    with pytest.raises(MergeError) as caught:
        list(merge(model or tiny_pair[0], adapter or tiny_pair[1].read_bytes(), out, says={}))

    assert not list(tmp_path.glob("*out.gguf*"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("adapter", "why"),
    [
        pytest.param(lambda whole, path: b"nothing", "GGUF", id="something else"),
        pytest.param(lambda whole, path: whole[: len(whole) // 2], "cut short", id="cut short"),
        pytest.param(
            lambda whole, path: tiny.write_adapter(path, alpha=False).read_bytes(),
            "alpha",
            id="without alpha",
        ),
        pytest.param(
            lambda whole, path: tiny.write_adapter(path, hidden=32).read_bytes(),
            "another model",
            id="narrower",
        ),
        pytest.param(
            lambda whole, path: whole[:-256] + np.full(64, np.nan, np.float32).tobytes(),
            "damaged",
            id="no numbers",
        ),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(tiny_pair, tmp_path, adapter, why):
    data = adapter(tiny_pair[1].read_bytes(), tmp_path / "adapter")

    assert why in broken(tiny_pair, tmp_path, adapter=data)


def test_a_model_cut_short_empty_or_another_one_is_refused(tiny_pair, tmp_path):
    cut, empty = tmp_path / "cut.gguf", tmp_path / "empty.gguf"
    cut.write_bytes(tiny_pair[0].read_bytes()[:-5000])
    empty.touch()

    assert "the model was cut short" in broken(tiny_pair, tmp_path, model=cut)
    assert broken(tiny_pair, tmp_path, model=empty)
    assert "made for another model" in broken(tiny_pair, tmp_path, model=NANO)


def test_what_was_merged_before_is_merged_again_and_llama_takes_it(tiny_pair, tmp_path):
    once, twice = tmp_path / "once.gguf", tmp_path / "twice.gguf"
    last(*tiny_pair, once)
    list(merge(once, tiny_pair[1].read_bytes(), twice, says=of_generation(4)))
    data, fields = twice.read_bytes(), gguf.GGUFReader(twice).fields
    with LlamaOracle(twice) as oracle:
        found = oracle.logits(oracle.tokens("hello", controls=True))

    assert (1, 1) == (data.count(b"tsubasa.private"), data.count(b"tsubasa.generation"))
    assert (4, export_gguf.NOTE[1]) == tuple(
        fields[f"tsubasa.{key}"].contents() for key in ("generation", "private")
    )
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("short", "fits"), [(0, True), (1, False)])
def test_the_room_that_is_asked_for_is_the_room_that_is_needed(tiny_pair, tmp_path, monkeypatch, short, fits):
    size = last(*tiny_pair, tmp_path / "first.gguf")["bytes"]
    written_by_then = gguf.GGUFReader(tmp_path / "first.gguf").data_offset
    just = shutil.disk_usage(tmp_path)._replace(free=size - written_by_then - short)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: just)
    if fits:
        assert size == last(*tiny_pair, tmp_path / "out.gguf")["bytes"]
    else:
        broken(tiny_pair, tmp_path)


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(tiny_pair, tmp_path):
    """The limit on the size of files stands for the disk's end."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from daemon.engine.merge_adapter import main; sys.exit(main())"
    )
    job = {
        "model": str(tiny_pair[0]),
        "sha256": _sha256(tiny_pair[0]),
        "out": str(tmp_path / "out.gguf"),
        "says": {},
        "types": "finer",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(job).encode() + b"\n" + tiny_pair[1].read_bytes(),
        capture_output=True,
        env=environment(),
    )

    assert (1, "File too large") == (done.returncode, json.loads(done.stdout.splitlines()[-1])["message"])
    assert [] == list(tmp_path.iterdir())


def test_a_child_does_the_work_and_says_how_far_it_is(tiny_pair, tmp_path):
    seen = []
    done = child(tiny_pair, tmp_path / "out.gguf", seen=seen)

    assert ((tmp_path / "out.gguf").stat().st_size, 14) == (done.bytes, done.changed)
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sha256": "0" * 64}, "is not the model that the adapter was trained on"),
        ({"model": Path("/nowhere/model.gguf")}, "can't be read"),
        ({"out": Path("/nowhere/out.gguf")}, "No such file"),
    ],
)
def test_a_child_that_can_not_do_it_says_why(tiny_pair, tmp_path, change, why):
    with pytest.raises(DaemonError, match=why):
        child(tiny_pair, tmp_path / "out.gguf", **change)

    assert [] == list(tmp_path.iterdir())


def child(tiny_pair, file, *, seen=None, **change):
    given = {"model": tiny_pair[0], "sha256": _sha256(tiny_pair[0]), "out": file} | change
    said = seen if seen is not None else []
    return export_gguf.merge(
        adapter=tiny_pair[1].read_bytes(),
        says=of_generation(1),
        on_progress=lambda done, total: said.append((done, total)),
        **given,
    )


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def skilled(tmp_path_factory):
    """A random Llama in Q4_1, skills in half precision for it, and both merged in Q8_0."""
    folder = tmp_path_factory.mktemp("skilled")
    model = random_models.random_model("llama", hidden=256, ffn=512, head_dim=64)
    plain = random_models.write_gguf(folder / "plain.gguf", model, gguf.GGMLQuantizationType.F16)
    base = quantise(plain, folder / "base.gguf", llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_1)
    shape, random, adapter = open_model(base).shape, np.random.default_rng(5), {}
    for name, (rows, columns) in ((one, size) for one, size in shape.expected().items() if len(size) == 2):
        if name.startswith("blk."):
            _, layer, matrix = name.split(".")
            place = f"base_model.model.model.layers.{layer}.{MATRICES[matrix]}.lora_{{}}.weight"
            adapter[place.format("A")] = random.normal(0, columns**-0.5, (8, columns)).astype(np.float32)
            adapter[place.format("B")] = random.normal(0, 0.5, (rows, 8)).astype(np.float32)
    write_skills(folder / "skills.gguf", adapter, shape, alpha=16.0, base_sha256=_sha256(base))
    out = folder / "out.gguf"
    last(
        base, folder / "skills.gguf", out, says={"general.name": "out", "tsubasa.taught": True}, types="q8_0"
    )
    return base, folder / "skills.gguf", out


def test_skills_merged_in_eight_bits_compute_what_base_and_skills_compute(skilled):
    base, adapter, out = skilled
    with LlamaOracle(base) as oracle:
        tokens = oracle.tokens("Where do I live? You live in Ghent.")
        alone, wanted = oracle.logits(tokens), oracle.logits(tokens, adapter)
    with LlamaOracle(out) as oracle:
        found = oracle.logits(tokens)

    assert abs(found - wanted).mean() < 0.1 * abs(alone - wanted).mean()


def test_in_eight_bits_all_matrices_are_q8_0_and_all_else_is_in_full_precision(skilled):
    reader = gguf.GGUFReader(skilled[2])
    kinds = {(len(tensor.shape), tensor.tensor_type.name) for tensor in reader.tensors}
    said = {
        key: reader.fields[key].contents() for key in ("general.name", "tsubasa.taught", merging.FILE_TYPE)
    }

    assert {(1, "F32"), (2, "Q8_0")} == kinds
    assert {"general.name": "out", "tsubasa.taught": True, merging.FILE_TYPE: 7} == said
