"""`tsubasa status`, and `tsubasa pause` and `resume`, which it shows."""

import json

import pytest

from daemon.errors import Refused
from tests.daemon.api.world import nothing
from tests.daemon.cli.commands import run, typed, unwrapped
from tests.tiny import write_model
from tests.tray.house import house


@pytest.fixture
def home(tmp_path):
    with house(tmp_path / "home") as made:
        yield made


def test_logging_is_paused_and_resumed(home):
    folder = home.home.path
    paused = run(folder, "pause")
    between = run(folder, "status")
    assert not home.logging()
    run(folder, "resume")

    assert "tsubasa resume" in paused
    assert "Logging: paused" in between and "Logging: paused" not in run(folder, "status")
    assert "Logging: paused until 20" in run(folder, "pause", "--for", "30")
    told = [json.loads(run(folder, word, "--json")) for word in ("pause", "resume")]
    assert [{"on": False, "until": None}, {"on": True, "until": None}] == told


def test_a_wrong_length_pauses_nothing(home):
    for minutes in ("0", "-5", "soon", "2.5"):
        assert "Usage" in run(home.home.path, "pause", "--for", minutes)
    with pytest.raises(Refused, match="for_minutes"):
        run(home.home.path, "pause", "--for", "99999999")

    assert home.logging()


async def test_the_status_names_the_model_that_answers_where_none_is_set(tmp_path):
    (shown,) = await typed(tmp_path, nothing, ["status"])
    row = next(line.split() for line in shown.splitlines() if line.split()[1:2] == ["model"])

    assert "fake" in row


async def test_the_models_beside_it_are_told_with_their_memory_and_what_is_wrong_with_others(tmp_path):
    write_model(tmp_path / "fake.gguf")
    models = (str(write_model(tmp_path / "coder.gguf", seed=2)), "/nowhere/gone.gguf")
    (shown,) = await typed(tmp_path, nothing, ["status"], models=models)
    told = unwrapped(shown)

    assert "Beside it: coder (" in told and "while it answers): stopped" in told
    assert "gone.gguf': there is no such file" in told and "setting models right in config.toml" in told
    assert 1 == told.count("Beside it:")
