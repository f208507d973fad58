"""Links and cookies: what they open, how often, and for how long."""

from daemon.api.page.sessions import COOKIE_S, LINK_S, MOST_LINKS, Visitors


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_link_works_once_and_leads_where_it_was_made_for():
    visitors = Visitors("key")
    token = visitors.invite("/nights")

    assert ["/nights", None, None] == [visitors.admit(token), visitors.admit(token), visitors.admit("other")]


def test_a_link_is_good_for_a_minute():
    clock = Clock()
    visitors = Visitors("key", clock=clock)
    soon, late = visitors.invite(), visitors.invite()
    clock.now += LINK_S - 1
    in_time = visitors.admit(soon)
    clock.now += 1

    assert ("/", None) == (in_time, visitors.admit(late))


def test_of_too_many_links_the_oldest_is_given_up():
    visitors = Visitors("key")
    tokens = [visitors.invite() for _ in range(MOST_LINKS + 1)]

    assert [None, "/"] == [visitors.admit(tokens[0]), visitors.admit(tokens[-1])]


def test_a_cookie_is_good_for_thirty_days_and_for_one_key():
    clock = Clock()
    visitors = Visitors("key", clock=clock)
    cookie = visitors.cookie()
    at_first = visitors.is_ours(cookie)
    elsewhere = Visitors("another key", clock=clock).is_ours(cookie)
    clock.now += COOKIE_S
    at_last = visitors.is_ours(cookie)

    assert (True, False, False) == (at_first, elsewhere, at_last)


def test_a_cookie_that_was_changed_or_made_up_is_none_of_ours():
    visitors = Visitors("key")
    until, nonce, proof = visitors.cookie().split(".")
    forged = [
        "",
        ".",
        "..",
        "1.2.3",
        f"{int(until) + 1}.{nonce}.{proof}",
        f"{until}.{nonce}.{proof[:-1]}",
        "ä.ö.ü",
    ]

    assert [] == [cookie for cookie in forged if visitors.is_ours(cookie)]


def test_no_two_cookies_are_alike():
    visitors = Visitors("key", clock=Clock())

    assert visitors.cookie() != visitors.cookie()
