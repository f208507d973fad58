"""Settings: where values come from, and what each mistake is told."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.night_window import NEEDS, PATTERN, read_when
from daemon.config.settings import Config, example, kinds, load
from daemon.errors import ConfigError

HOURS = st.times().map(lambda at: f"{at:%H:%M}")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


def test_default_then_file_then_environment_then_flag(file):
    file.write_text('port = 1\nthreads = 2\nn_ctx = 3\nmodel = "m.gguf"\n')

    settings = load(
        file,
        environment={"TSUBASA_THREADS": "20", "TSUBASA_N_CTX": "30", "TSUBASA_HOME": "/x"},
        flags={"n_ctx": 300, "model": None},
    )

    values = {key: (getattr(settings.config, key), settings.origin[key]) for key in kinds()}
    assert ("127.0.0.1", "default") == values["host"]
    assert (1, f"{file} line 1") == values["port"]
    assert (20, "TSUBASA_THREADS") == values["threads"]
    assert (300, "--n-ctx") == values["n_ctx"]
    assert ("m.gguf", f"{file} line 4") == values["model"]


@pytest.mark.parametrize(
    ("content", "environment", "told"),
    [
        ("# mine\n\nprot = 1\n", {}, "FILE line 3: unknown key 'prot'. Known keys: port, "),
        ("port = 1\n[server]\nport = 2\n", {}, "FILE line 2: unknown key 'server'"),
        ("port = 1\nthreads = = 2\n", {}, "FILE line 2: no valid TOML"),
        ("\xff\xfe", {}, "FILE"),
        ("port = 1\nport = 2\n", {}, "FILE"),
        ("port = " + "[" * 5000, {}, "FILE"),
        ('night_at = "03:00"\n', {}, 'night_when = "03:00-08:00, power'),
        ("", {"TSUBASA_NIGHT_AT": "03:00"}, 'night_when = "03:00-08:00, power'),
        ("", {"TSUBASA_PROT": "1"}, "TSUBASA_PROT"),
        ("", {"TSUBASA_PORT": "x"}, "TSUBASA_PORT: port can't be 'x'"),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_mistake_names_its_place_and_what_there_is(file, content, environment, told):
    file.write_bytes(content.encode("latin-1"))

    with pytest.raises(ConfigError, match=re.escape(told.replace("FILE", str(file)))):
        load(file, environment=environment)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('port = "4141"', "a whole number from 0 to 65535"),
        ("port = 70000", "a whole number from 0 to 65535"),
        ("port = true", "a whole number from 0 to 65535"),
        ("port = 1.5", "a whole number from 0 to 65535"),
        ('host = "0.0.0.0"', "127.0.0.1 or ::1 or localhost"),
        ("recall = 1", "true or false"),
        ('night_when = "25:00-08:00"', "hours like 03:00-08:00, then any of power, idle, cool, memory"),
        ('night_when = "03:00-08:00, wind"', "hours like 03:00-08:00"),
        ('night_when = "03:00"', "hours like 03:00-08:00"),
        ("idle_s = nan", "a number from 1 to 1e+07"),
        ("model = 7", "the path of a GGUF file"),
        ('models = "one"', "a list such as"),
        ("models = [1]", "a list such as"),
        ('models = ["a", " "]', "a list such as"),
        ("[port]", "a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_value_names_file_line_key_and_what_is_allowed(file, line, told):
    file.write_text("# one\n" + line + "\n")

    with pytest.raises(ConfigError) as caught:
        load(file, environment={})

    assert f"{file} line 2: " in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(("text", "value"), [("1", True), ("off", False), ("True", True), ("no", False)])
def test_the_environment_knows_many_words_for_yes_and_no(file, text, value):
    assert value == load(file, environment={"TSUBASA_RECALL": text}).config.recall


@pytest.mark.parametrize(
    ("written", "environment", "wanted"),
    [
        ('models = ["a b.gguf", "c,d.gguf"]', {}, ("a b.gguf", "c,d.gguf")),
        ("models = []", {}, ()),
        ("", {"TSUBASA_MODELS": " nano, /m/x.gguf ,"}, ("nano", "/m/x.gguf")),
        ('models = ["a"]', {"TSUBASA_MODELS": ""}, ()),
    ],
)
def test_a_list_is_a_list_in_the_file_and_has_commas_in_the_environment(file, written, environment, wanted):
    file.write_text(written)

    assert wanted == load(file, environment=environment).config.models


def test_a_file_that_an_editor_of_windows_began_with_a_mark_is_read(file):
    file.write_bytes(b"\xef\xbb\xbfport = 7\r\n")

    assert 7 == load(file, environment={}).config.port


def test_the_example_holds_every_default(file):
    active = re.sub(r"^# (\w+ = )", r"\1", example(), flags=re.MULTILINE)
    file.write_text(active)

    assert list(kinds()) == list(tomllib.loads(active))
    assert Config() == load(file, environment={}).config


def test_a_smaller_cache_without_flash_attention_is_refused_and_says_where_it_was_set(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('flash_attention = "off"\nkv_cache = "q8_0"\n')

    with pytest.raises(ConfigError, match="line 2: kv_cache .*flash_attention is off"):
        load(file, environment={})
    assert "q8_0" == load(file, environment={"TSUBASA_FLASH_ATTENTION": "auto"}).config.kv_cache


def test_the_documentation_shows_the_example():
    document = Path(__file__).parents[3] / "docs" / "configuration.md"

    assert f"```toml\n{example().rstrip()}\n```" in document.read_text(encoding="utf-8")


@given(HOURS, HOURS, st.lists(st.sampled_from(NEEDS)), st.sampled_from([",", ", ", " , "]))
def test_every_setting_of_the_form_is_understood(begins, ends, needs, comma):
    text = comma.join([f"{begins}-{ends}", *needs])

    when = read_when(text)

    assert re.fullmatch(PATTERN, text)
    assert (f"{when.begins:%H:%M}", f"{when.ends:%H:%M}", frozenset(needs)) == (begins, ends, when.needs)
    assert timedelta(0) < when.length <= timedelta(days=1)
