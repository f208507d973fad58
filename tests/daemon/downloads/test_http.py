"""Whom a download may ask, what it tells them, and how the hub's files are found."""

import re

import pytest

from daemon.downloads import errors
from daemon.downloads.http import Wire, check_hop, may_follow
from daemon.downloads.hub import locate
from daemon.downloads.model_source import HubFile
from daemon.downloads.traffic_log import Ledger, read

RESOLVE = "/someone/some-GGUF/resolve/main/tiny-Q4_K_M.gguf"


def test_a_redirect_to_a_host_that_nobody_named_is_not_followed(fetch, stand_in):
    stand_in.redirect = f"http://localhost:{stand_in.port}/store/file"

    with pytest.raises(
        errors.LedElsewhere, match="sends the download on to localhost.*add: --host localhost"
    ):
        fetch(url=stand_in.url + RESOLVE)

    assert [] == stand_in.ranges_asked
    assert fetch(url=stand_in.url + RESOLVE, hosts=["localhost"]).file.exists()


def test_redirects_without_end_are_given_up(fetch, stand_in):
    stand_in.redirect = RESOLVE

    with pytest.raises(errors.AddressRefused, match="round in circles"):
        fetch(url=stand_in.url + RESOLVE)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x.gguf"])
def test_a_redirect_off_the_web_is_told_without_asking_to_allow_it(fetch, stand_in, target):
    stand_in.redirect = target

    with pytest.raises(errors.AddressRefused) as told:
        fetch(url=stand_in.url + RESOLVE)

    assert f"Did not ask {target!r}: 127.0.0.1 leads there, and it is no web address." in str(told.value)
    assert "--host" not in str(told.value)


def test_a_redirect_from_tls_to_none_is_told_as_what_it_is():
    with pytest.raises(errors.AddressRefused, match="from TLS to none.*Take another address"):
        check_hop("https://my.example/a", "http://my.example/b?key=1")
    assert None is check_hop("https://my.example/a", "https://other.example/b")


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..b"])
def test_a_name_that_no_host_can_have_is_one_line(fetch, host):
    with pytest.raises(errors.AddressRefused, match="label empty or too long.*Check the address"):
        fetch(url=f"https://{host}/x.gguf")


@pytest.mark.parametrize(
    ("first", "target", "may"),
    [
        ("https://huggingface.co/a", "https://cas-bridge.xethub.hf.co/x", True),
        ("https://huggingface.co/a", "https://huggingface.co/b", True),
        ("https://huggingface.co/a", "http://huggingface.co/b", False),
        ("https://huggingface.co/a", "https://huggingface.co.evil.example/b", False),
        ("https://huggingface.co/a", "https://evilhf.co/b", False),
        ("https://huggingface.co/a", "https://huggingface.co@evil.example/b", False),
        ("https://huggingface.co/a", "file:///etc/passwd", False),
        ("https://huggingface.co/a", "https://[::1/b", False),
        ("https://my.example/a", "https://hf.co/b", False),
        ("https://my.example/a", "https://MY.example:444/b", True),
    ],
)
def test_a_download_stays_with_the_host_that_was_named(first, target, may):
    assert may is may_follow(first, target)


def test_without_tls_only_what_a_checksum_proves_is_asked(fetch):
    with pytest.raises(errors.AddressRefused, match="without TLS .* --sha256"):
        fetch(url="http://192.0.2.1/x.gguf")


def test_every_byte_of_http_is_counted_and_nothing_personal_is_sent(fetch, stand_in, tmp_path):
    fetch(url=stand_in.url + RESOLVE)

    counted = read(tmp_path)
    sent = sum(len(head.encode()) + head.count("\n") for head in stand_in.heads)
    assert ["127.0.0.1"] == list(counted.hosts)
    assert len(stand_in.content) < counted.received < len(stand_in.content) + 1500
    assert sent <= counted.sent < sent + 300
    names = {
        name.lower() for head in stand_in.heads for name in re.findall(r"^([\w-]+):", head, re.MULTILINE)
    }
    assert {"host", "user-agent", "accept", "accept-encoding"} == names


def located(stand_in, tmp_path, **more):
    source = HubFile(repository="someone/some-GGUF", **more)
    return locate(source, stand_in.url, Wire(Ledger(tmp_path))).removeprefix(stand_in.url)


def test_a_named_file_is_found_without_asking(stand_in, tmp_path):
    assert "/someone/some-GGUF/resolve/v%2F1/a%20b.gguf" == located(
        stand_in, tmp_path, file="a b.gguf", revision="v/1"
    )
    assert [] == stand_in.asked


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a-Q4_K_M.gguf", "a-Q4_K_S.gguf", "README.md"], "a-Q4_K_M.gguf"),
        (["only-F16.gguf"], "only-F16.gguf"),
        (["a-q4_k_m.gguf", "mmproj-q4_k_m.gguf"], "a-q4_k_m.gguf"),
        (["sub/a.Q4_K_M.gguf", "a-Q4_K_M-00001-of-00002.gguf"], "sub/a.Q4_K_M.gguf"),
    ],
)
def test_of_many_files_the_usual_quantization_is_taken(stand_in, tmp_path, files, chosen):
    stand_in.files = files

    assert f"/someone/some-GGUF/resolve/main/{chosen}" == located(stand_in, tmp_path)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["a-Q8_0.gguf", "a-F16.gguf"], "it has a-F16.gguf, a-Q8_0.gguf"),
        (["x-Q4_K_M.gguf", "y-Q4_K_M.gguf"], "it has x-Q4_K_M.gguf, y-Q4_K_M.gguf"),
        (["model.safetensors"], "it has no .gguf file at all"),
    ],
)
def test_a_repository_without_the_file_tells_what_it_has(stand_in, tmp_path, files, told):
    stand_in.files = files

    with pytest.raises(errors.FileNotOffered, match=told):
        located(stand_in, tmp_path)
