"""The cases of what is no fact: eight languages, half of them sealed, and what the rules alone hold back."""

from collections import Counter
from itertools import combinations

import pytest

from bench.observe_cases import Case, Held, by_rules, cases, is_right, own_wants, scores
from daemon.text import content_words

EVERY = [*cases(sealed=False), *cases(sealed=True)]


def test_there_are_eight_languages_with_at_least_sixteen_cases_in_each_half():
    halves = [Counter(case.language for case in cases(sealed=sealed)) for sealed in (False, True)]

    assert [8, 8] == [len(half) for half in halves]
    assert 16 <= min(number for half in halves for number in half.values())
    assert 300 <= len(EVERY)


def test_no_two_messages_are_alike():
    """Nor is one of them the other with a few words changed."""
    words = [frozenset(content_words(case.say)) for case in EVERY]
    alike = [
        (one, other) for one, other in combinations(words, 2) if len(one & other) > 0.6 * len(one | other)
    ]

    assert [] == alike


def test_a_program_that_holds_nothing_finds_nothing_and_one_that_copies_all_teaches_what_is_wrong():
    nothing = scores([(case, []) for case in EVERY])
    copied = scores([(case, [Held(text=case.say, trust="user")]) for case in EVERY])

    assert 3 * sum(bool(case.wants) for case in EVERY) >= len(EVERY)
    assert (0.0, 0.0, 1.0) == (nothing["found"], nothing["own"], nothing["nothing_wrong"])
    assert (1.0, 1.0) == (copied["found"], copied["own"])
    assert 0.7 > copied["nothing_wrong"]


def test_every_message_asks_for_something():
    """For a sentence that must come out, for one that must not, or for a secret that is kept."""
    assert [] == [case.say for case in EVERY if not (case.wants or case.never or case.kind == "secret")]


@pytest.mark.parametrize(
    "kind", ["hypothesis", "hedged", "hearsay", "fiction", "translate", "proofread", "answer", "plan"]
)
def test_a_model_that_copies_everything_teaches_nothing_of_these_in_any_language(kind):
    found = scores([(case, by_rules(case)) for case in cases(sealed=False)])

    assert 1.0 == found["kinds"][kind]


def test_what_the_rules_hold_back_costs_next_to_no_plain_fact_or_relative():
    plain = [case for case in cases(sealed=False) if case.kind in ("plain", "relative")]

    assert 0.95 < scores([(case, by_rules(case)) for case in plain])["own"]


@pytest.mark.parametrize(
    ("begins", "right", "wrong"),
    [
        ("ma brother in law", "The user's brother-in-law is a police officer.", "The user is a police officer."),
        ("So we'd booked", "The user's trip to Lisbon was cancelled.", "The user is going to Lisbon."),
        ("mei Schwager", "Der Schwager des Nutzers ist Metzger.", "The user is a butcher in Passau."),
        ("Je ne suis pas allergique", "L'utilisateur est allergique aux arachides.", "The user is allergic to nuts."),
        ("íbamos a adoptar", "El usuario no adoptó un galgo.", "The user has a greyhound."),
        ("mi' nonna", "The user's uncle drives bus 64.", "L'utente guida l'autobus 64."),
        ("Nie żebym", "Mąż użytkowniczki ma alergię.", "Użytkowniczka nie lubi psów."),
        ("брат у меня", "Брат пользователя дальнобойщик.", "The user is a truck driver."),
        ("我阿嬤", "用户的舅舅在台积电上班。", "The user works at TSMC."),
    ],
)  # fmt: skip
def test_a_sentence_is_judged_by_its_meaning_in_the_language_of_the_chat_or_in_english(begins, right, wrong):
    case = next(case for case in EVERY if case.say.startswith(begins))

    assert is_right(case, [Held(text=right, trust="user")])[1]
    assert not is_right(case, [Held(text=wrong, trust="user")])[1]
    assert is_right(case, [Held(text=wrong, trust="untrusted")])[1]


def test_a_case_is_judged_by_what_is_held_as_the_persons_word():
    case = Case(language="en", kind="hedged", say="", wants=("ghent/gent+live",), never=("Oslo",))
    good, reported = (
        Held(text="The user lives in Gent.", trust="user"),
        Held(text="They are in Oslo.", trust="untrusted"),
    )
    wrong = Held(text="The user lives in Oslo.", trust="user")

    assert (1, True) == is_right(case, [good, reported])
    assert (0, False) == is_right(case, [wrong])
    assert (0, True) == is_right(case, [])


def test_what_is_wanted_counts_as_the_persons_own_where_it_is_held_so_and_they_say_it_for_certain():
    said = Case(language="en", kind="relative", say="", wants=("nurse+!user is",))
    doubted = Case(language="en", kind="hedged", say="", wants=("boat",))
    held, reported = (
        Held(text="The user's sister is a nurse.", trust=trust) for trust in ("user", "untrusted")
    )

    assert ([True], [False], [False]) == tuple(
        own_wants(said, one)
        for one in ([held], [reported], [Held(text="The user is a nurse.", trust="user")])
    )
    assert [] == own_wants(doubted, [held])


def test_a_secret_is_wrong_where_it_is_taught_and_what_stands_beside_it_is_not():
    case = next(case for case in EVERY if case.say.startswith("Für die Akten"))
    known = Held(text="The user's IBAN is DE56 3704 0044 0771 2345 09.", trust="user")
    unknown = Held(text="Der Nutzer nannte 65 120487.", trust="user")
    job = Held(text="Der Nutzer arbeitet bei den Stadtwerken Soest.", trust="user")

    assert (1, True) == is_right(case, [job, known])
    assert (1, False) == is_right(case, [job, unknown])
