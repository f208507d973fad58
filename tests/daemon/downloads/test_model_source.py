"""What a person types behind `tsubasa pull`, and what is meant by it."""

import os

import pytest

from daemon.downloads.errors import PullError
from daemon.downloads.model_source import (
    Address,
    HubFile,
    file_name,
    hub_of,
    known_models,
    read_sha256,
    read_source,
)

FIRST = known_models()[0]
UNKNOWN = ("qwen", "", "../x/y", "/no/such", "a/b/c", "a/../b.gguf", "~nobody-of-us/x.gguf", "x" * 100_000)
NO_ADDRESSES = ("ftp://x/y.gguf", "file:///etc/passwd", "https://", "https://[::1/x", "https://x:y/z")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Qwen/Qwen3-4B-GGUF", HubFile(repository="Qwen/Qwen3-4B-GGUF")),
        ("hf.co/Qwen/Qwen3-4B-GGUF:Q8_0", HubFile(repository="Qwen/Qwen3-4B-GGUF", quantization="Q8_0")),
        ("Qwen/Qwen3-4B-GGUF/sub/x.gguf", HubFile(repository="Qwen/Qwen3-4B-GGUF", file="sub/x.gguf")),
        (
            "https://huggingface.co/o/r/blob/abc/x%20y.gguf",
            HubFile(repository="o/r", file="x y.gguf", revision="abc"),
        ),
        ("https://huggingface.co/o/r/tree/main", HubFile(repository="o/r")),
        ("https://my.example/m.gguf", Address(url="https://my.example/m.gguf")),
        (
            "Qwen3-4B",
            HubFile(repository=FIRST.repository, file=FIRST.file, bytes=FIRST.bytes, sha256=FIRST.sha256),
        ),
    ],
)
def test_names_repositories_and_addresses_are_told_apart(text, meant):
    assert meant == read_source(text)


def test_a_file_that_is_here_is_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.gguf").write_bytes(b"GGUF")

    assert tmp_path / "a" / "b.gguf" == read_source("a/b.gguf")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "Known: qwen3-4b, ") for text in UNKNOWN),
        *((text, "no web address") for text in NO_ADDRESSES),
        ("https://me:hunter2@my.example/m.gguf", "it holds a password"),
    ],
    ids=lambda value: value[:30],
)
def test_what_can_not_be_meant_is_refused_shortly_and_without_a_password(text, why):
    with pytest.raises(PullError, match=why) as caught:
        read_source(text)

    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/a/b.gguf?download=true", "b.gguf"),
        ("https://x/..%2f..%2fetc%2fpasswd", "passwd.gguf"),
        ("https://x/%2e%2e", "model.gguf"),
        ("https://x/", "model.gguf"),
        ("https://x/.hidden.gguf", "hidden.gguf"),
        ("https://x/a%0ab%1b[2J.gguf", "a-b-2J.gguf"),
    ],
)
def test_a_name_never_leads_out_of_its_folder(url, name):
    assert name == file_name(url)


def test_a_checksum_is_64_digits_and_a_mirror_is_named_as_the_hubs_own_tools_do():
    assert "https://huggingface.co" == hub_of({})
    assert "https://mirror.example" == hub_of({"HF_ENDPOINT": "https://mirror.example/"})
    assert "a" * 64 == read_sha256(" sha256:" + "A" * 64)
    with pytest.raises(PullError, match="'abc' is no sha256"):
        read_sha256("abc")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_nobody_may_look_into_is_named(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)

    with pytest.raises(PullError, match="Permission denied"):
        read_source(str(tmp_path / "closed" / "x.gguf"))


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U00010400"])
def test_a_very_long_name_is_cut_to_what_a_disk_takes(letter):
    name = file_name(f"https://h.example/{letter * 400}.gguf")

    assert name.endswith(letter + ".gguf")
    assert len(f".{name}.part.json".encode()) <= 255
