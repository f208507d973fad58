"""One key is changed in config.toml; all that its owner wrote beside it stays."""

import stat

import pytest

from daemon.config.edit_file import read_key, set_key
from daemon.errors import ConfigError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "/m.gguf"\n'),
        ("port = 1", 'port = 1\nmodel = "/m.gguf"\n'),
        ('# mine\nmodel = "old"  # why\nport = 1\n', '# mine\nmodel = "/m.gguf"  # why\nport = 1\n'),
        ("  model='a\\b' # x\r\nport = 1\r\n", '  model="/m.gguf" # x\r\nport = 1\r\n'),
        ('# model = "x"\n', '# model = "x"\nmodel = "/m.gguf"\n'),
        ("port = 1\r\n", 'port = 1\r\nmodel = "/m.gguf"\r\n'),
        ('"model" = "x"\n', '"model" = "/m.gguf"\n'),
        ('model = "a \\" # b"\n', 'model = "/m.gguf"\n'),
        ('\ufeffmodel = "x"\r\n', '\ufeffmodel = "/m.gguf"\r\n'),
        ("\ufeffport = 1\n", '\ufeffport = 1\nmodel = "/m.gguf"\n'),
        ('note = """\nmodel = "x"\n"""\n', 'note = """\nmodel = "x"\n"""\nmodel = "/m.gguf"\n'),
        ('model = """\nx"""  # why\n', 'model = "/m.gguf"  # why\n'),
        ("model = 7\n", 'model = "/m.gguf"\n'),
        ("[a]\nmodel = 1  # not ours\n", 'model = "/m.gguf"\n\n[a]\nmodel = 1  # not ours\n'),
    ],
)
def test_only_the_value_changes(file, before, after):
    file.write_bytes(before.encode())

    set_key(file, "model", "/m.gguf")

    assert after.encode() == file.read_bytes()
    assert "/m.gguf" == read_key(file, "model")


@pytest.mark.parametrize("value", ['a"b', "a\\b", "tab\there", "ünï 模型", "", "# no comment"])
def test_any_path_comes_back_as_it_was(file, value):
    set_key(file, "model", value)

    assert value == read_key(file, "model")


def test_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode(file):
    set_key(file, "model", "a")
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)

    file.chmod(0o640)
    set_key(file, "model", "b")
    assert 0o640 == stat.S_IMODE(file.stat().st_mode)


def test_a_file_behind_a_link_is_changed_where_it_lies(file, tmp_path):
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "tsubasa.toml"
    real.write_text("port = 1\n")
    file.symlink_to(real)

    set_key(file, "model", "m")

    assert (True, 'port = 1\nmodel = "m"\n') == (file.is_symlink(), real.read_text())


@pytest.mark.parametrize("content", ["model = = 1\n", "port = " + "[" * 5000], ids=["broken", "nested"])
def test_a_broken_file_is_left_alone(file, content):
    file.write_text(content)

    for change in (lambda: set_key(file, "model", "m"), lambda: read_key(file, "model")):
        with pytest.raises(ConfigError, match="no valid TOML"):
            change()
    assert content == file.read_text()


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        set_key(tmp_path / "nowhere" / "config.toml", "model", "m")
