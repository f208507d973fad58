"""Settings: where values come from, and what each mistake is told."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from daemon.config.settings import Config, example, kinds, load
from daemon.errors import ConfigError


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


def test_without_a_file_everything_is_default(file):
    assert Config() == load(file, environment={}).config


def test_an_unknown_key_names_file_line_and_what_there_is(file):
    file.write_text("# mine\n\nprot = 1\n")

    with pytest.raises(
        ConfigError, match=re.escape(f"{file} line 3: unknown key 'prot'. Known keys: port, ")
    ):
        load(file, environment={})


@pytest.mark.parametrize("environment", [{}, {"TSUBASA_NIGHT_AT": "03:00"}])
def test_a_key_that_has_another_name_now_is_told_it(file, environment):
    file.write_text("" if environment else 'night_at = "03:00"\n')

    with pytest.raises(ConfigError, match='night_at is night_when now.*night_when = "03:00-08:00, power'):
        load(file, environment=environment)


def test_an_unknown_variable_is_an_error_too(file):
    with pytest.raises(ConfigError, match="environment variable TSUBASA_PROT"):
        load(file, environment={"TSUBASA_PROT": "1"})


def test_a_table_is_an_unknown_key(file):
    file.write_text("port = 1\n[server]\nport = 2\n")

    with pytest.raises(ConfigError, match=r"line 2: unknown key 'server'"):
        load(file, environment={})


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
        ("[port]", "a whole number from 0 to 65535"),
    ],
)
def test_a_wrong_value_names_file_line_key_and_what_is_allowed(file, line, told):
    file.write_text("# one\n" + line + "\n")

    with pytest.raises(ConfigError) as caught:
        load(file, environment={})

    assert f"{file} line 2: " in str(caught.value)
    assert told in str(caught.value)


def test_a_wrong_value_in_the_environment_names_the_variable(file):
    with pytest.raises(ConfigError, match="TSUBASA_PORT: port can't be 'x'"):
        load(file, environment={"TSUBASA_PORT": "x"})


@pytest.mark.parametrize(("text", "value"), [("1", True), ("off", False), ("True", True), ("no", False)])
def test_the_environment_knows_many_words_for_yes_and_no(file, text, value):
    assert value == load(file, environment={"TSUBASA_RECALL": text}).config.recall


def test_broken_toml_names_the_line(file):
    file.write_text("port = 1\nthreads = = 2\n")

    with pytest.raises(ConfigError, match=re.escape(f"{file} line 2: no valid TOML")):
        load(file, environment={})


def test_a_file_that_an_editor_of_windows_began_with_a_mark_is_read(file):
    file.write_bytes(b"\xef\xbb\xbfport = 7\r\n")

    assert 7 == load(file, environment={}).config.port


@pytest.mark.parametrize("content", [b"\xff\xfe", b"port = 1\nport = 2\n", b"port = " + b"[" * 5000])
def test_an_unreadable_file_is_an_error_that_names_it(file, content):
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=re.escape(str(file))):
        load(file, environment={})


def test_there_are_few_keys_and_each_is_explained():
    assert 25 > len(kinds())
    assert all(field.metadata["comment"] for field in fields(Config))


def test_the_example_holds_every_default(file):
    active = re.sub(r"^# (\w+ = )", r"\1", example(), flags=re.MULTILINE)
    file.write_text(active)

    assert list(kinds()) == list(tomllib.loads(active))
    assert Config() == load(file, environment={}).config


def test_the_documentation_shows_the_example():
    document = Path(__file__).parents[3] / "docs" / "configuration.md"

    assert f"```toml\n{example().rstrip()}\n```" in document.read_text(encoding="utf-8")
