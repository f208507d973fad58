"""Links and cookies: what they open, how often, and for how long."""

import pytest

from daemon.api.page.access import COOKIE_S, LINK_S, Sessions


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def changed(token, place):
    """The token with another letter there."""
    place %= len(token)
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def test_a_link_works_once_and_leads_where_it_was_made_for():
    sessions = Sessions("key")
    token = sessions.new_link("/nights")

    assert ["/nights", None, None] == [sessions.redeem(one) for one in (token, token, "other")]


def test_a_used_link_works_in_no_other_spelling_of_its_signature():
    """The last letter of base64 carries bits that are not read."""
    sessions = Sessions("key")
    token = sessions.new_link()
    sessions.redeem(token)

    assert {None} == {
        sessions.redeem(token[:-1] + last) for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk-_="
    }


def test_a_link_is_good_for_a_minute_and_until_a_restart():
    clock = Clock()
    sessions = Sessions("key", clock=clock)
    soon, late = sessions.new_link(), sessions.new_link()
    after_restart = Sessions("key", clock=clock).redeem(soon)
    clock.now += LINK_S - 1
    in_time = sessions.redeem(soon)
    clock.now += 1

    assert (None, "/", None, None) == (after_restart, in_time, sessions.redeem(late), sessions.redeem(soon))


def test_a_cookie_is_good_for_thirty_days_and_for_one_key():
    clock = Clock()
    sessions = Sessions("key", clock=clock)
    cookie = sessions.new_cookie()
    at_first = sessions.is_valid(cookie)
    elsewhere = Sessions("another key", clock=clock).is_valid(cookie)
    clock.now += COOKIE_S
    at_last = sessions.is_valid(cookie)

    assert (True, False, False) == (at_first, elsewhere, at_last)


@pytest.mark.parametrize("forge", ["", ".", "..", "1.2.3", "ä.ö.ü", "\x00", "a" * 100_000])
def test_a_cookie_that_was_made_up_is_none_of_ours(forge):
    assert not Sessions("key").is_valid(forge)


def test_a_cookie_or_link_that_was_changed_is_none_of_ours():
    clock = Clock()
    sessions = Sessions("key", clock=clock)
    cookie, link = sessions.new_cookie(), sessions.new_link()
    places = range(len(cookie) - 1)  # the last letter has bits that are not read

    assert [] == [place for place in places if sessions.is_valid(changed(cookie, place))]
    assert not any(map(sessions.is_valid, (cookie[:-1], cookie + "A", link)))
    assert not any(sessions.redeem(one) for one in (cookie, changed(link, 0), link[:-1]))


def test_no_two_cookies_are_alike():
    sessions = Sessions("key", clock=Clock())

    assert sessions.new_cookie() != sessions.new_cookie()
