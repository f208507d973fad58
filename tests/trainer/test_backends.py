"""Which backend is chosen, and what is said of the others."""

import platform
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from trainer import backends
from trainer.errors import OutOfMemory, TrainerError
from trainer.gguf_affine import unreadable
from trainer.gguf_model import open_model
from trainer.recipe import Recipe

ROOT = Path(__file__).parents[2]
APPLE = sys.platform == "darwin" and platform.machine() == "arm64"
CUDA = torch.cuda.is_available()


def reasons(path: Path, **recipe: object) -> dict[str, str | None]:
    return dict(backends.reasons_against(open_model(path), Recipe(**recipe)))


def test_on_auto_cuda_is_asked_first_then_mlx_and_a_cpu_always_can(tiny):
    found = reasons(tiny)

    assert ["cuda", "mlx", "cpu"] == list(found)
    assert (None if CUDA else "torch finds no CUDA device") == found["cuda"]
    assert (None if APPLE else "this is no Apple silicon") == found["mlx"]
    assert found["cpu"] is None


@pytest.mark.skipif(CUDA or APPLE, reason="auto chooses something better here")
def test_on_auto_the_cpu_trains_where_nothing_else_can(tiny):
    assert backends.open_backend(open_model(tiny), Recipe(), 1).name.startswith("torch, cpu")


def test_a_recipe_can_ask_for_mlx_anywhere(tiny):
    found = reasons(tiny, device="mlx")

    assert {"cuda": "the recipe asks for 'mlx'", "mlx": None, "cpu": "the recipe asks for 'mlx'"} == found
    assert backends.open_backend(open_model(tiny), Recipe(device="mlx"), 1).name.startswith("mlx, ")


@pytest.mark.skipif(CUDA, reason="there is a CUDA device")
def test_when_none_can_each_ones_reason_is_said_in_one_line(tiny):
    with pytest.raises(TrainerError) as raised:
        backends.open_backend(open_model(tiny), Recipe(device="cuda"), 1)
    message = str(raised.value)

    assert all(name in message for name in backends.MODULES)
    assert "\n" not in message


def test_a_card_that_is_too_small_leaves_the_night_to_the_cpu(tiny, monkeypatch, caplog):
    monkeypatch.setitem(backends.MODULES, "cuda", "tests.trainer.small_card")
    model = open_model(tiny)

    assert not backends.open_backend(model, Recipe(), 1).name.startswith("torch, cuda")
    assert "not on cuda: the model doesn't fit in the card's memory" in caplog.text
    with pytest.raises(OutOfMemory, match="while loading the model"):
        backends.open_backend(model, Recipe(device="cuda"), 1)


def test_a_library_that_fails_with_an_oserror_is_a_reason(tiny, monkeypatch):
    monkeypatch.setitem(backends.MODULES, "cuda", "tests.trainer.broken_library")

    assert "libcudart.so" in reasons(tiny)["cuda"]


@pytest.mark.parametrize(
    ("base", "device", "refused"),
    [("nf4", "mlx", True), ("nf4", "cpu", True), ("held", "cuda", True), ("held", "cpu", False)],
)
def test_four_bits_are_for_cuda_only_and_a_base_as_in_the_file_is_not(tiny, base, device, refused):
    found = reasons(tiny, base=base, device=device)[device] or ""

    assert refused == (base in found)


def test_a_quantisation_that_nobody_can_undo_is_found_out_by_its_name():
    known = {kind.name for kind in gguf.GGMLQuantizationType if unreadable(tensor_of(kind)) is None}

    assert {"F32", "F16", "BF16", "Q8_0", "Q4_K", "Q6_K", "IQ4_XS"} <= known
    assert "Q8_K" == unreadable(tensor_of(gguf.GGMLQuantizationType.Q8_K))


def tensor_of(kind: gguf.GGMLQuantizationType) -> gguf.ReaderTensor:
    size, width = gguf.GGML_QUANT_SIZES[kind]
    plain = {gguf.GGMLQuantizationType.F32: np.float32, gguf.GGMLQuantizationType.F16: np.float16}
    data = np.zeros((1, size), plain[kind]) if kind in plain else np.zeros((1, width), np.uint8)
    return gguf.ReaderTensor("x", kind, np.array([size, 1]), size, data.nbytes, 0, data, None)


def run(*argv: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, argv)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(("library", "device"), [("mlx", "mlx"), ("torch", "cuda")])
def test_a_library_that_is_absent_is_a_reason_and_the_rest_goes_on(tiny, library, device):
    """In a process of its own, where the library can't be found."""
    said = run(
        "-c",
        f"import sys; sys.modules[{library!r}] = None\n"
        "from pathlib import Path; from trainer import backends; from trainer.gguf_model import open_model\n"
        "from trainer.recipe import Recipe\n"
        f"recipe = Recipe(device={device!r})\n"
        f"print(dict(backends.reasons_against(open_model(Path({str(tiny)!r})), recipe))[{device!r}])",
    )

    assert said.stdout.startswith(library), said.stderr
    assert 1 == said.stdout.count("\n")


def test_the_command_prints_a_line_for_each(tiny, tmp_path):
    command = ("-m", "trainer")
    said, wrong = run(*command, "--backends", tiny), run(*command, "--help")
    nowhere = run(*command, "--backends", tmp_path / "x.gguf")

    assert ["cuda", "mlx", "cpu"] == [line.split(":")[0] for line in said.stdout.splitlines()]
    assert (0, 1, 2) == (said.returncode, nowhere.returncode, wrong.returncode)
    assert "x.gguf" in nowhere.stderr
    assert (1, 1) == (nowhere.stderr.count("\n"), wrong.stderr.count("\n"))
