import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.memory.attribution import attribute
from tests.daemon.memory.fakes import make_message


def chat(*said, source="api"):
    """Messages from "role: text" lines; any other name is a user's with that name."""
    turns = []
    for id, line in enumerate(said, start=1):
        who, _, text = line.partition(": ")
        named = {"role": who} if who in ("user", "assistant") else {"speaker": who}
        turns.append(make_message(id, text, source=source, **named))
    return turns


@pytest.mark.parametrize(
    ("text", "said", "sources", "trust"),
    [
        ("The user lives in Ghent.", ["user: I live in Ghent", "assistant: Nice."], (1,), "user"),
        ("The user lives in Ghent.", ["user: hi", "user: I live in Ghent", "user: bye"], (2,), "user"),
        ("The user likes Japanese food.", ["user: food from Japan is best"], (1,), "user"),
        ("The user ran on Sunday, 1 March 2026.", ["user: I ran last Sunday"], (1,), "user"),
        ("The user adores felines.", ["user: cats!", "user: many of them"], (1, 2), "untrusted"),
        ("Gina's sister lives in Ghent.", ["Gina: my sister lives in Ghent"], (1,), "user"),
        ("The user's locker is 4412.", ["user: my locker is 442"], (1,), "untrusted"),
        ("The user has 3 cats.", ["user: I have three cats"], (1,), "user"),
        ("The user earns 1,200 a month.", ["user: I earn 1.200 a month"], (1,), "user"),
        ("The user met John Doe.", ["user: I met somebody", "assistant: How nice!"], (1,), "untrusted"),
        (
            "The assistant promised to remind the user about the dentist.",
            ["user: remind me about the dentist", "assistant: I'll remind you about the dentist."],
            (2,),
            "assistant",
        ),
        (
            "The user lives in Ghent.",
            ["user: where do I live?", "assistant: You live in Ghent?", "user: yes, that's it"],
            (1,),
            "user",
        ),
    ],
)
def test_a_sentence_is_the_word_of_who_said_its_names(text, said, sources, trust):
    found = attribute(text, chat(*said))

    assert (text, sources, trust) == (found.text, found.sources, found.trust)


@pytest.mark.parametrize(
    "said",
    [
        ["user: where do I live?", "assistant: You live in Ghent."],
        ["user: hello", "assistant: Is Ghent still your home?", "user: what?"],
    ],
)
def test_what_only_the_assistant_said_about_the_user_is_nobodys_word(said):
    assert None is attribute("The user lives in Ghent.", chat(*said))


def test_an_import_is_named_as_one():
    assert "import" == attribute("Gina lives in Ghent.", chat("Gina: I live in Ghent", source="import")).trust


SPOKEN = chat(
    "user: my boss is Ingrid, my sister is called Priya, I went to NYC for work, from home, in pain"
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("The user's boss is called Tngrid.", "The user's boss is called Ingrid."),
        ("The user's sister is called Pri.", "The user's sister is called Priya."),
        ("The user's sister is called Bob.", "The user's sister is called Bob."),
        ("The user went to New York.", "The user went to New York."),
        ("The user flew to Rome.", "The user flew to Rome."),
        ("The user was in Spain.", "The user was in Spain."),
    ],
)
def test_a_slip_in_a_name_is_put_right_and_another_name_is_not(written, meant):
    found = attribute(written, SPOKEN)

    assert (meant, "untrusted") == (found.text, found.trust)


