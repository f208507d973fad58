"""Counts and names, as every face words them; sentences, as they are compared."""

import pytest

from daemon.text import (
    content_words,
    counted,
    generations,
    in_english,
    listed,
    normalised,
    root,
    sentence,
    spell,
    spelled,
    upright,
    value_words,
    who_answers,
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (counted(1, "memory", "memories"), "1 memory"),
        (counted(2000, "day"), "2,000 days"),
        (listed([]), ""),
        (listed([1]), "1"),
        (listed([1, 2, 3]), "1, 2 and 3"),
        (spell(1), "1 second"),
        (spell(486), "8 minutes"),
        (spell(7500), "2 hours and 5 minutes"),
        (spelled(12, "day"), "twelve days"),
        (spelled(1300, "day"), "1,300 days"),
        (generations([2, 3]), "Generations 2 and 3"),
        (who_answers(0), "the base model"),
        (sentence("it failed"), "It failed."),
        (sentence(" "), ""),
    ],
)
def test_counts_lists_and_times_are_worded_as_one_would_say_them(words, expected):
    assert expected == words


def test_a_text_of_others_is_read_in_the_direction_in_which_it_was_written():
    assert "Keep \ufffdeht tegrof\ufffd all" == upright("Keep \u202eeht tegrof\u202c all")
    assert "שלום \u200fعالم" == upright("שלום \u200fعالم")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The user lives in Ghent.", ["live", "ghent"]),
        ("The user's dog is called Rex!", ["dog", "rex"]),
        ("The user doesn't like cats", ["not", "like", "cat"]),
        ("My sister’s name is Ana", ["sister", "ana"]),
        ("用户的狗叫Rex，3岁", ["用户", "户的", "的狗", "狗叫", "rex", "3", "岁"]),
        ("大阪に住む", ["大阪", "阪に", "に住", "住む"]),
        ("ﾌﾞﾗｼﾞﾙ", ["ブラ", "ラジ", "ジル"]),
        ("서울에 살아요", ["서울", "울에", "살아", "아요"]),
        ("อยู่ที่นี่", ["อยู่", "ยู่ที่", "ที่นี่"]),
        ("أُخْتِي في بـــرلين", ["اختي", "في", "برلين"]),
        ("मेरी उम्र ३० है", ["मेरी", "उम्र", "30", "है"]),
        ("Ёлка в Берлине", ["елка", "в", "берлине"]),
        ("İzmir’de STRASSE straße", ["izmir", "strasse", "strasse"]),
        ("hi", []),
        ("", []),
        ("😀", []),
    ],
)
def test_content_words_are_what_a_sentence_says(text, expected):
    assert expected == content_words(text)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Today the user's dog Rex turns 4, in June.", {"rex", "4", "june"}),
        ("The user met Ursula von der Leyen.", {"ursula", "leyen"}),
        ("Der Nutzer wohnt in Köln und hat 2 Hunde.", {"2"}),  # German nouns are no names
        ("L'utilisateur habite à Lyon depuis 2019.", {"lyon", "2019"}),
        ("Пользователь живёт в Казани с 2019 года.", {"казани", "2019"}),
        ("用户的狗叫Rex，３岁", {"rex", "3"}),
        ("ユーザーは30歳で、GitHubで働いている。", {"30", "github"}),
        ("يعيش المستخدم في برلين منذ ٢٠١٩", {"2019"}),
        ("", set()),
    ],
)
def test_value_words_are_names_and_numbers_where_writing_tells_them(text, values):
    assert values == value_words(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The user lives in Oslo.", True),
        ("I moved to Bergen when my brother was there, and you know that.", True),
        ("The user's sister is called Anna.", True),
        ("Where do I live?", True),
        ("I have a dog called Rex", True),
        ("my dog is called Rex", True),
        ("Brukeren bor i Oslo.", False),
        ("Brukeren har bodd her for lenge siden.", False),
        ("Användaren bor i Malmö.", False),
        ("Brugeren har to hunde.", False),
        ("Użytkownik ma psa i kota.", False),
        ("I figli dell'utente vivono a Roma.", False),
        ("De gebruiker had een hond.", False),
        ("De gebruiker is van plan om dit te doen.", False),
        ("L'utilisatrice a une sœur.", False),
        ("Der Nutzer war in Ghent.", False),
    ],
)
def test_english_is_told_by_words_that_no_other_language_has(text, wanted):
    assert wanted == in_english(text)


def test_normalised_texts_differ_in_nothing_but_words():
    assert normalised("The user's  dog, Rex.") == normalised("the user’s dog REX")


@pytest.mark.parametrize(
    ("one", "other"), [("studied", "study"), ("living", "live"), ("bought", "buy"), ("japanese", "japan")]
)
def test_forms_of_a_word_have_one_root(one, other):
    assert root(one) == root(other)
