"""The guard of the one way out: whom a download may ask, what it sends, and that each byte is counted."""

import re

import pytest

from daemon.downloads.errors import PullError
from daemon.downloads.http import Guard, check_hop
from daemon.downloads.hub import Hub
from daemon.downloads.traffic_log import TrafficLog, read_traffic

RESOLVE = "/someone/some-GGUF/resolve/main/tiny-Q4_K_M.gguf"


def test_a_redirect_to_a_host_that_nobody_named_is_not_followed(fetch, stand_in, tmp_path):
    stand_in.redirect = f"http://localhost:{stand_in.port}/store/file"

    with pytest.raises(PullError, match="add: --host localhost"):
        fetch(url=stand_in.url + RESOLVE)

    assert ([], ["127.0.0.1"]) == (stand_in.ranges_asked, list(read_traffic(tmp_path).hosts))
    assert fetch(url=stand_in.url + RESOLVE, hosts=["localhost"]).file.exists()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (RESOLVE, "round in circles"),
        ("file:///etc/passwd", "no web address"),
        ("ftp://127.0.0.1/x.gguf", "no web address"),
        *((f"https://{host}/x.gguf", host) for host in ("a" * 70 + ".example", "a..b", "nowhere.invalid")),
    ],
)
def test_an_address_or_a_redirect_that_leads_nowhere_is_one_line(fetch, stand_in, target, why):
    stand_in.redirect = target

    with pytest.raises(PullError) as caught:
        fetch(url=target if target.startswith("https") else stand_in.url + RESOLVE)

    assert why in str(caught.value)
    assert "--host" not in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())
    assert len(stand_in.asked) < 10


@pytest.mark.parametrize(
    ("first", "url", "may"),
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
        ("https://my.example/a", "https://other.example/b?key=1", False),
    ],
)
def test_a_download_stays_with_the_host_that_was_named(first, url, may):
    if may:
        assert check_hop(first, first, url) is None
    else:
        with pytest.raises(PullError) as caught:
            check_hop(first, first, url)
        assert "key=1" not in str(caught.value)


def test_without_tls_only_what_a_checksum_proves_is_asked(fetch):
    with pytest.raises(PullError, match="without TLS .* --sha256"):
        fetch(url="http://192.0.2.1/x.gguf")


def test_nothing_can_be_sent_with_a_download(stand_in, tmp_path):
    with Guard(first=stand_in.url, log=TrafficLog(tmp_path)).client() as client, pytest.raises(PullError):
        client.post(stand_in.url + "/api/anything", content=b"x")

    assert [] == stand_in.asked


@pytest.mark.parametrize("by_library", [False, True], ids=["the file", "the hub's library"])
def test_every_byte_is_counted_and_nothing_personal_is_sent(
    fetch, stand_in, tmp_path, monkeypatch, by_library
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    if by_library:
        with Guard(first=stand_in.url, log=TrafficLog(tmp_path)).client() as client:
            hub = Hub(stand_in.url, client)
            assert stand_in.sha256 == hub.stated_sha256(stand_in.url + RESOLVE)
    else:
        fetch(url=stand_in.url + RESOLVE)
    counted = read_traffic(tmp_path)
    sent = sum(len(head.encode()) + head.count("\n") for head in stand_in.heads)
    body = 0 if by_library else len(stand_in.content)
    names = {
        name.lower() for head in stand_in.heads for name in re.findall(r"^([\w-]+):", head, re.MULTILINE)
    }

    assert ["127.0.0.1"] == list(counted.hosts)
    assert body < counted.received < body + 1500
    assert sent <= counted.sent < sent + 300
    assert {"host", "user-agent", "accept", "accept-encoding"} == names


def test_an_answer_is_never_unpacked(stand_in, tmp_path):
    stand_in.packed = True

    with Guard(first=stand_in.url, log=TrafficLog(tmp_path)).client() as client:
        assert stand_in.list() == client.get(stand_in.url + "/api/x").content


def test_the_users_proxy_is_asked_instead(fetch, stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{stand_in.port}")

    found = fetch(url="http://192.0.2.1/store/file", sha256=stand_in.sha256)

    assert stand_in.content == found.file.read_bytes()
    assert ["http://192.0.2.1/store/file"] == [path for path, _ in stand_in.asked]
    assert ["192.0.2.1"] == list(read_traffic(tmp_path).hosts)
