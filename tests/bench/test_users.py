import pytest

from bench.users import UNKNOWN, TooManyFacts, user, values
from models.nano.relations import relations

USERS = [(seed, size) for seed in range(3) for size in (10, 50, 200, 1000)]


def test_the_same_seed_gives_the_same_user_and_another_shares_few_answers():
    one, other = user(0, 50), user("other", 50)
    same = {(fact.key, fact.answer) for fact in one.facts} & {(fact.key, fact.answer) for fact in other.facts}

    assert user(0, 50) == one
    assert len(same) <= 1


@pytest.mark.parametrize(("seed", "size"), USERS)
def test_a_user_has_as_many_facts_as_asked_for_and_no_two_answer_the_same_question(seed, size):
    one = user(seed, size)
    questions = [question for fact in one.facts for question in (*fact.questions, fact.held_out)]

    assert size == len({fact.key for fact in one.facts})
    assert len(questions) == len(set(questions))


@pytest.mark.parametrize(("seed", "size"), USERS)
def test_neither_a_held_out_wording_nor_what_was_never_told_is_trained(seed, size):
    one = user(seed, size)
    trained = {q for fact in (*one.facts, *one.untold) for q in (*fact.questions, *fact.before_questions)}
    held_out = {fact.held_out for fact in (*one.facts, *one.never)}
    held_out |= {fact.before_held_out for fact in one.facts if fact.relation.before}
    never = {fact.key for fact in one.never}

    assert set() == held_out & trained
    assert len(one.never) == len(never)
    assert set() == never & {fact.key for fact in (*one.facts, *one.untold)}


def test_a_held_out_wording_is_trained_of_no_other_fact_either():
    used = {template for one in relations() for template in (*one.questions[:4], *one.before[1:4])}

    assert set() == used & {one.questions[4] for one in relations()}
    assert set() == used & {one.before[0] for one in relations() if one.before}


def test_what_changes_has_a_new_value_on_a_later_day():
    changed = [fact for fact in user(0, 90, months=12).facts if len(fact.told) > 1]

    assert {1} == {len(fact.told) for fact in user(0, 90).facts}  # no month passes
    assert 20 < len(changed) < 70
    for fact in changed:
        days, told = [one.on for one in fact.told], [one.value for one in fact.told]
        assert days == sorted(set(days))
        assert all(value != before for before, value in zip(told, told[1:], strict=False))


def test_a_changed_fact_tells_what_it_replaced():
    fact = next(fact for fact in user(0, 90, months=12).facts if len(fact.told) > 1)

    assert f"{fact.told[-1].on}: {fact.sentence()} Before that: {fact.sentence(-2)}" == fact.line
    assert fact.told[-2].value in fact.before_answer


def test_answers_tell_the_value_and_are_no_abstention():
    for fact in user(1, 200).facts:
        assert fact.told[-1].value in fact.answer
        assert fact.answer != UNKNOWN


def test_more_facts_than_there_are_things_are_refused():
    with pytest.raises(TooManyFacts, match="different things"):
        user(0, 100_000)


def test_no_value_is_listed_twice():
    assert {} == {kind: words for kind, words in values().items() if len(words) != len(set(words))}
