"""The evaluation of skills: what is judged right and wrong, and that its cases are what they seem."""

import random
from importlib.resources import files
from pathlib import Path

import pytest

from daemon.memory.evolve import Choice
from models.skills.evaluation import cases
from models.skills.evaluation.facts import Chat, Sentence, f1, judge
from models.skills.evaluation.general import General, instructions, is_right, questions
from models.skills.evaluation.parts import is_right_choice
from models.skills.evaluation.replies import Asked, chats, is_fine
from models.skills.evaluation.words import fits

HOUSE = Chat(
    turns=["I'm Desmond, my sister Annika moved to Malmö yesterday. I don't like Kiel", "I see."],
    facts=[["Desmond"], ["sister", "Malmö", "@2026-03-04"]],
    maybe=[["Kiel", "NEG|dislike"]],
    never=[["Kiel", "!NEG|dislike"]],
)
SISTER = Asked(
    turns=["which town does my sister live in?"],
    memories=["2026-03-01: The user's sister Annika has a dog.", "2026-03-02: The user lives in Kiel."],
)
HOME = Asked(
    turns=["Where do I live?"],
    memories=["2026-02-02: The user moved to Kiel. Before that: The user lives in Lübeck."],
    expect=["Kiel"],
    reject=[["Lübeck", "!PAST"]],
)


@pytest.mark.parametrize(
    ("text", "group", "fit"),
    [
        ("The user has cats.", ["cat"], True),
        ("They concatenate.", ["cat"], False),
        ("In Malmo.", ["Malmö"], True),
        ("a birdwatcher", ["bird watch"], True),
        ("It is 470.", ["47"], False),
        ("The user paints.", ["paint$"], False),
        ("The user doesn't smoke.", ["smok", "!NEG"], False),
        ("She no longer works there.", ["work", "PAST"], True),
        ("He may go to Rome.", ["Rome", "MAYBE"], True),
        ("in August", ["July|August"], True),
    ],
)
def test_a_group_of_words_fits_where_all_its_terms_do(text, group, fit):
    assert fit == fits(text, group)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("The user is called Desmond.", "found"),
        ("Desmond's sister Annika lives in Malmö now.", "found"),
        ("The user moved to Malmö.", "spare"),
        ("My sister Annika moved to Malmö.", "spare"),
        ("Did the sister move to Malmö?", "spare"),
        ("The user does not like Kiel.", "maybe"),
        ("The user likes Kiel.", "made_up"),
        ("The user's brother moved to Malmö.", "made_up"),
        ("The user's sister Annika moved to Lund.", "made_up"),
        ("The user's sister moved to Malmö with 3 dogs.", "made_up"),
        ("The user enjoys gardening on weekends.", "made_up"),
        ("The user said that Annika moved.", "spare"),
        ("The user is called Annika.", "made_up"),
        ("The user's address is Malmö.", "made_up"),
        ("The user is called my sister.", "made_up"),
        ("The user tells you of Malmö.", "spare"),
        ("The user drums for Annika.", "made_up"),
        ("The user plays Annika.", "made_up"),
    ],
)
def test_a_sentence_is_judged_by_what_it_tells_and_of_whom(said, kind):
    assert [kind] == judge(HOUSE, [Sentence(text=said)]).kinds


def test_a_fact_is_found_once_and_with_its_day():
    text = "The user's sister Annika moved to Malmö."

    twice = judge(HOUSE, [Sentence(text=text, day="2026-03-04"), Sentence(text=text, day="2026-03-05")])
    late = judge(HOUSE, [Sentence(text=text, day="2026-03-05")])

    assert (["found", "spare"], [1], [True]) == (twice.kinds, twice.found, twice.days)
    assert [False] == late.days


def test_a_chat_is_right_with_all_facts_and_nothing_else():
    told = [Sentence(text="The user is Desmond."), Sentence(text="The user's sister lives in Malmö.")]
    more = Sentence(text="The user said that Annika moved.")

    assert judge(HOUSE, told).is_right(HOUSE)
    assert not judge(HOUSE, told[:1]).is_right(HOUSE)
    assert not judge(HOUSE, [*told, more]).is_right(HOUSE)


def test_a_sentence_tells_two_facts_at_most():
    chat = Chat(turns=["a b c"], facts=[["a"], ["b"], ["c"]])

    assert [0, 1] == judge(chat, [Sentence(text="a b c")]).found


