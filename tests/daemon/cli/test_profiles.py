"""`tsubasa profiles` and `--profile`: a person beside the main one, made, looked into, removed."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from daemon.cli.main import cli
from daemon.config import api_keys
from daemon.errors import DaemonError, HomeInUse
from daemon.home import Home, HomeLock
from daemon.profiles import registry
from tests.daemon.api.world import serving
from tests.daemon.cli.commands import announce, run, unwrapped


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def lived_in(home, name="anna"):
    """A profile with something in it."""
    registry.add(home, name, [f"{name}1"])
    theirs = home.profile(name)
    theirs.path.mkdir(parents=True)
    theirs.store.write_bytes(b"x" * 2000)
    return theirs


def test_a_profile_is_made_listed_and_a_start_afterwards_finds_a_home_of_ours(home):
    nobody = run(home.path, "profiles")
    made = json.loads(run(home.path, "profiles", "add", "anna", "--user", "a1", "--user", "a2", "--json"))
    listed = json.loads(run(home.path, "profiles", "--json"))["profiles"]
    again = run(home.path, "profiles", "add", "anna")

    assert "Nobody but you" in nobody
    assert ["a1", "a2"] == made["users"] == listed[0]["users"]
    assert (str(home.profile("anna").path), False, 0) == (
        made["home"],
        listed[0]["running"],
        listed[0]["bytes"],
    )
    assert "a1 or a2 is anna" in unwrapped(again)


def test_a_profile_without_a_user_says_how_one_gets_in(home):
    said = unwrapped(run(home.path, "profiles", "add", "anna"))

    assert "--user ID" in said and "keys make phone --may chat --profile anna" in said


@pytest.mark.parametrize(
    "words",
    [
        ["add", "a/b", "--user", "x"],
        ["add", "../home", "--user", "x"],
        ["add", "ben", "--user", "anna1"],
        ["add", "ben", "--user", ""],
        ["remove", "nobody", "--yes"],
        ["remove", "../..", "--yes"],
        ["remove", "", "--yes"],
        ["stop", "nobody"],
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(home, words):
    theirs = lived_in(home)
    with pytest.raises(DaemonError) as refused:
        run(home.path, "profiles", *words)

    assert "\n" not in str(refused.value)
    assert ["anna"] == [one.name for one in registry.listed(home)]
    assert theirs.store.exists()


def test_a_profile_is_removed_with_its_keys_for_typed_words_alone(home):
    theirs, others = lived_in(home), lived_in(home, "ben")
    key = api_keys.make(home, "phone", ["chat"], profile="anna")
    api_keys.make(home, "mine", ["chat"])
    with pytest.raises(DaemonError, match="Nothing was removed"):
        run(home.path, "profiles", "remove", "anna", text="yes\n")
    before = theirs.store.exists()
    run(home.path, "profiles", "remove", "anna", text=" Delete  anna\n")

    assert (True, False, True) == (before, theirs.path.exists(), others.store.exists())
    assert ["ben"] == [one.name for one in registry.listed(home)]
    assert ["mine"] == [one.name for one in api_keys.listed(home)]
    assert api_keys.ProgramKeys(home).find([key]) is None


def test_what_is_left_of_a_profile_that_is_in_no_list_is_removed_too(home):
    theirs = lived_in(home)
    registry.drop(home, "anna")
    run(home.path, "profiles", "remove", "anna", "--yes")

    assert not theirs.path.exists()


def test_a_profile_whose_daemon_runs_under_somebody_else_is_not_removed(home):
    theirs = lived_in(home)
    lock = HomeLock(theirs)
    lock.take()
    with pytest.raises(HomeInUse):
        run(home.path, "profiles", "remove", "anna", "--yes")
    lock.release()

    assert theirs.store.exists()


@pytest.mark.parametrize(
    "command", ["up", "keys", "profiles", "uninstall", "service", "pull", "doctor", "mcp", "tray"]
)
@pytest.mark.parametrize("way", ["flag", "variable"])
def test_a_command_that_is_not_about_one_person_refuses_a_profile(home, command, way):
    lived_in(home)
    env = {"TSUBASA_HOME": str(home.path)} | ({"TSUBASA_PROFILE": "anna"} if way == "variable" else {})
    done = CliRunner(env=env).invoke(cli, [*(["--profile", "anna"] if way == "flag" else []), command])

    assert (2, True) == (done.exit_code, "not about one person" in unwrapped(done.output))


@pytest.mark.parametrize("name", ["nobody", "../anna", "anna/."])
def test_a_profile_that_is_none_is_an_error_in_one_line(home, monkeypatch, name):
    lived_in(home)
    monkeypatch.setenv("TSUBASA_PROFILE", name)
    with pytest.raises(DaemonError, match="There is no profile"):
        run(home.path, "memories")


async def test_the_status_names_the_profiles_and_a_command_for_one_says_why_it_does_not_start(
    tmp_path, monkeypatch
):
    async with serving(tmp_path) as world:
        registry.add(Home(tmp_path), "anna", ["a1"])
        announce(tmp_path, world.url)
        said = await asyncio.to_thread(run, tmp_path, "status")
        stopped = await asyncio.to_thread(run, tmp_path, "profiles", "stop", "anna")
        (tmp_path / "profiles" / "anna").mkdir(parents=True)
        (tmp_path / "profiles" / "anna" / "config.toml").write_text("port = 99999\n")
        monkeypatch.setenv("TSUBASA_PROFILE", "anna")
        with pytest.raises(DaemonError, match=r"the profile anna: .*config.toml line 1: port can't be 99999"):
            await asyncio.to_thread(run, tmp_path, "memories")
        monkeypatch.delenv("TSUBASA_PROFILE")
        told = await asyncio.to_thread(run, tmp_path, "status")
        Home(tmp_path).profiles.write_text("{")
        broken = await asyncio.to_thread(run, tmp_path, "status")

    assert "users can't be told apart" in unwrapped(broken)
    assert "Profiles: anna (rests)" in said and "did not run" in stopped
    assert "The profile 'anna' does not start" in unwrapped(told)
