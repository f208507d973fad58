"""Keys of programs over HTTP, made and taken back by the owner alone."""

import pytest

from tests.daemon.api.world import serving


async def test_a_key_is_made_shown_once_used_and_taken_back(tmp_path):
    async with serving(tmp_path) as world:
        made = (await world.http.post("/tsubasa/keys", json={"name": "editor", "may": ["chat"]})).json()[
            "key"
        ]
        shown = {"authorization": f"Bearer {made}"}
        models = await world.http.get("/v1/models", headers=shown)
        refused = await world.http.get("/tsubasa/keys", headers=shown)
        found = (await world.http.get("/tsubasa/keys")).json()
        left = (await world.http.post("/tsubasa/keys/revoke", json={"name": "editor"})).json()["keys"]
        gone = await world.http.get("/v1/models", headers=shown)

    assert (200, 403, 401) == (models.status_code, refused.status_code, gone.status_code)
    assert [("editor", ["chat"])] == [(one["name"], one["may"]) for one in found["keys"]]
    assert found["keys"][0]["used_at"] and made not in str(found)
    assert ["chat", "read", "write", "forget"] == [one["name"] for one in found["scopes"]]
    assert [] == left


@pytest.mark.parametrize(
    "wanted", [{"name": "", "may": ["chat"]}, {"name": "a", "may": []}, {"name": "a", "may": ["x"]}]
)
async def test_a_key_that_can_not_be_is_refused_and_none_is_made(tmp_path, wanted):
    async with serving(tmp_path) as world:
        refused = await world.http.post("/tsubasa/keys", json=wanted)
        nobody = await world.http.post("/tsubasa/keys/revoke", json={"name": "nobody"})

    assert (400, 404) == (refused.status_code, nobody.status_code)
    assert not (tmp_path / "api_keys.json").exists()
