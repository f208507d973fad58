"""What only may be so is told from what is, clause by clause, in many languages."""

import time
from datetime import UTC, datetime

import pytest

from daemon.memory import modality
from daemon.memory.attribution import attribute
from store.chats import Message

HEDGED = [
    "I might move to Oslo.", "Maybe I'll buy a boat.", "Perhaps we get a dog.", "I'm thinking about becoming a nurse.",
    "If I lived in Oslo, I would ski every day.", "I wish I had a sister.", "Suppose I were a doctor.",
    "Vielleicht ziehe ich nach Oslo.", "Ich überlege, Ärztin zu werden.",
    "Wenn ich in Oslo wohnen würde, hätte ich ein Boot.",
    "Peut-être que je déménage à Oslo.", "Si j'habitais à Oslo, je skierais.",
    "Quizás me mude a Oslo.",
    "Si viviera en Oslo, esquiaría.", "Forse mi trasferisco a Oslo.", "Se vivessi a Oslo, scierei.",
    "Talvez eu me mude.",
    "Misschien verhuis ik naar Oslo.", "Może przeprowadzę się do Oslo.",
    "Gdybym mieszkał w Oslo, jeździłbym na nartach.",
    "Kanske flyttar jag till Oslo.", "Ehkä muutan Osloon.", "Talán Oslóba költözöm.", "Может быть, я перееду в Осло.",
    "Если бы я жил в Осло, я бы катался на лыжах.",
    "Belki Oslo'ya taşınırım.", "ربما أنتقل إلى أوسلو.",
    "शायद मैं ओस्लो चला जाऊँ।", "我可能会搬到奥斯陆。",
    "如果我住在奥斯陆，我会天天滑雪。", "オスロに引っ越すかもしれません。",
    "아마 오슬로로 이사할 거예요.",
]  # fmt: skip
SAID = [
    "I live in Ghent.", "I will move to Oslo in May.", "I'm not a doctor.", "Ich wohne in Gent.", "Je vis à Gand.",
    "Vivo en Gante.", "Vivo a Gand.", "Ik woon in Gent.", "Mieszkam w Gandawie.", "Я живу в Генте.", "我住在根特。",
    "ゲントに住んでいます。", "I would like you to answer briefly.", "If you ask me, Ghent is lovely and I live there.",
    "My son is called Maybach.", "I'm a mighty swimmer.",
]  # fmt: skip


def held_as(said, told):
    """Whose word `told` is, which a model drew from what was said."""
    turn = Message(
        id=1, chat_id=1, parent_id=None, role="user", speaker="", text=said, said_at=datetime(2026, 3, 5, tzinfo=UTC),
        source="api", external_id=None, observed_by=None, hash="",
    )  # fmt: skip
    found = attribute(told, [turn], named=[0])
    assert found is not None
    return found.trust


@pytest.mark.parametrize("text", HEDGED)
def test_doubt_and_conditions_are_known(text):
    assert modality.is_hedged(text)


@pytest.mark.parametrize("text", SAID)
def test_what_is_said_plainly_is_sure(text):
    assert not modality.is_hedged(text)


@pytest.mark.parametrize(
    "text",
    [
        "Translate into German: My name is Peter.",
        "Please write a story: I am a knight called Baldric.",
        "Übersetze bitte ins Englische: Ich heiße Gisela.",
        "Écris une lettre pour mon voisin : j'ai 75 ans.",
        "Traduce al inglés: Me llamo Andrés.",
        "Gioco di ruolo: sono Aurelio.",
        "Przetłumacz na angielski: Nazywam się Piotr.",
        "Переведи на английский: Меня зовут Пётр.",
        "翻译成英文：我叫王强，在港口工作。",
        "Role play: I am Elowen.\nI live in Dunmere.",
    ],
)
def test_a_text_to_work_on_is_nobodys_word(text):
    sure, given = modality.split(f"{text}\n\nI teach in Ghent.")

    assert "I teach in Ghent." in sure
    assert text[-6:] in given and text[-6:] not in sure


@pytest.mark.parametrize(
    "text",
    [
        "I write books: three so far. I live in Ghent.",
        "About me: I live in Ghent.",
        "Zu mir: ich heiße Lena.",
    ],
)
def test_what_somebody_announces_of_themselves_is_theirs(text):
    assert "" == modality.split(text)[1]


