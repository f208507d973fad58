"""The daemons of profiles: started once when asked for, told who is answered, ended with the main one."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.config.settings import Config, Settings, kinds, load
from daemon.errors import ConfigError, DaemonError, ProfileUnusable
from daemon.hardware.offload_plan import FITS
from daemon.home import Home, HomeLock
from daemon.profiles import registry
from daemon.profiles.daemons import Command, Daemons, command

SERVES = """
import json, os, sys
home = sys.argv[1]
open(home + "/api_key", "w").write("tsu-a-key-of-annas-own")
open(home + "/starts", "a").write("x")
place = {"pid": os.getpid(), "port": 1, "url": "http://127.0.0.1:1"}
open(home + "/daemon.json", "w").write(json.dumps(place))
while said := os.read(0, 1):
    open(home + "/heard", "ab").write(said)
open(home + "/ended", "w").write("in peace")
"""
FAILS = """
import sys
open(sys.argv[1] + "/starts", "a").write("x")
sys.stderr.write("a warning\\ntsubasa: No model file at /nowhere.\\n")
sys.exit(1)
"""


def settings(**named):
    origin = dict.fromkeys(kinds(), "default") | dict.fromkeys(named, "config.toml line 1")
    return Settings(config=replace(Config(), **named), origin=origin)


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    registry.add(made, "anna", ["a1"])
    return made


@pytest.fixture
async def running(home):
    """Daemons that run a script in place of `tsubasa up`; stopped in any case."""
    made = []

    def run(script):
        def started(place):
            return Command(argv=[sys.executable, "-c", script, str(place.path)], environment=dict(os.environ))

        made.append(Daemons(home, settings(), started))
        return made[-1]

    yield run
    for one in made:
        await one.stop()


async def until(happened):
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.02)


def read(home, name):
    file = home.profile("anna").path / name
    return file.read_text() if file.exists() else ""


async def test_many_who_ask_at_once_start_one_daemon_and_the_next_ones_find_it(home, running):
    daemons = running(SERVES)
    places = await asyncio.gather(*(daemons.served("anna") for _ in range(5)))
    again = await daemons.served("anna")

    assert {again} == set(places)
    assert ("http://127.0.0.1:1", "tsu-a-key-of-annas-own", "x") == (
        again.url,
        again.key,
        read(home, "starts"),
    )
    assert 0o700 == home.profile("anna").path.stat().st_mode & 0o777


async def test_it_hears_who_is_answered_also_what_began_before_it_and_ends_in_peace(home, running):
    daemons = running(SERVES)
    daemons.tell(True)
    await daemons.served("anna")
    daemons.tell(False)
    await until(lambda: "10" == read(home, "heard"))
    pid = daemons.pid("anna")
    is_of_its_own = os.getsid(pid) == pid  # Ctrl-C reaches the main daemon alone
    await daemons.stop()

    assert is_of_its_own
    assert ("in peace", None) == (read(home, "ended"), daemons.pid("anna"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ProfileUnusable, match="stopping"):
        await daemons.served("anna")


async def test_one_that_was_killed_is_started_again(home, running):
    daemons = running(SERVES)
    await daemons.served("anna")
    os.kill(daemons.pid("anna"), signal.SIGKILL)
    await daemons.gone("anna")
    await daemons.served("anna")

    assert "xx" == read(home, "starts")


async def test_one_that_does_not_start_says_why_and_is_not_tried_with_each_request(home, running):
    daemons = running(FAILS)
    for _ in range(2):
        with pytest.raises(
            ProfileUnusable, match="'anna' can't answer: No model file at /nowhere. Everybody"
        ):
            await daemons.served("anna")

    assert {"anna": "No model file at /nowhere."} == daemons.failures
    assert "x" == read(home, "starts")


async def test_a_program_that_can_not_be_run_is_a_reason_too(home):
    daemons = Daemons(home, settings(), lambda place: Command(argv=["/nowhere"], environment={}))
    with pytest.raises(ProfileUnusable, match="No such file"):
        await daemons.served("anna")


async def test_a_home_that_another_daemon_has_is_waited_for_until_that_one_is_gone(home, running):
    home.profile("anna").path.mkdir(parents=True)
    lock = HomeLock(home.profile("anna"))
    lock.take()
    asking = asyncio.create_task(running(SERVES).served("anna"))
    await asyncio.sleep(0.3)
    before = read(home, "starts")
    lock.release()
    await asking

    assert ("", "x") == (before, read(home, "starts"))


async def test_nobody_of_another_name_is_started(home, running):
    with pytest.raises(DaemonError, match="no profile 'ben'"):
        await running(SERVES).served("ben")
    assert not home.profile("ben").path.exists()


async def test_a_stopped_one_starts_again_when_it_is_asked_for(home, running):
    daemons = running(SERVES)
    await daemons.served("anna")
    await daemons.stop_one("anna")
    await daemons.stop_one("anna")
    ended = read(home, "ended")
    await daemons.served("anna")

    assert ("in peace", "xx") == (ended, read(home, "starts"))


def test_it_has_the_main_settings_but_those_that_are_a_persons_own(home, monkeypatch):
    monkeypatch.setenv("TSUBASA_PORT", "4141")
    monkeypatch.setenv("TSUBASA_HOME", "/elsewhere")
    place = home.profile("anna")
    place.path.mkdir(parents=True)
    main = settings(
        n_ctx=4096,
        night=False,
        models=("coder.gguf", "/m/x.gguf"),
        system_prompt="I am Ben.",
        users="ben",
        port=4141,
        gpu_layers=3,
        recall_k=5,
    )
    main = replace(main, origin={**main.origin, "gpu_layers": FITS})
    place.config.write_text("recall_k = 7\n")
    made = command(main, "/models/real.gguf", place)
    ours = {name: value for name, value in made.environment.items() if name.startswith("TSUBASA_")}
    place.config.write_text('model = "nano"\n')
    other = command(main, "/models/real.gguf", place)

    assert {
        "TSUBASA_N_CTX": "4096",
        "TSUBASA_NIGHT": "false",
        "TSUBASA_MODELS": "coder.gguf,/m/x.gguf",
        "TSUBASA_USERS": "*",
    } == ours
    assert (main.config.models, place.models) == (
        load(place.config, environment=ours).config.models,
        home.models,
    )
    assert ["--port", "0", "--model", "/models/real.gguf", "--below"] == made.argv[-5:]
    assert "--model" not in other.argv and "Ben" not in json.dumps([made.argv, dict(made.environment)])
    assert False is load(place.config, environment=ours).config.night


async def test_a_profile_whose_settings_are_broken_is_told_by_file_and_line(home):
    daemons = Daemons(home, settings(), lambda place: command(settings(), "nano", place))
    place = home.profile("anna")
    place.path.mkdir(parents=True)
    place.config.write_text("recall_k = 7\nwrong = 1\n")
    with pytest.raises(ProfileUnusable, match=r"anna/config.toml line 2: unknown key 'wrong'"):
        await daemons.served("anna")
    with pytest.raises(ConfigError):
        command(settings(), "nano", Home(Path(place.path)))
