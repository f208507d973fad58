"""The cases of what is no fact: eight languages, half of them sealed, and what the rules alone hold back."""

from collections import Counter

import pytest

from bench.observe_cases import Case, Held, by_rules, cases, is_right, scores


def test_there_are_eight_languages_with_as_many_cases_in_each_half():
    halves = [Counter(case.language for case in cases(sealed=sealed)) for sealed in (False, True)]

    assert [8, 8] == [len(half) for half in halves]
    assert {10} == {number for half in halves for number in half.values()}
    assert not {case.say for case in cases(sealed=False)} & {case.say for case in cases(sealed=True)}


@pytest.mark.parametrize("kind", ["hypothesis", "hedged", "hearsay", "fiction", "translate"])
def test_a_model_that_copies_everything_teaches_nothing_of_these_in_any_language(kind):
    found = scores([(case, by_rules(case)) for case in cases(sealed=False)])

    assert 1.0 == found["kinds"][kind]


def test_what_the_rules_hold_back_costs_no_plain_fact():
    plain = [case for case in cases(sealed=False) if case.kind == "plain"]

    assert all(by_rules(case)[0].is_taught for case in plain)


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
