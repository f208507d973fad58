"""The list of profiles: who is whose, what can be none, and that a change counts at once."""

import json

import pytest

from daemon.errors import DaemonError
from daemon.home import Home
from daemon.profiles import registry
from daemon.profiles.registry import Profiles


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_a_profile_is_made_found_known_by_more_users_and_dropped(home):
    registry.add(home, "anna", ["a1", " anna@example.org "])
    registry.add(home, "ben", [])
    more = registry.add(home, "anna", ["a1", "a2"])
    known = [one.name for one in registry.listed(home)]
    registry.drop(home, "ben")
    registry.drop(home, "nobody")

    assert ("a1", "anna@example.org", "a2") == more.users == registry.find(home, "anna").users
    assert (["anna", "ben"], ["anna"]) == (known, [one.name for one in registry.listed(home)])
    assert 0o600 == home.profiles.stat().st_mode & 0o777


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "../a", ".", "..", ".a", "a b", "a\nb", "a\0", "x" * 41, "-a", "a:b"]
)
def test_a_name_that_would_be_another_folder_is_none(home, name):
    with pytest.raises(DaemonError, match="Can't call a profile") as refused:
        registry.add(home, name, ["a1"])

    assert "\n" not in str(refused.value)
    assert not home.profiles.exists()


@pytest.mark.parametrize("user", ["", "  ", "a\nb", "x" * 101])
def test_a_user_that_no_client_can_send_is_none(home, user):
    with pytest.raises(DaemonError, match="can't be a user"):
        registry.add(home, "anna", [user])


def test_a_user_is_one_person(home):
    registry.add(home, "anna", ["a1"])

    with pytest.raises(DaemonError, match="is of the profile 'anna' already"):
        registry.add(home, "ben", ["b1", "a1"])
    assert ["anna"] == [one.name for one in registry.listed(home)]


def test_a_name_in_other_letters_is_the_same_folder_on_some_systems_and_so_the_same_profile(home):
    registry.add(home, "anna", ["a1"])

    assert "anna" == registry.add(home, "Anna", ["a2"]).name


def test_a_folder_that_is_left_of_nobody_becomes_nobodys(home):
    home.profile("anna").path.mkdir(parents=True)

    with pytest.raises(DaemonError, match="belongs to no profile"):
        registry.add(home, "anna", ["a1"])


@pytest.mark.parametrize("content", ["{", "[1]", "[{}]", '[{"name": "../x", "users": [], "made_at": ""}]'])
def test_a_list_that_can_not_be_read_answers_nobody_who_is_named(home, content):
    home.path.mkdir()
    home.profiles.write_text(content)

    with pytest.raises(DaemonError, match=r"Can't read .*profiles.json"):
        Profiles(home).named(["a1"])


def test_what_is_made_or_removed_counts_at_once(home):
    known = Profiles(home)
    before = (known.are_there, known.named(["a1"]))
    registry.add(home, "anna", ["a1"])
    made = (known.are_there, known.named(["x", "a1"]), known.users)
    registry.drop(home, "anna")

    assert (False, []) == before
    assert (True, ["anna"], frozenset({"a1"})) == made
    assert [] == known.named(["a1"])


def test_a_list_edited_by_hand_may_name_one_user_twice_and_both_are_told(home):
    home.path.mkdir()
    both = [{"name": name, "users": ["a1"], "made_at": ""} for name in ("anna", "ben")]
    home.profiles.write_text(json.dumps(both))

    assert ["anna", "ben"] == Profiles(home).named(["a1"])


def test_a_profile_knows_the_home_it_is_in_and_any_other_folder_of_that_name_is_its_own(home, tmp_path):
    registry.add(home, "anna", [])
    other = Home(tmp_path / "profiles" / "x")

    assert (home, home) == (home.main, home.profile("anna").main)
    assert home.night_lock == home.profile("anna").night_lock
    assert other == other.main
