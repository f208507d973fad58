"""Downloads over a real socket: they go on where they broke, are proved, and never leave a wrong file behind."""

import os
import socket
import stat

import pytest

from daemon.downloads import errors
from daemon.downloads.http import Wire
from daemon.downloads.partial_file import opened
from daemon.downloads.resumable import Fetch, Wanted
from daemon.downloads.traffic_log import Ledger, read
from tests.whole.house import small_disk

RESOLVE = "/someone/some-GGUF/resolve/main/tiny-Q4_K_M.gguf"


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_whole_file_gets_its_name_and_belongs_to_its_owner_alone(fetch, stand_in, tmp_path):
    found = fetch(sha256=stand_in.sha256, told_by="you")

    assert ["m.gguf"] == left_in(tmp_path / "models")
    assert stand_in.content == found.file.read_bytes()
    assert ("you", stand_in.sha256) == (found.proved_by, found.sha256)
    assert 0o600 == stat.S_IMODE(found.file.stat().st_mode)
    assert fetch.seen[-1].done == fetch.seen[-1].total == len(stand_in.content)


def test_a_connection_cut_in_the_middle_goes_on_where_it_broke(fetch, stand_in):
    stand_in.cut_after = [1_000_000, 700_000]

    found = fetch(sha256=stand_in.sha256, told_by="you")

    assert stand_in.content == found.file.read_bytes()
    assert ["", "bytes=1000000-", "bytes=1700000-"] == stand_in.ranges_asked
    assert 2 == len([step for step in fetch.seen if "trying again" in step.note])


def test_a_later_pull_goes_on_where_an_earlier_process_ended(fetch, stand_in, tmp_path):
    stand_in.cut_after = [900_000] + [0] * 5
    with pytest.raises(errors.ConnectionLost, match=r"900\.0 kB are kept: the same command goes on"):
        fetch()
    assert [".m.gguf.part", ".m.gguf.part.json"] == left_in(tmp_path / "models")
    assert 0o600 == stat.S_IMODE((tmp_path / "models" / ".m.gguf.part").stat().st_mode)
    stand_in.asked.clear()

    found = fetch()

    assert ["bytes=900000-"] == stand_in.ranges_asked
    assert stand_in.content == found.file.read_bytes()
    assert "" == found.proved_by


@pytest.mark.parametrize("heeds_condition", [True, False])
@pytest.mark.parametrize("etag", ['"v2"', None, 'W/"v1"'])
def test_bytes_of_two_files_are_never_mixed(fetch, stand_in, etag, heeds_condition):
    stand_in.heeds_condition = heeds_condition
    stand_in.cut_after = [900_000] + [0] * 5
    with pytest.raises(errors.ConnectionLost):
        fetch()
    stand_in.content, stand_in.etag, stand_in.cut_after = b"GGUF" + b"new" * 700_000, etag, []

    found = fetch()

    assert stand_in.content == found.file.read_bytes()


def test_a_server_without_ranges_is_asked_anew_and_the_file_is_whole(fetch, stand_in):
    stand_in.ranges, stand_in.cut_after = False, [1_000_000]

    found = fetch(sha256=stand_in.sha256, told_by="you")

    assert stand_in.content == found.file.read_bytes()


def test_a_server_without_ranges_that_always_breaks_is_given_up(fetch, stand_in):
    stand_in.ranges, stand_in.cut_after = False, [1000] * 50

    with pytest.raises(errors.ConnectionLost):
        fetch()

    assert len(stand_in.asked) < 10


def test_a_server_that_tells_no_length_is_taken_until_the_end(fetch, stand_in):
    stand_in.length = False

    found = fetch(sha256=stand_in.sha256, told_by="you")

    assert stand_in.content == found.file.read_bytes()
    assert fetch.seen[-1].total is None


def test_a_part_that_is_whole_already_is_only_proved(fetch, stand_in, tmp_path):
    url = stand_in.url + "/store/file"
    with opened(tmp_path / "models" / "m.gguf") as part:
        part.begin({"url": url, "sha256": None, "etag": '"v1"', "bytes": len(stand_in.content)})
        part.append(stand_in.content)

    found = fetch()

    assert stand_in.content == found.file.read_bytes()
    assert 0 == sum(len(range_) == 0 for range_ in stand_in.ranges_asked)


def test_a_wrong_checksum_removes_the_file_and_says_both(fetch, stand_in, tmp_path):
    with pytest.raises(errors.WrongChecksum, match=f"is {stand_in.sha256}, our table says {'0' * 64}"):
        fetch(sha256="0" * 64, told_by="our table")

    assert [] == left_in(tmp_path / "models")


def test_the_hub_tells_the_checksum_where_none_is_known(fetch, stand_in):
    found = fetch(url=stand_in.url + RESOLVE, believe_hub=True)

    assert ("the hub", stand_in.sha256) == (found.proved_by, found.sha256)


def test_what_the_hub_tells_is_compared_with_what_came(fetch, stand_in, tmp_path):
    stand_in.told = "0" * 64

    with pytest.raises(errors.WrongChecksum, match="the hub says 000"):
        fetch(url=stand_in.url + RESOLVE, believe_hub=True)

    assert [] == left_in(tmp_path / "models")