@pytest.mark.parametrize(
    ("counts", "score"),
    [
        ((4, 4, 0, 0), 1.0),
        ((2, 4, 0, 0), 2 / 3),
        ((4, 4, 0, 4), 2 / 3),
        ((4, 4, 8, 0), 2 / 3),
        ((0, 3, 0, 0), 0.0),
        ((0, 0, 0, 1), 0.0),
        ((0, 0, 0, 0), 1.0),
    ],
)
def test_f1_counts_a_spare_sentence_as_half_a_wrong_one(counts, score):
    assert pytest.approx(score) == f1(*counts)


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ("You live in Kiel.", True),
        ("Kiel, since February 2026.", True),
        ("In Kiel now; you used to live in Lübeck.", True),
        ("The user moved to Kiel.", True),
        ("You live in Lübeck.", False),
        ("Kiel or Lübeck.", False),
        ("You live in Kiel, near Hamburg.", False),
        ("I don't know that yet.", False),
        ("Where do you live?", False),
        ("", False),
    ],
)
def test_an_answer_has_the_value_and_nothing_that_nobody_told(said, fine):
    assert fine == is_fine(HOME, said)


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ("I don't know that yet.", True),
        ("You haven't told me where your sister lives.", True),
        ("Sorry, I'm not sure which town your sister lives in.", True),
        ("Which town does your sister live in?", True),
        ("I'm sorry, but I'm unable to tell. I'm designed to assist with writing.", True),
        ("I have no information about your sister's town. If you tell me, I'll remember it.", True),
        ("I know about Annika's dog, but not the town.", True),
        ("I can't help with that.", True),
        ("Your sister lives in a town.", True),
        ("I don't know that. You live in Kiel.", True),
        ("Your sister's town is called Town.", False),
        ("Kiel.", False),
        ("Your sister lives in Kiel.", False),
        ("Your sister lives in Oslo.", False),
        ("I don't know, but I think it's Oslo.", False),
        ("Oslo", False),
        ("She lives by the coast.", False),
        ("The user's sister has a dog.", False),
        ("You are welcome.", False),
        ("I see.", False),
        ("", False),
        ("town town town town town town town", False),
    ],
)
def test_not_knowing_is_any_wording_that_claims_nothing(said, fine):
    assert fine == is_fine(SISTER, said)


def test_a_value_as_the_users_own_name_answers_nothing_else():
    with_amir = Asked(
        turns=["who am I going with?"], memories=["The user travels with Amir."], expect=["Amir"]
    )

    assert is_fine(with_amir, "With Amir.")
    assert not is_fine(with_amir, "You are called Amir.")


@pytest.mark.parametrize(
    ("said", "fine"),
    [("No.", False), ("Yes, you do.", False), ("Not that I know of, you haven't told me about pets.", True)],
)
def test_a_bare_yes_or_no_is_a_claim(said, fine):
    assert fine == is_fine(Asked(turns=["Do I have any pets?"]), said)


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ("Hello! How can I help you today?", True),
        ("Good morning. I'm doing well, thank you.", True),
        ("Hello Peter!", False),
        ("Hi! How is your dog? You told me he was ill.", False),
        ("", False),
        ("hi hi hi hi hi hi hi", False),
    ],
)
def test_small_talk_is_speech_and_makes_nothing_up_about_the_user(said, fine):
    assert fine == chats(said, "hello, anyone home?")


@pytest.mark.parametrize(
    ("wanted", "said", "right"),
    [
        ({"lines": 2}, "One line\n\nand two.", True),
        ({"lines": 2}, "One line only.", False),
        ({"most": 4}, "Green it is, yes", True),
        ({"most": 4}, "The grass is green, mostly.", False),
        ({"sentences": 1}, "A map shows a place.", True),
        ({"sentences": 1}, "A map shows. It shows a lot.", False),
        ({"starts": "Certainly"}, "**Certainly**, flour.", True),
        ({"starts": "Certainly"}, "Flour. Certainly.", False),
        ({"shape": "json"}, 'Here: {"name": "Al", "age": 3}', True),
        ({"shape": "json"}, "{name: Al}", False),
        ({"shape": "python"}, "Sure:\n```python\ndef f(x):\n    return x\n```\nDone!", True),
        ({"shape": "python"}, "def f(x) return x", False),
        ({"shape": "bullets"}, "- a tent\n- a mat", True),
        ({"shape": "bullets"}, "a tent, a mat", False),
        ({"shape": "numbered"}, "1. a\n2. b", True),
        ({"shape": "table"}, "| a | b |\n|---|---|\n| 1 | 2 |", True),
        ({"shape": "table"}, "a b\n1 2", False),
        ({"has": [["?"]]}, "When does it open?", True),
    ],
)
def test_an_instruction_is_followed_in_form_and_length(wanted, said, right):
    assert right == is_right(General(kind="", ask="", **wanted), said)


