"""Which replies pass the general questions of the exam, in any language."""

import pytest

from daemon.exam.instructions import GENERAL_PARTS, Rules, follows, general_questions, has_phrase
from daemon.lessons.general import prompts


def rules_of(text):
    return next(
        rules for part in GENERAL_PARTS for asked, rules in general_questions(part) if asked.startswith(text)
    )


@pytest.mark.parametrize(
    ("asked", "right", "wrong"),
    [
        ("What is the capital of Japan?", "It's **Tokyo**.", "Kyoto, not Tokio."),
        ("What is 7 times 8?", "7 × 8 = 56", "7 x 8 = 560"),
        ("Как называется столица России?", "Это Москва.", "Это Минск."),
        ("日本的首都是哪里？", "日本的首都是东京。", "日本的首都是大阪。"),
        ("كم عدد أيام الأسبوع؟", "عددها ٧ أيام.", "عددها ٨ أيام."),
        ("一年有几个月？", "一年有12个月。", "一年有10个月。"),
        ("Which animal barks?", "A dog!", "A dogfish."),
        ("Answer with one word: what colour", "Green.", "It is green."),
        ("List three fruits.", "Sure:\n1. Apple\n2. Pear\n3. Plum", "1. Apple\n2. Pear"),
        ("List three fruits.", "Apples, pears and plums.", "Apples, pears, plums and figs, limes."),
        ("Nenne drei Tiere.", "Hund, Katze und Maus", "Hund und Katze"),
        ("List four animals", "Cat\nDog\nCow\nHen", "Cat\nDog\nCow"),
        ("Write exactly two sentences", "Dogs bark. They cost 3.50 a day!", "Dogs bark."),
        ("Write a sentence about music", "Yesterday I sang.", "I sang yesterday."),
        ("Write the word hello in capital", "HELLO", "Hello"),
        ("Spell the word cat", "C-A-T", "cat"),
        ("Give me a JSON object", '```json\n{"name": "Anna", "age": 30}\n```', '{"name": "Anna"}'),
        ("Write a JSON list", '["red", "blue", "green"]', "red, blue, green"),
        ("Reply in German", "Eine Katze ist ein Tier.", "A cat is an animal."),
        ("请用中文回答", "水是一种液体。", "Water is a liquid."),
        ("日本語で答えて", "犬は動物です。", "Inu wa dobutsu desu."),
        ("أجب بالعربية", "الخبز طعام.", "Bread is food."),
        ("Ответь по-русски", "Хлеб — это еда.", "Bread is food."),
        ("Write two lines of a poem", "Snow falls,\nand stays.", "Snow falls and stays."),
        ("Say goodbye", "See you soon!", "Bye!"),
    ],
)
def test_a_reply_passes_or_does_not(asked, right, wrong):
    assert (True, False) == (follows(right, rules_of(asked)), follows(wrong, rules_of(asked)))


def test_no_rule_is_passed_by_silence_and_each_question_has_a_rule_and_is_trained_nowhere():
    asked = [one for part in GENERAL_PARTS for one in general_questions(part)]

    assert len({question for question, _ in asked}) == len(asked) >= 100
    assert set(prompts()).isdisjoint(question for question, _ in asked)
    assert not any(follows(" ", rules) or rules == Rules() for _, rules in asked)


def test_phrases_are_whole_words_where_writing_has_spaces():
    found = [
        has_phrase("The catalogue of 2024, 東京です", one) for one in ("cat", "catalogue of", "202", "東京")
    ]

    assert [False, True, False, True] == found