@pytest.mark.parametrize(
    ("text", "said", "named", "expected"),
    [
        ("The user has 2 cats.", ["user: my 2 cats"], [0], ((1,), "user")),
        ("The user has 3 cats.", ["user: my 2 cats"], [0], ((1,), "untrusted")),
        ("The user earns 1,200 euros.", ["user: I get 1.200 euros"], [0], ((1,), "user")),
        ("用户30岁。", ["user: 我三十岁了"], [0], ((1,), "user")),
        ("用户31岁。", ["user: 我三十岁了"], [0], ((1,), "untrusted")),
        ("المستخدم عمره 30.", ["user: عمري ٣٠"], [0], ((1,), "user")),
        ("The user ran on 1 March.", ["user: I ran last Sunday"], [0], ((1,), "user")),
        ("用户3月1日跑步了。", ["user: 我星期天跑步了"], [0], ((1,), "user")),
        ("The user ran on 1 July.", ["user: I ran last Sunday"], [0], ((1,), "untrusted")),
        ("Пользователь любит Анну.", ["user: моя жена Анна"], [0], ((1,), "user")),
        ("Пользователь любит Ольгу.", ["user: моя жена Анна"], [0], ((1,), "untrusted")),
        ("Der Nutzer mag Bücher.", ["user: ich lese gern"], [0], ((1,), "user")),  # a noun is no name
        ("用户的狗叫Rex。", ["user: 我的狗叫rex"], [0, 7, -1], ((1,), "user")),
        ("用户的狗叫Max。", ["user: 我的狗叫rex"], [0], ((1,), "untrusted")),
        (
            "The user likes Ghent.",
            ["user: hi", "assistant: Ghent is nice, no?", "user: ja"],
            [1, 2],
            ((3,), "user"),
        ),
        ("The user likes Ghent.", ["user: hi", "assistant: Ghent is nice.", "user: eh?"], [1, 2], None),
        (
            "The user likes Ghent.",
            ["user: hi", "assistant: So you like Ghent?", "user: No, not."],
            [1, 2],
            None,
        ),
        ("Пользователь любит Гент.", ["user: я", "assistant: Любите Гент?", "user: Нет."], [1, 2], None),
        ("用户喜欢Gent。", ["user: 我", "assistant: 你喜欢Gent吗？", "user: 对。"], [1, 2], ((3,), "user")),
        ("用户喜欢Gent。", ["user: 我", "assistant: 你喜欢Gent吗？", "user: 对不起，不。"], [1, 2], None),
        ("Der Nutzer wohnt in Gent.", ["user: x", "assistant: In Gent?", "user: Da nicht."], [1, 2], None),
        ("Пользователь любит Марка.", ["user: моя жена Мария"], [0], ((1,), "untrusted")),
        ("Друга пользователя зовут Марк.", ["user: моя жена Мария"], [0], ((1,), "untrusted")),
        ("Пользователь живёт с Марком.", ["user: мой друг Марк"], [0], ((1,), "user")),
        ("Käyttäjä asuu talossa Väinölle.", ["user: Väinö on siellä"], [0], ((1,), "user")),
        ("The user likes Ghent.", ["user: hi", "assistant: You like Ghent."], [0], None),
        ("The assistant likes Ghent.", ["user: hi", "assistant: I like Ghent."], [1], ((2,), "assistant")),
        ("The user lives in Ghent.", ["user: I live in Ghent"], [5], ((1,), "user")),  # no such turn: words
    ],
)
def test_a_turn_that_the_model_names_is_believed_as_far_as_names_and_numbers_bear_it_out(
    text, said, named, expected
):
    found = attribute(text, chat(*said), named=named)

    assert expected == (found and (found.sources, found.trust))


@settings(max_examples=80, deadline=None)
@given(
    text=st.text(max_size=60),
    said=st.lists(st.text(max_size=60), max_size=4),
    named=st.none() | st.lists(st.integers(-2, 5)),
)
def test_any_text_has_some_witness_or_none(text, said, named):
    found = attribute(text, chat(*(f"user: {one}" for one in said)), named=named)

    assert found is None or found.trust in ("user", "untrusted", "assistant")


@pytest.mark.parametrize(
    ("text", "trust"),
    [
        ("The user lives at house number 77551926.", "untrusted"),
        ("The user's phone number is 775-513-094.", "untrusted"),
        (
            "The user's SNILS is 775-513-094 21.",
            "user",
        ),  # which is known for a secret, and so is never taught
        ("The user starts at Rolls-Royce in Derby.", "user"),
    ],
)
def test_a_number_out_of_a_secret_is_not_believed_under_another_name(text, trust):
    said = "account number 77551926, SNILS 775-513-094 21. I start at Rolls-Royce in Derby."
    found = attribute(text, [make_message(1, said)])

    assert found is not None
    assert trust == found.trust
