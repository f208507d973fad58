"""
What the demo says and asks: one person's weeks, ten questions, one thing to forget. Data only.

The values occur in no training item of nano, so that every right answer was learnt from these chats.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One short conversation: its day, and what the user says in it."""

    day: str  # ISO 8601
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A personal question and the words that a right answer holds, and must not hold."""

    text: str
    expect: str
    reject: str = ""


CHATS = (
    Chat(day="2026-09-07", said=("Hi! I'm Lena and I live in Ghent.", "I work as a baker.")),
    Chat(day="2026-09-14", said=("My sister is called Priya.", "I have a dog named Biscuit")),
    Chat(day="2026-09-21", said=("thanks, and good morning!", "What is 12 + 30?")),
    Chat(day="2026-09-28", said=("by the way, my favourite food is lasagna", "I play the violin.")),
    Chat(day="2026-10-05", said=("I'm allergic to walnuts.", "My best friend is called Tobias")),
    Chat(day="2026-10-19", said=("Big news: I moved to Oslo!",)),
    Chat(day="2026-10-26", said=("my boss is called Ingrid", "My birthday is on 3 May.")),
)

QUESTIONS = (
    Question(text="Where do I live?", expect="Oslo", reject="Ghent"),
    Question(text="Where did I live before?", expect="Ghent", reject="Oslo"),
    Question(text="Do you know my name?", expect="Lena"),
    Question(text="What do I do for a living?", expect="baker"),
    Question(text="What's my sister's name?", expect="Priya"),
    Question(text="How is my dog called?", expect="Biscuit"),
    Question(text="Which food do I like best?", expect="lasagna"),
    Question(text="What instrument do I play?", expect="violin"),
    Question(text="Who is my best friend?", expect="Tobias"),
    Question(text="Tell me my boss's name.", expect="Ingrid"),
)

FORGET = Question(text="How is my dog called?", expect="Biscuit")
