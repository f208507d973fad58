import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from daemon.lessons.agreement import Answer, agree, invents, plain_words, same_language, script, told


@pytest.mark.parametrize(
    ("source", "question", "answer", "wanted"),
    [
        ("The user lives in Ghent.", "Where do I live?", "You live in Ghent.", {"ghent"}),
        ("The user likes tea.", "What do I drink?", "You like tea.", {"like", "tea"}),
        ("Die Nutzerin wohnt in Gent.", "Wo wohne ich?", "Du wohnst in Gent.", {"gent"}),
        ("Пользователь живёт в Гомеле.", "Где я живу?", "Твой город — Гомель.", {"гомеле"}),
        ("L'utilisatrice a 34 ans.", "Quel âge ai-je ?", "Vous avez 34 ans.", {"34"}),
        ("用户住在柏林。", "我住在哪里？", "你住在柏林。", {"在柏", "柏林"}),
        ("المستخدم يسكن في بغداد.", "أين أسكن؟", "أنت تسكن في بغداد.", {"بغداد"}),
        ("The user lives in Ghent.", "Where do I live?", "I don't know that.", set()),
        ("The user lives in Ghent.", "Do I live in Ghent?", "Yes, in Ghent.", set()),
    ],
)
def test_what_an_answer_tells_is_what_the_memory_has_and_the_question_has_not(
    source, question, answer, wanted
):
    assert wanted <= told(answer, question, source)
    assert bool(wanted) == bool(told(answer, question, source))


@pytest.mark.parametrize(
    ("source", "one", "other", "wanted"),
    [
        ("The user lives in Ghent.", "You live in Ghent.", "In Ghent.", True),
        ("The user lives in Ghent.", "You live in Ghent.", "You live in Oslo.", False),
        ("The user likes tea.", "You like tea.", "You like beer.", False),
        ("L'utilisatrice habite à Gand.", "Vous habitez à Gand.", "Vous habitez à Lyon.", False),
        ("The user has 2 cats.", "You have 2 cats.", "You have 3 cats.", False),
        ("Die Nutzerin arbeitet als Bäckerin.", "Du bist Bäckerin.", "Als Bäckerin.", True),
        ("用户住在柏林。", "你住在柏林。", "柏林。", True),
        ("用户住在柏林。", "你住在柏林。", "你住在南京。", False),
        ("The user lives in Ghent.", "I can't say.", "I don't know.", False),
    ],
)
def test_two_answers_agree_where_they_tell_the_same_or_one_less_and_nothing_else(source, one, other, wanted):
    first, second = [Answer(question="?", text=text, tells=told(text, "?", source)) for text in (one, other)]

    assert (
        wanted == agree(first, second, source, plain=["bist"]) == agree(second, first, source, plain=["bist"])
    )


@pytest.mark.parametrize(
    ("answer", "source", "wanted"),
    [
        ("You told me so on 5 March 2026.", "2026-03-05: The user lives in Ghent.", False),
        ("Du wohnst dort seit 12 Jahren.", "Die Nutzerin wohnt in Gent.", True),
        ("You live in Ghent. Ghent is nice.", "The user lives in Ghent.", False),
        ("Your sister is Ruth.", "Who is my sister?", True),
        ("Deine Schwester wohnt in der Stadt und ist nett.", "Die Schwester wohnt in Gent.", False),
        ("你有３只猫。", "用户有3只猫。", False),
        ("你有5只猫。", "用户有3只猫。", True),
    ],
)
def test_a_number_or_a_name_that_nothing_tells_is_made_up(answer, source, wanted):
    assert wanted == invents(answer, source)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("The user lives in Ghent.", "Where do I live?", True),
        ("Die Nutzerin wohnt in Gent.", "Where do I live?", False),
        ("Die Nutzerin wohnt in Gent.", "Wo wohne ich?", True),
        ("L'utilisateur habite à Gand.", "What is my home town?", False),
        ("The user lives in Ghent.", "Ghent.", True),
        ("用户的狗叫Rex。", "我的狗叫什么名字？", True),
        ("用户的狗叫Rex。", "What is my dog called?", False),
        ("ユーザーは東京に住んでいます。", "私はどこに住んでいますか？", True),
        ("ユーザーは東京に住んでいます。", "我住在哪里？", False),
        ("Пользователь живёт в Казани.", "Где я живу?", True),
        ("المستخدم يسكن في بغداد.", "Where do I live?", False),
        ("사용자는 서울에 산다.", "나는 어디에 살아?", True),
        ("用户在Microsoft Corporation工作。", "我在哪里工作？", True),
        ("用户在Microsoft Corporation工作。", "Where do I work?", False),
        ("Пользователь работает в Microsoft Corporation International.", "Где я работаю?", True),
        ("My friend 李明 lives in Ghent.", "Where does my friend live?", True),
        ("1987.", "我是哪年出生的？", True),
    ],
)
def test_a_question_in_english_or_another_script_is_not_in_the_language_of_the_memory(one, other, wanted):
    assert wanted == same_language(one, other) == same_language(other, one)


def test_words_in_small_letters_that_come_again_carry_no_value():
    assert {"bist"} == plain_words(
        ["Du bist Bäckerin.", "Bäckerin bist du?", "我住在柏林。", "你住在柏林。"]
    ) - {"du"}


@given(some.text(), some.text(), some.text())
@example("B\u0900", "", "")  # a letter with a mark of another script
def test_any_text_is_compared(one, other, source):
    texts = (one, other)
    first, second = [Answer(question="?", text=text, tells=told(text, "?", source)) for text in texts]

    assert agree(first, second, source) == agree(second, first, source)
    assert same_language(one, one) and not invents(one, one)
    assert isinstance(script(source), str)
