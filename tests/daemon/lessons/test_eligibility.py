from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.lessons.eligibility import SETTLED_AFTER, is_volatile, may_contradict, unseen, waiting, why_wait
from daemon.text import WHY_WAITING
from store import chats, memories, notices
from store.chats import NewMessage
from tests.daemon.memory.fakes import make_memory, open_store_thread

TODAY = date(2026, 11, 21)


memory = partial(make_memory, told_on=TODAY)


def why(found, besides=(), before=None):
    made = why_wait(found, besides=besides, before=before or {}, today=TODAY)
    return {one.memory_id: one.reason for one in made}


@pytest.mark.parametrize(
    "text",
    [
        "The user is tired.",
        "The user is feeling a bit sick.",
        "The user has a headache.",
        "The user is in Oslo this week.",
        "The user visits the dentist tomorrow.",
        "The user has a meeting on 2026-11-23.",
        "The user plans to visit Leeds on 24 November 2026.",
        "The user plans to visit Leeds on 3 December.",
        "The user's interview at the bank is on 3 December.",
        "The user is meeting Bo on 3 December.",
        "The user has a meeting with Ana Lee in two hours.",
        "The user moves to Leeds in two weeks.",
        "The user caught a bad cold.",
        "The user's son has a fever and stays at home.",
        "The user is angry with Bo.",
        "The user was tired after the race.",
        "The user is stuck in traffic.",
        "The user is on the train to Bonn.",
        "The user is happy.",
    ],
)
def test_what_passes_soon_waits(text):
    assert {1: "volatile"} == why([memory(1, text)])


def test_a_plan_waits_while_its_day_is_near_and_once_that_is_over():
    told = date(2026, 8, 1)
    plans = [
        make_memory(1, "The user has an interview on 2026-10-01.", told),
        make_memory(2, "The user plans to visit Leeds on 3 October.", told),
        make_memory(3, "The user is going to marry on 2 January.", told),
    ]

    assert {1: "volatile", 2: "volatile"} == why(plans)


@pytest.mark.parametrize(
    "text",
    [
        "The user lives in Ghent.",
        "The user's birthday is on 3 May.",
        "The user's friend Will was born on 2026-11-20.",
        "The user plans to visit Turin.",
        "The user plans to marry on 2027-08-02.",
        "The user runs ten kilometres every Sunday.",
        "The user's favourite season is winter.",
        "The user is allergic to cold cream.",
        "The user is vegetarian.",
        "The user has a meeting on 2026-99-99.",
        "The user met his wife at a meeting on 3 May 2019.",
        "The user had an interview on 2026-10-01.",
        "The user met his wife at a meeting on 3 December.",
        "The user visits his mother every 24 November.",
        "The user visits his mother on 24 November each year.",
        "The user wants to be a doctor since 2019-05-01.",
        "The user wants to be a doctor since 3 December.",
        "The user's flight licence is from 2012-04-01.",
        "The user's exam board is AQA since 1 March 2020.",
        "The user's best man at the meeting of 2 December was Bo.",
        "The user is happy in Oslo.",
        "The user is happy with his phone.",
        "The user's dog was sick in 2015.",
        "The user was ill as a child.",
        "The user had the flu in March 2020.",
        "The user's father was lost at sea in 1999.",
        "The user is tired on Mondays.",
        "The user is busy every afternoon.",
        "The user has a cold shower every morning.",
        "The user has a cold frame in his garden.",
        "The user's favourite drink is hot chocolate.",
        "The user ran the marathon in 4 hours.",
        "The user trains three times in a week.",
    ],
)
def test_what_lasts_does_not_wait(text):
    assert {} == why([memory(1, text)])


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("Der Nutzer fliegt am 2026-12-05 nach Rom.", True),
        ("用户2026年12月5日飞往罗马。", True),
        ("用户的生日是12月5日。", False),
        ("L'utilisateur est né le 1990-12-05.", False),
        ("Пользователь живёт в Генте.", False),
    ],
)
def test_in_another_language_a_day_of_these_weeks_tells_what_passes(text, waits):
    assert ({1: "volatile"} if waits else {}) == why([memory(1, text)])


@pytest.mark.parametrize(
    ("trust", "waits"), [("user", False), ("import", False), ("assistant", True), ("untrusted", True)]
)
def test_what_is_not_the_users_own_word_waits(trust, waits):
    assert ({1: "untrusted"} if waits else {}) == why([memory(1, trust=trust)])