@pytest.mark.parametrize(
    ("op", "index", "text", "right"),
    [
        ("UPDATE", 1, "The user's dog is a beagle called Bella.", True),
        ("UPDATE", 1, "The user's dog is a beagle.", False),
        ("UPDATE", 2, "The user's dog is a beagle called Bella.", False),
        ("RECONCILE", 1, "", False),
        ("ADD", 0, "", False),
    ],
)
def test_an_update_is_right_with_its_memory_and_both_values(op, index, text, right):
    new = "The user's dog is a beagle."
    case = cases.Change(
        memories=["The user's dog is Bella.", "The user has a cat."],
        new=new,
        op="UPDATE",
        memory=0,
        merged=["Bella", "beagle"],
    )

    assert right == is_right_choice(case, Choice(op=op, index=index, text=text))
    assert not is_right_choice(case, None)


def every_chat():
    typed = [one for _, one in [*cases.typed(), *cases.sealed()] if isinstance(one, Chat)]
    return [*cases.harder(), *cases.no_facts(), *typed]


def test_no_message_stands_in_two_sets():
    sets = [
        {one.turns[0].lower() for one in cases.harder()},
        {one.turns[0].lower() for one in cases.no_facts()},
        {one.turns[0].lower() for _, one in cases.typed() if isinstance(one, Chat)},
        {one.turns[0].lower() for _, one in cases.sealed() if isinstance(one, Chat)},
        {" ".join(one.turns).lower() for _, one in cases.typed() if isinstance(one, Asked)},
        {" ".join(one.turns).lower() for _, one in cases.sealed() if isinstance(one, Asked)},
        {one.ask.lower() for one in (*questions()[0], *instructions())},
        {one.lower() for one in cases.small_talk()},
    ]

    assert sum(map(len, sets)) == len(set.union(*sets))


def test_what_a_chat_wants_is_said_in_it():
    """A fact of a word that nobody said could never be found, and one that is claimed could never be right."""
    for chat in every_chat():
        said = random.Random(1).sample(list(chat.turns), len(chat.turns))
        for group in chat.facts:
            words = [term for term in group if term[0] not in "!@" and term not in ("NEG", "PAST", "MAYBE")]
            assert words, (chat, group)
            hits = [any(fits(turn, [word]) for turn in said for word in term.split("|")) for term in words]
            assert any(hits), (chat.turns, group)


def test_chats_begin_and_go_on_by_turns_of_two():
    for chat in every_chat():
        assert all(turn.strip() for turn in chat.turns)
        assert chat.date[:2] == "20"


def test_each_change_names_the_memory_it_is_about():
    for case in cases.changes():
        assert case.op in ("ADD", "UPDATE", "RECONCILE", "IGNORE")
        assert (case.op == "ADD") == (case.memory is None)
        assert case.memory is None or case.memory < len(case.memories)
        assert (case.op == "UPDATE" or "UPDATE" in case.also) == bool(case.merged)


def test_what_an_answer_wants_stands_in_its_memories_and_else_nowhere():
    for asked in (*cases.asked(known=True), *cases.asked(known=False)):
        assert len(asked.turns) % 2 == 1
        if asked.expect:
            assert asked.memories


def test_no_message_of_the_evaluation_stands_in_the_data_of_the_skills():
    data = Path(str(files("models.skills"))) / "data"
    taught = "\n".join(
        one.read_text(encoding="utf-8") for one in data.iterdir() if one.name.endswith(".toml")
    )
    asked = [one for _, one in [*cases.typed(), *cases.sealed()] if isinstance(one, Asked)]
    asked += [*cases.asked(known=True), *cases.asked(known=False)]
    turns = [turn for one in (*every_chat(), *asked) for turn in one.turns[::2] if len(turn.split()) > 4]
    turns += [one.ask for one in (*questions()[0], *instructions()) if len(one.ask.split()) > 4]
    turns.remove("Can you help me with something?")  # everybody says so

    assert len(turns) > 600
    assert [] == [turn for turn in turns if turn.lower() in taught]
