"""What the setting `models` names, and what is said of an entry that can't be used."""

import pytest

from daemon.config.settings import Config
from daemon.further_models.entries import Entry, Unusable, name_of, names_of, read
from daemon.hardware.offload_plan import Card, Hardware
from daemon.home import Home
from tests.tiny import write_model

GIB = 2**30
HARDWARE = Hardware(cores=2, memory=8 * GIB)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "models").mkdir()
    write_model(tmp_path / "main.gguf")
    return Home(tmp_path)


def found(home, *models, hardware=HARDWARE, **config):
    return read(Config(models=models, **config), home, hardware, main=home.path / "main.gguf")[1]


def why(home, *models, **more):
    (one,) = [one for one in found(home, *models, **more) if isinstance(one, Unusable)]
    return one.why


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("/m/Qwen3-0.6B-Q4_K_M.gguf", "Qwen3-0.6B-Q4_K_M"),
        ("qwen3-0.6b", "qwen3-0.6b"),
        ("~/a b/Big-00001-of-00003.gguf", "Big"),
        ("x.GGUF", "x"),
        ("nano", "nano"),
    ],
)
def test_a_model_is_asked_for_by_the_name_of_its_file(entry, name):
    assert name == name_of(entry)


def test_of_two_of_one_name_the_first_is_asked_and_the_names_of_the_main_model_are_its_own():
    assert ("b", "a", "c") == names_of(["/1/b.gguf", "a", "/2/B.gguf", "c", "/x/tsubasa-7b.gguf"])


def test_a_path_a_pulled_file_and_a_name_that_comes_with_tsubasa_are_models(home):
    outside = write_model(home.path / "one.gguf", seed=2)
    pulled = write_model(home.models / "two.gguf", seed=3)
    by_table = write_model(home.models / "Qwen3-0.6B-Q4_K_M.gguf", seed=4)
    entries = found(home, str(outside), "two.gguf", "qwen3-0.6b", "nano")

    assert ["one", "two", "qwen3-0.6b", "nano"] == [one.name for one in entries]
    assert [outside, pulled, by_table] == [one.path for one in entries[:3]]
    assert all(isinstance(one, Entry) and one.needed > 80 * 2**20 for one in entries)
    assert [512] * 3 == [one.n_ctx for one in entries[:3]]


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (["/nowhere/x.gguf"], "there is no such file"),
        (["qwen3-0.6b"], "not on this machine yet. Fetch it: tsubasa pull qwen3-0.6b --no-use."),
        (["little"], "tsubasa pull little --no-use"),
        (["~nobody-of-us/x.gguf"], "home of nobody here"),
        (["/tmp"], "there is no such file"),
        (["/tmp/" + "x" * 300], "can't be read (File name too long)"),
        (["a\0b"], "there is no such file"),
        (["HOME/main.gguf"], "it is the main model already"),
        (["HOME/models/one.gguf", "HOME/models/more/one.gguf"], "by a name of '"),
        (["HOME/models/tsubasa2.gguf"], "by a name of the main model"),
        (["HOME/models/mute.gguf"], "no chat template"),
        (["HOME/models/noise.gguf"], "not a GGUF file"),
    ],
    ids=lambda given: str(given)[-40:],
)
def test_an_entry_that_can_not_be_used_is_one_line_and_leaves_the_others_alone(home, models, told):
    (home.models / "more").mkdir()
    for name in ("one", "more/one", "tsubasa2", "good"):
        write_model(home.models / f"{name}.gguf", seed=2)
    write_model(home.models / "mute.gguf", template=None)
    (home.models / "noise.gguf").write_bytes(b"noise")
    models = [one.replace("HOME", str(home.path)) for one in models]

    line = why(home, *models, "good.gguf")

    assert told in line
    assert "\n" not in line and line.endswith(".")
    assert "good" == found(home, *models, "good.gguf")[-1].name


def test_a_file_without_a_template_takes_the_one_of_the_settings_and_any_other_keeps_its_own(home):
    write_model(home.models / "mute.gguf", template=None)
    write_model(home.models / "own.gguf")
    entries = found(home, "mute.gguf", "own.gguf", chat_template="chatml")

    assert ["chatml", ""] == [one.chat_template for one in entries]


def test_what_never_fits_beside_the_main_model_is_told_unless_a_card_takes_it(home):
    write_model(home.models / "one.gguf", seed=2)
    small = Hardware(cores=2, memory=150 * 2**20)
    card = Card(name="RTX 2070", total=8 * GIB, free=8 * GIB)

    assert "there are 157.3 MB" in why(home, "one.gguf", hardware=small)
    with_card = Hardware(cores=2, memory=small.memory, cards=(card,), offload="CUDA")
    assert isinstance(found(home, "one.gguf", hardware=with_card)[0], Entry)
