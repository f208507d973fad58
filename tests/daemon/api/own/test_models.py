"""Models over HTTP: what is here, what can be fetched, and which answers from the next start on."""

import asyncio
import shutil

import pytest

from tests.daemon.api.world import serving
from tests.daemon.downloads.stand_in import hub
from tests.whole.house import NANO


async def until_over(world):
    """The download, once it is over."""
    for _ in range(600):
        found = (await world.http.get("/tsubasa/models/pull")).json()["pull"]
        if found["step"] in ("done", "stopped", "failed"):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


def models_of(home):
    (home / "models").mkdir()
    shutil.copy(NANO, home / "models" / "mine.gguf")
    (home / "models" / "broken.gguf").write_bytes(b"GGUF, or so it says")
    return str(home / "models" / "mine.gguf")


async def test_what_is_here_says_what_it_can_do_and_the_table_what_can_be_fetched(tmp_path):
    models_of(tmp_path)
    async with serving(tmp_path) as world:
        found = (await world.http.get("/tsubasa/models")).json()["models"]
    told = {one["file"].rpartition("/")[2] or one["name"]: one for one in found}

    assert (True, True, None) == tuple(told["fake.gguf"][key] for key in ("serves", "chosen", "learns"))
    assert (False, True) == (told["mine.gguf"]["serves"], told["mine.gguf"]["learns"])
    assert "broken.gguf" in told["broken.gguf"]["wrong"]
    assert ("", 2497281120) == (told["qwen3-4b"]["file"], told["qwen3-4b"]["bytes"])


async def test_a_model_of_the_hub_is_fetched_checked_measured_and_chosen(tmp_path, monkeypatch):
    with hub(NANO.read_bytes()) as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
        async with serving(tmp_path) as world:
            await world.http.post("/tsubasa/models/pull", json={"model": "someone/some-GGUF"})
            second = await world.http.post("/tsubasa/models/pull", json={"model": "qwen3-4b"})
            done = await until_over(world)
            found = (await world.http.get("/tsubasa/models")).json()["models"]
    file = tmp_path / "models" / "tiny-Q4_K_M.gguf"
    here = next(one for one in found if one["file"] == str(file))

    assert 409 == second.status_code
    assert ("done", True) == (done["step"], done["chosen"])
    assert NANO.read_bytes() == file.read_bytes()
    assert here["chosen"] and here["tokens_per_s"] > 0
    assert f'model = "{file}"\n' == (tmp_path / "config.toml").read_text()


async def test_a_download_is_stopped_and_the_next_one_goes_on_from_there(tmp_path, monkeypatch):
    hold = asyncio.Event()
    loop = asyncio.get_running_loop()
    with hub(NANO.read_bytes()) as stand_in:
        stand_in.meanwhile = lambda: asyncio.run_coroutine_threadsafe(hold.wait(), loop).result(60)
        monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
        async with serving(tmp_path) as world:
            wanted = {"model": "someone/some-GGUF", "use": False}
            await world.http.post("/tsubasa/models/pull", json=wanted)
            part = tmp_path / "models" / ".tiny-Q4_K_M.gguf.part"
            while not part.exists() or part.stat().st_size < 1_000_000:
                await asyncio.sleep(0.05)
            stopped = (await world.http.post("/tsubasa/models/stop", json={})).json()["pull"]
            kept = part.stat().st_size
            hold.set()
            await world.http.post("/tsubasa/models/pull", json=wanted)
            done = await until_over(world)

    assert ("stopped", "done", False) == (stopped["step"], done["step"], done["chosen"])
    assert f"bytes={kept}-" == stand_in.ranges_asked[-1]
    assert not (tmp_path / "config.toml").exists()


async def test_what_the_command_says_went_wrong_is_told(tmp_path, monkeypatch):
    with hub(b"no model at all") as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
        async with serving(tmp_path) as world:
            await world.http.post("/tsubasa/models/pull", json={"model": "someone/some-GGUF"})
            done = await until_over(world)

    assert "failed" == done["step"]
    assert "is no GGUF file" in done["error"]


@pytest.mark.parametrize("model", ["http://127.0.0.1:1/x.gguf", "/etc/passwd", "nonsense", "../x.gguf"])
async def test_no_other_address_and_no_other_file_is_fetched(tmp_path, model):
    async with serving(tmp_path) as world:
        refused = await world.http.post("/tsubasa/models/pull", json={"model": model})
        found = (await world.http.get("/tsubasa/models/pull")).json()["pull"]

    assert (400, None) == (refused.status_code, found)


async def test_a_model_that_is_here_is_chosen_and_one_of_no_use_is_not(tmp_path):
    mine = models_of(tmp_path)
    async with serving(tmp_path) as world:
        used = await world.http.post("/tsubasa/models/use", json={"file": mine})
        broken = mine.replace("mine", "broken")
        statuses = [
            (await world.http.post("/tsubasa/models/use", json={"file": file})).status_code
            for file in (broken, "/etc/passwd")
        ]
    chosen = [one["file"] for one in used.json()["models"] if one["chosen"]]

    assert ([mine], [400, 404]) == (chosen, statuses)
    assert f'model = "{mine}"\n' == (tmp_path / "config.toml").read_text()
