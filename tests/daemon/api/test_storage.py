"""What is kept, through our own client."""

import pytest

from daemon.downloads.traffic_log import TrafficLog
from daemon.errors import Refused
from tests.daemon.api.world import moved_house, nothing, scene


async def test_what_is_kept_is_counted_and_measured_and_told_encrypted(tmp_path):
    found = await scene(tmp_path, moved_house, lambda client: client.storage())
    counts = {part["name"]: part["rows"] for part in found["store"]["parts"]}

    assert (2, 2, 2) == (counts["chats"], counts["memories"], counts["history"])
    assert (True, "chacha20", str(tmp_path)) == (
        found["encrypted"],
        found["store"]["cipher"],
        found["home"],
    )


async def test_an_empty_home_is_measured_too(tmp_path):
    found = await scene(tmp_path, nothing, lambda client: client.storage())

    assert {0} == {part["rows"] for part in found["store"]["parts"]} - {None}
    assert found["store"]["oldest"] is None


async def test_what_went_over_the_network_is_told_by_host(tmp_path):
    before = await scene(tmp_path, nothing, lambda client: client.storage())
    TrafficLog(tmp_path).add("hub.example", "a model", sent=120, received=4_000_000)
    after = await scene(tmp_path, nothing, lambda client: client.storage())

    assert (0, 0) == (before["traffic"]["sent"], before["traffic"]["received"])
    assert {"hub.example": [120, 4_000_000]} == after["traffic"]["hosts"]


async def test_a_ledger_that_can_not_be_read_is_told_in_one_line(tmp_path):
    (tmp_path / "network.jsonl").mkdir()

    with pytest.raises(Refused, match=r"network\.jsonl can't be read"):
        await scene(tmp_path, nothing, lambda client: client.storage())
