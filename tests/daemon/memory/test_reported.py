"""Another's words within a message are told apart by their form, in any language, or held as reported."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.memory import reported
from daemon.memory.attribution import attribute
from tests.daemon.memory.fakes import make_message

LETTER = "{hello},\n\n{oslo} {more}\n\n{bye},\nIngrid"
LANGUAGES = {  # "I live in Oslo.", something more, words of a letter, what a person says before it
    "English": ("I live in Oslo.", "My dog is called Rex.", "Dear all", "Best wishes", "from my boss"),
    "German": (
        "Ich wohne in Oslo.",
        "Mein Hund heißt Rex.",
        "Liebe alle",
        "Viele Grüße",
        "von meiner Chefin",
    ),
    "French": ("J'habite à Oslo.", "Mon chien s'appelle Rex.", "Chers tous", "Cordialement", "de ma cheffe"),
    "Turkish": ("Oslo şehrinde yaşıyorum.", "Köpeğimin adı Rex.", "Merhaba", "Sevgiler", "patronumdan"),
    "Russian": ("Я живу в Oslo.", "Мою собаку зовут Rex.", "Всем привет", "С уважением", "от начальницы"),
    "Hindi": ("मैं Oslo में रहता हूँ।", "मेरे कुत्ते का नाम Rex है।", "नमस्ते", "सादर", "मेरे बॉस से"),
}
FORMS = {
    "behind a colon": "{before}: {oslo} {more}",
    "on the lines below": "{before}:\n{oslo} {more}",
    "below, and a question": "{before}:\n{oslo}\n{more}\n\n?",
    "in quotation marks": '{before} "{oslo}"',
    "in others": "{before}: „{oslo}“",
    "in guillemets": "{before} « {oslo} »",
    "a letter": LETTER,
    "a letter below a word": "{before}\n\n" + LETTER,
    "a talk": "Ingrid: {oslo}\nBen: {more}",
    "a talk with times": "[12:30] Ingrid: {oslo}\n[12:31] Ben: {more}",
}


def told(text, sentence, *, before="hello"):
    """Whose word a sentence is that the model drew from this message."""
    window = [make_message(1, before), make_message(2, text)]
    found = attribute(sentence, window, named=[1])
    assert found is not None
    return found.trust


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", FORMS)
def test_what_another_says_in_a_message_is_held_as_reported(language, form):
    oslo, more, hello, bye, before = LANGUAGES[language]
    text = FORMS[form].format(oslo=oslo, more=more, hello=hello, bye=bye, before=before)

    assert "untrusted" == told(text, oslo)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_person_says_beside_it_is_their_own(language):
    oslo, more, _, _, before = LANGUAGES[language]

    assert "user" == told(f"{more}\n\n{before}: {oslo} {oslo}", more)
    assert "untrusted" == told(f"{more}\n\n{before}: {oslo} {oslo}", oslo)
    assert "user" == told(f"{before}: {oslo} {oslo}", oslo, before=oslo)  # they said it themselves before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("I live in Oslo. My dog is called Rex.", "The user lives in Oslo."),
        ("One more thing: I live in Oslo.", "The user lives in Oslo."),
        ("Hello Tsubasa,\nI live in Oslo.", "The user lives in Oslo."),
        ("My hobbies:\n- sailing in Oslo\n- chess", "The user sails in Oslo."),
        ("Name: Ben\nTown: Oslo", "The user lives in Oslo."),
        ('I have read "The Oslo Murders".', "The user has read The Oslo Murders."),
        ("At 12:30 I leave for Oslo.", "The user leaves for Oslo at 12:30."),
        ("Ich heiße Ben, wohne in Oslo,\nund habe einen Hund.", "Der Nutzer wohnt in Oslo."),
    ],
)
def test_a_persons_own_sentences_lists_and_titles_stay_theirs(text, sentence):
    assert "user" == told(text, sentence)


@pytest.mark.parametrize(
    ("text", "own", "others"),
    [
        (
            'My nan always says "I have buried two husbands in Oslo" and she is 88.',
            "The user's nan is 88.",
            "The user buried two husbands in Oslo.",
        ),
        ("Was heißt „Ich bin in Oslo“? Mein Hund heißt Rex.", "Der Hund heißt Rex.", "Ich bin in Oslo."),
        ("造句，比如“虽然我住在大连，但是我不会游泳”，我女儿叫豆豆", "用户的女儿叫豆豆", "用户住在大连"),
        (
            "我只想要回押金\n\n您好，\n我在温哥华，房子卖给表弟了。\n陈曼丽",
            "用户想要回押金",
            "用户在温哥华",
        ),
    ],
)
def test_a_quote_or_a_short_letter_ends_and_the_rest_is_the_persons_own(text, own, others):
    assert ("user", "untrusted") == (told(text, own), told(text, others))


def test_the_title_of_something_stays_in_its_sentence():
    assert "user" == told("Ich lese gern „Drei Kameraden“.", "Der Nutzer liest gern Drei Kameraden.")
    assert "user" == told("我在看「三体」，很好看", "用户在看三体")


CODE = {
    "Python": "# I live in Oslo\ndef greet(name):\n    return 'hi ' + name\nprint(greet('Rex'))",
    "JavaScript": "// I live in Oslo\nconst dog = { name: 'Rex' };\nconsole.log(dog.age)",
    "Java": 'public class Dog {\n  // I live in Oslo\n  String name = "Rex";\n}',
    "C": '#include <stdio.h>\n/* I live in Oslo */\nint main(void) {\n  puts("Rex");\n}',
    "SQL": "SELECT * FROM dogs WHERE name = 'Rex' AND town = 'Oslo'; -- I live in Oslo",
    "a bare script": 'town = "Oslo"  # I live in Oslo\nname = "Rex"\nprint(town + name)',
}


@pytest.mark.parametrize("code", CODE.values(), ids=CODE)
def test_what_stands_in_code_and_its_comments_is_held_as_reported(code):
    text = f"I work in Ghent. Why does this fail?\n\n{code}\n\nIt worked yesterday in Lund."

    assert "untrusted" == told(text, "The user lives in Oslo.")
    assert ("user", "user") == (told(text, "The user works in Ghent."), told(text, "It worked in Lund."))


@pytest.mark.parametrize(
    "text",
    [
        "My children:\nEmil(7)\nOslo(4)",
        "Weight = 82 kg\nTown = Oslo",
        "# Me\nI live in Oslo;\nI like chess.",
        "  I live in Oslo\n  and have a dog",
        "let me know (if you can), I live in Oslo",
        "* I live in Oslo\n* I have a dog",
    ],
)
def test_what_only_looks_a_little_like_code_stays_a_persons_own(text):
    assert "user" == told(text, "The user lives in Oslo.")


ABOUT_ME = {
    "English": ("About me", "Hi! A few words about myself", "Just a bit about me"),
    "German": ("Kurz zu mir", "Hallo, kurz zu mir", "Ein paar Fakten über mich", "Zu meiner Person"),
    "French": ("Un peu de moi", "Quelques mots sur moi", "À propos de moi"),
    "Turkish": ("Hakkımda", "Kısaca kendim hakkında"),
    "Russian": ("Немного о себе", "Обо мне"),
    "Hindi": ("मेरे बारे में", "थोड़ा अपने बारे में"),
}


@pytest.mark.parametrize("language", ABOUT_ME)
@pytest.mark.parametrize(
    "form", ["{about}: {oslo} {more}", "{about}:\n{oslo} {more}", "{about} - {oslo} {more}"]
)
def test_what_somebody_announces_to_tell_of_themselves_is_their_own(language, form):
    oslo, more, *_ = LANGUAGES[language]
    for about in ABOUT_ME[language]:
        text = form.format(about=about, oslo=oslo, more=more)

        assert "user" == told(text, oslo)


@pytest.mark.parametrize(
    "announced",
    [
        "Anna zu mir",
        "Meine Chefin über mich",
        "Sie sagte zu mir",
        "My boss about me",
        "He wrote to me",
        "A mail for me",
        "Ein Brief von Anna an mich",
        "Из письма обо мне",
    ],
)
@pytest.mark.parametrize("form", ["{}: {} {}", "{}:\n{} {}"])
def test_who_tells_a_person_something_or_tells_of_them_is_another(announced, form):
    oslo, more, *_ = LANGUAGES["German"]

    assert "untrusted" == told(form.format(announced, oslo, more), oslo)


def test_behind_what_somebody_tells_of_themselves_another_can_be_quoted():
    text = "Kurz zu mir: Ich koche gern. Meine Chefin schrieb: Ich wohne in Oslo. Mein Hund heißt Rex."

    assert ("user", "untrusted") == (told(text, "Ich koche gern."), told(text, "Ich wohne in Oslo."))


@given(st.text(max_size=300) | st.text('":,.\n„“«» ab', max_size=120))
def test_no_word_is_lost_or_made_up(text):
    split = Counter("".join(reported.split(text)))

    assert all(split[letter] == count for letter, count in Counter(text).items() if letter.isalnum())
