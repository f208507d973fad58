"""Settings that the page may change, over HTTP."""

import pytest

from tests.daemon.api.world import serving


async def test_a_setting_is_written_into_its_line_and_counts_from_the_next_start(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('# mine\ntemperature = 0.7  # warm\nnight_when = "03:00-08:00"\n')
    async with serving(tmp_path) as world:
        await world.http.post("/tsubasa/settings", json={"key": "temperature", "value": 0.2})
        await world.http.post("/tsubasa/settings", json={"key": "night", "value": True})
        found = (await world.http.get("/tsubasa/settings")).json()["settings"]
    told = {one["key"]: (one["value"], one["written"]) for one in found}

    assert "# mine\ntemperature = 0.2  # warm\n" in file.read_text()
    assert "night = true\n" in file.read_text()
    assert (0.7, 0.2) == told["temperature"]
    assert (False, True) == told["night"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 9),
        ("night", "maybe"),
        ("night_when", "late"),
        ("port", 80),
        ("model", "x"),
        ("max_tokens", 1.5),
    ],
)
async def test_what_a_setting_can_not_be_is_refused_and_nothing_is_written(tmp_path, key, value):
    async with serving(tmp_path) as world:
        refused = await world.http.post("/tsubasa/settings", json={"key": key, "value": value})

    assert 400 == refused.status_code
    assert key in refused.json()["error"]["message"]
    assert not (tmp_path / "config.toml").exists()
