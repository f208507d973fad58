"""The trained network and the exported file are the same model."""

from dataclasses import asdict, replace

import gguf
import numpy as np
import pytest
import torch

from models.nano.export import export
from models.nano.model import Nano, Shape
from models.nano.muon import orthogonal
from models.nano.tokenizer import CHAT_TEMPLATE, load_tokenizer, train_tokenizer
from tests.trainer.llama_oracle import LlamaOracle

SHAPE = Shape(vocabulary=600, hidden=64, layers=2, heads=2, kv_heads=1, head_dim=48, ffn=96, context=256)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A random small nano, exported: the model and the path of its GGUF."""
    folder = tmp_path_factory.mktemp("nano")
    torch.manual_seed(3)
    train_tokenizer(1, items=60).save(str(folder / "tokenizer.json"))
    tokens = load_tokenizer(folder / "tokenizer.json").get_vocab_size()
    shape = replace(SHAPE, vocabulary=tokens)
    model = Nano(shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
        parameter.data = parameter.data.half().float()
    torch.save({"model": model.state_dict(), "shape": asdict(shape)}, folder / "nano.pt")
    export(folder, folder / "nano.gguf")
    return model, folder / "nano.gguf"


def test_llama_cpp_gives_the_logits_of_the_trained_network(exported):
    model, path = exported
    tokens = [1, 40, 7, 99, 250, 3, 77, 2]
    with torch.no_grad():
        ours = model.logits(model(torch.tensor([tokens])))[0].numpy()
    with LlamaOracle(path) as oracle:
        theirs = oracle.logits(tokens)

    assert np.abs(ours - theirs).max() < 0.02 * np.ptp(ours)


def test_the_file_holds_template_tokenizer_and_shape(exported):
    _, path = exported
    fields = gguf.GGUFReader(path).fields

    assert CHAT_TEMPLATE == fields["tokenizer.chat_template"].contents()
    assert "qwen3" == fields["general.architecture"].contents()
    assert SHAPE.head_dim == fields["qwen3.attention.key_length"].contents()
    assert not list(path.parent.glob("*.new"))


def test_an_orthogonal_update_has_singular_values_near_one():
    torch.manual_seed(1)
    for shape in ((40, 24), (24, 40)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(*shape)))

        assert 0.6 < values.min() and values.max() < 1.3