@pytest.mark.parametrize(
    "text",
    ["What is the capital of France?", "Wo wohnt die Kanzlerin?", "Quelle est la capitale de la France ?",
     "¿Quién pintó el Guernica?", "Где находится Байкал?", "法国的首都是哪里？", "Has \"Emma\" been filmed?\""],
)  # fmt: skip
def test_a_question_in_which_nobody_speaks_of_themselves_tells_nothing_of_them(text):
    assert "" == modality.split(text)[0].strip()


@pytest.mark.parametrize(
    "text",
    ["What do I feed my cat Miso?", "Was kocht man für meinen Sohn Jonas?", "Que faire avec mon chien Filou ?",
     "Я живу в Томске, какие там музеи?", "我的猫叫咪咪，它吃什么？", "Lives in Ghent. Is that far?"],
)  # fmt: skip
def test_a_question_that_tells_of_who_asks_does(text):
    assert "" != modality.split(text)[0].strip()


def test_a_clause_of_doubt_takes_nothing_from_the_others():
    sure, hedged = modality.split("I live in Ghent, maybe I'll move to Oslo. I teach.")

    assert ("I live in Ghent\nI teach.", "maybe I'll move to Oslo.") == (sure, hedged)


@pytest.mark.parametrize(
    ("said", "told", "trust"),
    [
        ("If I lived in Oslo, I would ski every day.", "The user lives in Oslo.", "untrusted"),
        ("I might move to Oslo.", "The user moves to Oslo.", "untrusted"),
        ("Vielleicht ziehe ich nach Oslo.", "The user moves to Oslo.", "untrusted"),
        ("I live in Ghent, maybe I'll move to Oslo.", "The user lives in Ghent.", "user"),
        ("I moved to Oslo.", "The user moved to Oslo.", "user"),
    ],
)
def test_a_model_that_loses_the_doubt_makes_no_fact_of_it(said, told, trust):
    assert trust == held_as(said, told)


PLANS = {  # what was called off, and a memory that takes it for so
    "We'd booked Lisbon, so that's off. We stay in Stroud.": "The user goes to Lisbon.",
    "Wir wollten nach Kanada auswandern, hat sich aber zerschlagen.": "Der Nutzer wandert nach Kanada aus.",
    "Le mariage à Annecy, c'est annulé, mon frère est malade.": "The user is getting married in Annecy.",
    "Íbamos a Sevilla, cancelado.": "El usuario va a Sevilla.",
    "Partivo per Malmö ma ho rinunciato.": "L'utente parte per Malmö.",
    "Koncert w Krakowie odwołany.": "Użytkownik idzie na koncert w Krakowie.",
    "Мы собирались в Сочи, не вышло.": "Пользователь едет в Сочи.",
    "本来想五一去大理，票没抢到，算了": "用户五一去大理。",
}


@pytest.mark.parametrize(("said", "told"), PLANS.items())
def test_what_was_called_off_is_no_fact(said, told):
    assert "untrusted" == held_as(said, told)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("We'd booked Lisbon, so that's off. We stay in Stroud.", "The user stays in Stroud."),
        ("Le mariage à Annecy, c'est annulé, Luc est malade.", "Luc est malade."),
        ("Ich wohne in Ulm, mein Zug nach Köln wurde abgesagt.", "Der Nutzer wohnt in Ulm."),
        ("I live in Ulm and my gym cancelled my contract.", "The user lives in Ulm."),
        ("I cancelled my membership at McFit.", "The user cancelled their membership at McFit."),
        ("I cancelled my membership at McFit.", "The user is no longer a member at McFit."),
        ("Two weeks left at Acme, then it's off to Oslo.", "The user goes to Oslo."),
        ("Der Termin wurde auf Montag verschoben.", "Der Nutzer hat am Montag einen Termin."),
    ],
)
def test_that_it_was_called_off_is_one_and_so_is_what_stands_beside_it(said, told):
    assert "user" == held_as(said, told)


def test_the_certainty_of_a_memory():
    certain = modality.certainty

    assert ["said", "hedged", "reported", "hedged"] == [
        certain("The user lives in Ghent.", "user"), certain("The user might move.", "user"),
        certain("The user lives in Ghent.", "untrusted"), certain("Der Nutzer zieht vielleicht um.", "untrusted"),
    ]  # fmt: skip


def test_a_long_text_takes_no_time():
    began = time.process_time()
    modality.split("wenn ich " * 3_000 + "si je " * 3_000)
    modality.without_called_off("und abgesagt, " * 3_000, told="x")

    assert time.process_time() - began < 3
