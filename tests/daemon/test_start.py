"""The start: which model is served."""

import re

import pytest

from daemon.config import Config
from daemon.errors import BadValue, ModelMissing
from daemon.start import find_model, nano


def test_without_a_model_nano_is_served():
    assert nano() == find_model(Config(), "default")


def test_a_model_that_is_not_there_is_named_with_its_origin(tmp_path):
    with pytest.raises(ModelMissing, match="model, TSUBASA_MODEL"):
        find_model(Config(model=str(tmp_path / "x.gguf")), "TSUBASA_MODEL")


def test_a_model_of_a_user_who_does_not_exist_is_a_wrong_value():
    with pytest.raises(BadValue, match=re.escape("TSUBASA_MODEL: model can't be '~nobody-of-us/x.gguf'")):
        find_model(Config(model="~nobody-of-us/x.gguf"), "TSUBASA_MODEL")