def test_another_file_on_the_hub_than_the_known_one_is_said_before_a_byte_is_fetched(
    fetch, stand_in, tmp_path
):
    with pytest.raises(
        errors.HubChanged, match=f"our table says {'1' * 64}.*add: --sha256 {stand_in.sha256}"
    ):
        fetch(url=stand_in.url + RESOLVE, believe_hub=True, sha256="1" * 64, told_by="our table")

    assert [] == left_in(tmp_path / "models")


def test_what_is_here_already_needs_no_network(fetch, stand_in):
    fetch(sha256=stand_in.sha256, told_by="you")
    stand_in.asked.clear()

    again = fetch(sha256=stand_in.sha256, told_by="you")

    assert (True, []) == (again.was_here, stand_in.asked)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "no such file"),
        (401, "wants a sign-in"),
        (403, "sign-in"),
        (429, "too many"),
        (503, "trouble of its own"),
    ],
)
def test_a_refusal_is_told_with_what_it_means_and_leaves_nothing(fetch, stand_in, tmp_path, status, told):
    stand_in.status = status

    with pytest.raises(errors.Answered, match=f"answered {status}: .*{told}"):
        fetch(url=stand_in.url + RESOLVE)

    assert [] == left_in(tmp_path / "models")


def test_a_signed_address_is_never_shown(fetch, stand_in):
    stand_in.status = 404

    with pytest.raises(errors.Answered) as caught:
        fetch(url=stand_in.url + RESOLVE)

    assert "secret" not in str(caught.value)


def test_a_page_to_click_on_is_refused_with_its_first_bytes(fetch, stand_in, tmp_path):
    stand_in.content = b"<!doctype html><title>Sign in</title>" * 100_000

    with pytest.raises(errors.NoGguf, match="no GGUF file"):
        fetch()

    assert [] == left_in(tmp_path / "models")


def test_without_a_network_it_is_said_at_once(fetch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(errors.Unreachable, match=r"Can't reach 127\.0\.0\.1: .*tsubasa pull FILE\.gguf"):
        fetch(url=f"http://127.0.0.1:{port}/x.gguf")

    assert ([], 0) == (left_in(tmp_path / "models"), read(tmp_path).sent)


def test_a_host_that_does_not_exist_is_said_at_once(fetch):
    with pytest.raises(errors.Unreachable, match="Can't reach nowhere.invalid"):
        fetch(url="https://nowhere.invalid/x.gguf")


def test_a_network_that_goes_away_in_the_middle_keeps_what_came(stand_in, tmp_path):
    stand_in.cut_after = [500_000]
    work = Fetch(
        Wanted(url=stand_in.url + "/store/file"),
        tmp_path / "m.gguf",
        Wire(Ledger(tmp_path)),
        pauses_s=(0.01,),
    )
    with pytest.raises(errors.ConnectionLost, match="500.0 kB are kept"):
        for step in work.progress():
            if "trying again" in step.note:
                stand_in.cut_after = [0] * 10


def test_a_file_that_does_not_fit_is_refused_before_it_is_fetched(fetch, tmp_path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        with pytest.raises(errors.NoRoom, match=r"3\.2 MB more are needed .*, 2\.\d MB are free"):
            fetch(folder=disk)

        assert [] == left_in(disk / "models")


def test_a_disk_that_fills_up_meanwhile_keeps_the_part_and_gives_room_back(fetch, stand_in, tmp_path):
    with small_disk(tmp_path / "disk", "8m") as disk:

        def fill():
            with open(disk / "ballast", "wb", buffering=0) as file, pytest.raises(OSError):
                while True:
                    file.write(b"\0" * 4096)

        stand_in.meanwhile = fill
        stand_in.length = False
        with pytest.raises(errors.DiskFilled, match="disk became full.*make room"):
            fetch(folder=disk, sha256=stand_in.sha256, told_by="you")
        assert os.statvfs(disk).f_bavail > 0

        (disk / "ballast").unlink()
        found = fetch(folder=disk, sha256=stand_in.sha256, told_by="you")

        assert stand_in.content == found.file.read_bytes()


def test_a_folder_that_can_not_be_written_is_an_error_in_one_line(fetch, tmp_path):
    (tmp_path / "models").write_text("a file where a folder should be")

    with pytest.raises(errors.FileNotWritten, match="Can't write"):
        fetch()


def test_two_pulls_of_one_file_do_not_write_into_each_other(fetch, tmp_path):
    with (
        opened(tmp_path / "models" / "m.gguf"),
        pytest.raises(errors.UnderWay, match="fetching m.gguf already"),
    ):
        fetch()


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_another_model_of_the_same_name_stays_as_it_is(fetch, stand_in, tmp_path, is_told):
    first = fetch().file
    was = first.read_bytes()
    stand_in.content, stand_in.etag = b"GGUF" + b"new" * 700_000, '"v2"'
    told = {"sha256": stand_in.sha256, "told_by": "you"} if is_told else {}

    second = fetch(**told).file

    assert (was, stand_in.content) == (first.read_bytes(), second.read_bytes())
    assert f"m-{stand_in.sha256[:12]}.gguf" == second.name
    assert is_told == fetch(**told).was_here
    assert sorted([first.name, second.name]) == left_in(tmp_path / "models")
