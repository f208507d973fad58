"""What went over the network is counted, and a damaged line harms nothing."""

import stat

from daemon.downloads.traffic_log import Traffic, TrafficLog, read_traffic


def test_bytes_are_added_up_by_host_and_kept_for_their_owner(tmp_path):
    before = read_traffic(tmp_path)
    for host, sent in (("a", 10), ("b", 20), ("a", 1)):
        TrafficLog(tmp_path).add(host, "model", sent=sent, received=100 * sent)

    found = read_traffic(tmp_path)

    assert Traffic() == before
    assert (31, 3100, {"a": (11, 1100), "b": (20, 2000)}) == (found.sent, found.received, found.hosts)
    assert found.since is not None
    assert 0o600 == stat.S_IMODE((tmp_path / "network.jsonl").stat().st_mode)


def test_a_line_that_was_cut_short_is_passed_over(tmp_path):
    TrafficLog(tmp_path).add("a", "model", sent=1, received=2)
    with (tmp_path / "network.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-01-01T00:00:00+00:00", "ho\n\xff[]\n7\n')
    TrafficLog(tmp_path).add("a", "model", sent=1, received=2)

    assert 2 == read_traffic(tmp_path).sent
