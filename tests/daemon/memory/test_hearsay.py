"""What somebody only passes on is told from what they say themselves, in many languages."""

import pytest

from daemon.memory import hearsay

PASSED_ON = {  # a message, and a word of it that is another's
    "My sister says that the neighbour sold the house.": "sold",
    "My sister told me the neighbour sold the house.": "sold",
    "Tom said he bought a boat": "boat",
    "I heard that the bakery closes in May.": "bakery",
    "I was told the flat has mould.": "mould",
    "According to Ben, the lake is poisoned.": "lake",
    "Apparently the mayor is divorced.": "divorced",
    "They say the school moves to Ghent.": "school",
    "Meine Schwester sagt, dass der Nachbar das Haus verkauft hat.": "Haus",
    "Meine Schwester hat mir erzählt, der Nachbar habe das Haus verkauft.": "Haus",
    "Jonas meint, die Bäckerei schließt im Mai.": "Bäckerei",
    "Angeblich zieht die Schule nach Gent.": "Schule",
    "Laut Petra ist der See vergiftet.": "See",
    "Ich habe gehört, dass die Bäckerei schließt.": "Bäckerei",
    "Der Bürgermeister soll sich getrennt haben.": "Bürgermeister",
    "Ma sœur dit que le voisin a vendu la maison.": "maison",
    "Il paraît que le maire a divorcé.": "maire",
    "Selon Luc, le lac est empoisonné.": "lac",
    "Mi hermana dice que el vecino vendió la casa.": "casa",
    "Me han dicho que el alcalde se divorció.": "alcalde",
    "Mia sorella dice che il vicino ha venduto la casa.": "casa",
    "A quanto pare il sindaco ha divorziato.": "sindaco",
    "A minha irmã disse que o vizinho vendeu a casa.": "casa",
    "Mijn zus zegt dat de buurman het huis heeft verkocht.": "huis",
    "Min syster säger att grannen har sålt huset.": "huset",
    "Moja siostra mówi, że sąsiad sprzedał dom.": "dom",
    "Podobno burmistrz się rozwiódł.": "burmistrz",
    "Moje sestra říká, že soused prodal dům.": "dům",
    "Моя сестра говорит, что сосед продал дом.": "дом",
    "Я слышал, что мэр развёлся.": "мэр",
    "Моя сестра каже, що сусід продав дім.": "дім",
    "Kız kardeşim komşunun evi sattığını söyledi.": "evi",
    "Komşu evi satmış.": "evi",
    "我妹妹说邻居把房子卖了。": "房子",
    "听说市长离婚了。": "市长",
    "妹は隣の人が家を売ったと言っていました。": "家",
    "市長は離婚したらしい。": "市長",
    "여동생이 이웃이 집을 팔았다고 했어요.": "집을",
    "تقول أختي إن الجار باع البيت.": "",
}
OWN = [
    "I said that I live in Ghent.", "I told my sister that I am pregnant.", "My sister and I said that we move.",
    "I live in Ghent and work as a baker.", "I'd like to say that I am vegan.", "My name is Ann, they call me Nan.",
    "Ich habe meiner Schwester gesagt, dass ich umziehe.", "Das Auto gehört mir, ich fahre jeden Tag.",
    "Ich glaube, ich bin krank.", "Ich soll jeden Tag laufen.", "Laut ist es hier nie.",
    "J'ai dit que je déménage.", "Selon moi, je suis végane.", "Yo dije que vivo en Gante.",
    "Io penso che mi trasferirò.",
    "Secondo me sono pronto.", "Ik zei dat ik verhuis.", "Powiedziałem, że mieszkam w Gandawie.",
    "Я сказал, что живу в Генте.", "我会说中文。", "对我来说，工作很重要。", "我喜欢看小说。", "说实话，我住在根特。",
    "저는 김민수라고 합니다.", "田中と言います。", "私は母に引っ越すと言った。", "Ben doktorum.",
    "Apparently I'm allergic to nuts.", "Anscheinend habe ich Migräne.", "Please don't say that it is easy.",
]  # fmt: skip


@pytest.mark.parametrize(("text", "word"), PASSED_ON.items())
def test_what_is_passed_on_is_anothers(text, word):
    own, heard = hearsay.split(text)

    assert (True, False) == (word in heard and bool(heard), bool(word) and word in own)


@pytest.mark.parametrize("text", OWN)
def test_what_somebody_says_themselves_is_their_own(text):
    assert ("", text.split()) == (hearsay.split(text)[1], hearsay.split(text)[0].split())


@pytest.mark.parametrize(
    ("text", "mine"),
    [
        ("My sister says the neighbour sold the house, and I am glad.", "glad"),
        ("Jonas sagt, der See sei kalt, aber ich schwimme jeden Tag.", "schwimme"),
        ("Tom said he bought a boat. I own a kayak.", "kayak"),
        ("我妹妹说房子卖了，我很高兴。", "我很高兴"),
    ],
)
def test_who_goes_on_about_themselves_is_the_writer_again(text, mine):
    own, heard = hearsay.split(text)

    assert (True, False, True) == (mine in own, mine in heard, bool(heard))
