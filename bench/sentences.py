"""
Sentences such as a memory holds, by a seeded generator: `sentence(random.Random(0))`.

Promises: the same seed, the same sentences; a few words stand in a tenth of them and most in a few only, as in real
talk. Knows nothing of stores.
"""

import random

_WHO = """
sister brother mother father daughter son wife husband cousin aunt uncle niece nephew grandmother grandfather boss
neighbour colleague friend dentist doctor teacher landlord trainer roommate
""".split()
_FIRST = "Ma Jo An Li Pe So Ra Ti Ve No Ka El Be Du Fi Ga Hu Is Os Yu".split()
_MIDDLE = "ri la na to mi de lo ra ne vi ko sa".split()
_LAST = "a n s la k th ra no x lle m ta".split()
_THINGS = """
bicycle guitar camera violin kayak telescope laptop garden car boat piano dog cat parrot sofa lamp book watch tent
drone printer bookshelf kettle blender jacket suitcase painting chair microscope sewing-machine greenhouse chess-set
motorcycle tortoise rabbit aquarium keyboard cello helmet surfboard rucksack notebook mixer oven typewriter
""".split()
_COLOURS = "red blue green yellow black white grey brown purple orange silver golden striped wooden".split()
_DOES = """
bought sold lost found repaired lent borrowed painted misses wants loves dislikes collects restores photographs cleans
broke ordered returned gave inherited
""".split()
_ACTIVITIES = """
swimming running pottery yoga chess climbing baking gardening sailing fencing archery knitting painting hiking cycling
skiing singing drumming carpentry astronomy birdwatching calligraphy juggling boxing rowing beekeeping origami
meditation tango salsa weaving photography
""".split()
_WHEN = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January April July October spring summer".split()
_FOODS = """
mushrooms peanuts cheese coriander lentils salmon olives mangoes chocolate tofu rice pasta dumplings curry kimchi
pancakes figs almonds oysters rhubarb
""".split()
_JOBS = """
nurse carpenter plumber pilot lawyer baker architect librarian chemist translator farmer editor welder optician
surveyor violinist accountant geologist
""".split()
_WHY = """
because the doctor said so|after a long illness|to save money|as a present|before the move|since the divorce|
for the wedding|while on holiday|out of boredom|with some hesitation|against all advice|for charity|in the evenings|
every other week|when it rains|despite the noise
""".replace("\n", "").split("|")
_PATTERNS = (
    "The user {does} a {colour} {thing} in {place} {why}.",
    "The user's {who} {name} {does} a {colour} {thing}.",
    "The user's {who} is called {name} and works as a {job} in {place}.",
    "The user goes {activity} with {name} on {when}.",
    "The user began {activity} in {when} {why}.",
    "The user doesn't eat {food} {why}.",
    "The user's {who} prefers {food} to {food2}.",
    "The user plans to visit {place} with the {who} in {when}.",
    "The user met {name}, a {job} from {place}, at {activity}.",
    "The user's {thing} is {colour} and was a gift of {name}.",
    "The user would like to learn {activity} from {name} {why}.",
    "The user paid {number} euros for a {thing} in {place}.",
    "The user's {who} moved from {place} to {place2} in {year}.",
    "The user has an appointment with the {job} {name} on {when} the {day}th.",
)
_QUESTIONS = (
    "What is my {who} called?",
    "Who goes {activity} with me on {when}?",
    "Which {thing} did I buy in {place}?",
    "Where does my {who} {name} work?",
    "What colour is the {thing} that {name} gave me?",
    "How much did I pay for the {colour} {thing} in {place}?",
    "When do I see the {job}, and is it {name} or somebody else from {place}?",
    "Does my {who} like {food} or {food2}?",
    "Tell me all about {name}, {activity}, the {thing} and what happened in {place} in {year}.",
    "Why don't I eat {food}?",
)


def sentence(chance: random.Random) -> str:
    """One statement about the user."""
    return chance.choice(_PATTERNS).format(**_words(chance))


def question(chance: random.Random) -> str:
    """One question that such statements answer."""
    return chance.choice(_QUESTIONS).format(**_words(chance))


def _words(chance: random.Random) -> dict[str, str | int]:
    return {
        "who": _one(chance, _WHO),
        "name": _name(chance),
        "thing": _one(chance, _THINGS),
        "colour": _one(chance, _COLOURS),
        "does": _one(chance, _DOES),
        "activity": _one(chance, _ACTIVITIES),
        "when": _one(chance, _WHEN),
        "food": _one(chance, _FOODS),
        "food2": _one(chance, _FOODS),
        "job": _one(chance, _JOBS),
        "why": _one(chance, _WHY),
        "place": _name(chance) + "burg",
        "place2": _name(chance) + "ham",
        "number": chance.randrange(10, 3000),
        "year": chance.randrange(1970, 2027),
        "day": chance.randrange(4, 21),
    }


def _one(chance: random.Random, words: list[str]) -> str:
    """A word, the first ones oftener: about as 1 / place."""
    return words[int(len(words) ** chance.random()) - 1]


def _name(chance: random.Random) -> str:
    return _one(chance, _FIRST) + _one(chance, _MIDDLE) + _one(chance, _LAST)
