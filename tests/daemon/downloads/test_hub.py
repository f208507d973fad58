"""Which file of the hub is meant, and lists of files that make no sense."""

import pytest

from daemon.downloads.errors import PullError
from daemon.downloads.http import Guard
from daemon.downloads.hub import Hub
from daemon.downloads.model_source import HubFile
from daemon.downloads.traffic_log import TrafficLog

CAN_NOT_BE_SHOWN = ("\ud800", "\x1b[2J\n", "\u202efugg")  # such names are left out


@pytest.fixture
def located(stand_in, tmp_path):
    def path(**more):
        source = HubFile(repository="someone/some-GGUF", **more)
        guard = Guard(first=stand_in.url, log=TrafficLog(tmp_path), most_bytes=1 << 20)
        with guard.client() as client:
            return Hub(stand_in.url, client).file_url(source).removeprefix(stand_in.url)

    return path


def test_a_named_file_is_found_without_asking(located, stand_in):
    assert "/someone/some-GGUF/resolve/v%2F1/a%20b.gguf" == located(file="a b.gguf", revision="v/1")
    assert [] == stand_in.asked


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a-Q4_K_M.gguf", "a-Q4_K_S.gguf", "README.md"], "a-Q4_K_M.gguf"),
        (["only-F16.gguf"], "only-F16.gguf"),
        (["a-q4_k_m.gguf", "mmproj-q4_k_m.gguf"], "a-q4_k_m.gguf"),
        (["sub/a.Q4_K_M.gguf", "a-Q4_K_M-00001-of-00002.gguf"], "sub/a.Q4_K_M.gguf"),
        (["a-Q4_K_M-00002-of-00002.gguf", "a-Q4_K_M-00001-of-00002.gguf"], "a-Q4_K_M-00001-of-00002.gguf"),
    ],
)
def test_of_many_files_the_usual_quantization_is_taken(located, stand_in, files, chosen):
    stand_in.files = files

    assert f"/someone/some-GGUF/resolve/main/{chosen}" == located()


@pytest.mark.parametrize(
    ("files", "offered"),
    [
        (["a-Q8_0.gguf", "a-F16.gguf"], "a-F16.gguf, a-Q8_0.gguf"),
        (["x-Q4_K_M.gguf", "y-Q4_K_M.gguf"], "x-Q4_K_M.gguf, y-Q4_K_M.gguf"),
        (["model.safetensors"], "no .gguf file at all"),
        *(([odd + "-Q4_K_M.gguf", "a.gguf", "b.gguf"], " a.gguf, b.gguf") for odd in CAN_NOT_BE_SHOWN),
    ],
    ids=ascii,
)
def test_a_repository_without_the_file_says_what_it_has(located, stand_in, files, offered):
    stand_in.files = files

    with pytest.raises(PullError) as caught:
        located()
    assert offered in str(caught.value)


@pytest.mark.parametrize(
    "listed",
    [b"[" * 500_000, b'"text"', b"[1]", b"[" + b"9" * 5000 + b"]", b"\xff", b"[{}]", b" " * (2 << 20)],
    ids=len,
)
def test_a_list_that_makes_no_sense_or_does_not_end_is_one_line(located, stand_in, listed):
    stand_in.listed = listed

    with pytest.raises(PullError) as caught:
        located()
    assert "Name the file" in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def test_the_checksum_is_taken_from_the_hub_and_its_store_is_not_asked(stand_in, tmp_path):
    stand_in.redirect = "https://store.invalid/file"
    with Guard(first=stand_in.url, log=TrafficLog(tmp_path)).client() as client:
        stated = Hub(stand_in.url, client).stated_sha256(stand_in.url + "/o/r/resolve/main/x.gguf")

    assert stand_in.sha256 == stated


def test_a_list_that_breaks_off_is_asked_for_again_and_a_refusal_is_not(located, stand_in):
    stand_in.cut_after = [5]
    found = located()
    stand_in.asked.clear()
    stand_in.api_status = 503
    with pytest.raises(PullError, match="answered 503"):
        located()

    assert found.endswith("/tiny-Q4_K_M.gguf")
    assert 1 == len(stand_in.asked)