def test_two_that_may_contradict_each_other_wait_for_two_days():
    told_before = memory(1, told_on=date(2026, 9, 1))
    told_today = memory(2, "The user lives in Bonn.")
    long_ago = memory(3, "The user lives in Bonn.", told_on=date(2026, 9, 9))

    assert {1: "contradicted", 2: "contradicted"} == why([told_before, told_today], [(2, 1)])
    assert {} == why([told_before, long_ago], [(3, 1)])
    assert {} == why([told_today], [(2, 1)])  # the other one holds no more


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("The user lives in Ghent.", "The user lives in New York.", True),
        ("The user's sister is called Ann Lee.", "The user's sister is called Bo.", True),
        ("The user works as a baker.", "The user works as a nurse.", True),
        ("The user eats meat.", "The user doesn't eat meat.", True),
        ("The user's sister lives in Ghent.", "The user's brother lives in Bonn.", False),
        ("The user's favourite food is soup.", "The user's favourite drink is tea.", False),
        ("The user's sister is called Priya.", "The user's best friend is called Tobias.", False),
        ("Der Nutzer wohnt in Gent.", "Der Nutzer wohnt jetzt in Bonn.", True),
        ("Die Schwester wohnt in Gent.", "Der Bruder wohnt in Bonn.", False),
        ("用户住在根特。", "用户住在波恩。", True),
        ("用户喝咖啡。", "用户不喝咖啡。", True),
        ("用户的妹妹住在根特。", "用户的弟弟住在波恩。", False),
        ("يعيش المستخدم في غنت.", "يعيش المستخدم في بون.", True),
    ],
)
def test_only_what_tells_the_same_thing_otherwise_contradicts(one, other, expected):
    assert expected == may_contradict(one, other) == may_contradict(other, one)
    assert expected == bool(why([memory(1, one), memory(2, other)], [(2, 1)]))


def test_a_change_of_mind_is_knowledge_and_one_back_and_forth_within_two_days_waits():
    once, twice = [memory(1)], [memory(1), memory(2)]

    assert ({}, {3: "contradicted"}) == (
        why([memory(3)], before={3: once}),
        why([memory(3)], before={3: twice}),
    )
    assert {} == why([memory(3)], before={3: [memory(1, told_on=date(2026, 1, 1)), memory(2)]})


@given(some.dates(), some.dates())
def test_nothing_waits_for_a_contradiction_longer_than_it_takes_to_settle(told, today):
    both = [make_memory(1, told_on=told), make_memory(2, "The user lives in Bonn.", told)]
    made = why_wait(both, besides=[(2, 1)], before={}, today=today)

    assert bool(made) == (abs(today - told) < SETTLED_AFTER)


@given(some.text(), some.dates(), some.dates())
def test_any_text_on_any_day_is_judged(text, told, today):
    assert is_volatile(make_memory(1, text, told), today) in (True, False)


async def test_what_waits_is_found_in_the_store(store_thread):
    def ask(db):
        home = memories.add(db, "The user lives in Ghent.", told_on=date(2026, 9, 1), sources=())
        other = memories.add(db, "The user lives in Bonn.", told_on=TODAY, sources=(), beside=home)
        memories.add(db, "The user's dog is called Rex.", told_on=TODAY, sources=(), trust="assistant")
        food = memories.add(db, "The user likes soup.", told_on=TODAY, sources=())
        for text in ("The user likes tea.", "The user likes rice."):
            food = memories.reconcile(db, food, text, told_on=TODAY, sources=())
        first = {one.memory_id: one.reason for one in waiting(db, TODAY)}
        some = {one.memory_id: one.reason for one in waiting(db, TODAY, among=[2, 6])}
        assert {id: first[id] for id in (2, 6)} == some
        memories.undo(db, other.id, today=TODAY)
        return first, {one.memory_id: one.reason for one in waiting(db, TODAY + timedelta(days=1))}

    first, then = await store_thread.run(ask)

    assert {1: "contradicted", 2: "contradicted", 3: "untrusted", 6: "contradicted"} == first
    assert {3: "untrusted", 6: "contradicted"} == then
    assert set(first.values()) <= WHY_WAITING.keys()


async def test_what_changed_a_memory_waits_for_a_look_and_a_day_at_most(tmp_path):
    """Nobody must come for it to be learned; what is new, or changed by one's own hand, waits for nothing."""

    def change(db):
        told = chats.record(db, [NewMessage(role="user", text="I live in Oslo now.")], at=datetime.now(UTC))[
            -1
        ]
        old = memories.add(db, "The user lives in Ghent.", told_on=TODAY, sources=[told.id])
        made = memories.reconcile(db, old, "The user lives in Oslo.", told_on=TODAY, sources=[told.id])
        own = memories.add(db, "The user sings.", told_on=TODAY, sources=[])
        memories.reconcile(db, own, "The user sings loudly.", told_on=TODAY, sources=[])
        return made.id

    def waits(db, **later):
        return [one.memory_id for one in unseen(db, datetime.now(UTC) + timedelta(**later))]

    async with open_store_thread(tmp_path) as store_thread:
        made = await store_thread.run(change)
        at_once, in_a_day = await store_thread.run(waits), await store_thread.run(waits, hours=25)
        await store_thread.run(notices.look, 2)
        looked = await store_thread.run(waits)
        told = await store_thread.run(notices.unseen)

    assert ([made], [], [], []) == (at_once, in_a_day, looked, told)
