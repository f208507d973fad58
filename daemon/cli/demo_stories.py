"""
The two lives that `tsubasa demo` tells. Their values occur in nothing that nano or the skills were taught from, so that
every right answer was learnt from the chats.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """One conversation: its day, and what the user says in it."""

    day: str  # ISO 8601
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A personal question and the words that a right answer holds, and must not hold."""

    text: str
    expect: str
    reject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Somebody's chats over seven weeks, ten questions about what they told, and the one that is forgotten."""

    chats: tuple[Chat, ...]
    questions: tuple[Question, ...]
    forget: Question  # one of the questions
    longest: int  # tokens of a reply in a chat


PLAIN = Story(  # in sentences that nano can read
    chats=(
        Chat(day="2026-09-07", said=("Hi! I'm Lena and I live in Ghent.", "I work as a baker.")),
        Chat(day="2026-09-14", said=("My sister is called Priya.", "I have a dog named Biscuit")),
        Chat(day="2026-09-21", said=("thanks, and good morning!", "What is 12 + 30?")),
        Chat(day="2026-09-28", said=("by the way, my favourite food is lasagna", "I play the violin.")),
        Chat(day="2026-10-05", said=("I'm allergic to walnuts.", "My best friend is called Tobias")),
        Chat(day="2026-10-19", said=("Big news: I moved to Oslo!",)),
        Chat(day="2026-10-26", said=("my boss is called Ingrid", "My birthday is on 3 May.")),
    ),
    questions=(
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
    ),
    forget=Question(text="How is my dog called?", expect="Biscuit"),
    longest=64,
)


LIVELY = Story(  # as people talk: in passing, with plans, jokes, and questions that need no memory
    chats=(
        Chat(
            day="2026-09-07",
            said=(
                "Hi there! A friend told me you remember things. I'm Nadia, let's see how you do.",
                "I'm a carpenter, I live in Leeds, and there is sawdust in my coffee again.",
            ),
        ),
        Chat(
            day="2026-09-13",
            said=(
                'Sorry about that "jjjjjk" just now, that was my cat Pepper. She takes keyboards for beds.',
                "Do you happen to know why cats purr?",
                "Good to know! Mine would tell you that it's the fridge.",
            ),
        ),
        Chat(
            day="2026-09-20",
            said=(
                "My sister Paula is coming to dinner and I have no idea what to cook. "
                "No shellfish please, I'm allergic to it.",
                "What goes well with roast potatoes?",
                "Sold. Thanks!",
            ),
        ),
        Chat(
            day="2026-10-03",
            said=(
                "I've started to learn the banjo! My walls have started to look for a new house.",
                "Just joking, nobody is moving. Yet.",
            ),
        ),
        Chat(
            day="2026-10-11",
            said=(
                "Guess what: next May I'm going to cycle round Menorca.",
                "It was Samir's idea, of course. He's my best friend, and he never gets tired.",
                "What should one take along on a long bicycle tour?",
            ),
        ),
        Chat(
            day="2026-10-19",
            said=(
                "Remember that nobody was moving? I take it back: I've moved to Lisbon!",
                "Boxes everywhere, and the cat is in one of them.",
            ),
        ),
        Chat(
            day="2026-10-26",
            said=(
                "It rained all day and I did nothing at all. It was wonderful.",
                "Thanks for listening. Good night!",
            ),
        ),
    ),
    questions=(
        Question(text="Where do I live?", expect="Lisbon", reject="Leeds"),
        Question(text="Where did I live before?", expect="Leeds", reject="Lisbon"),
        Question(text="Do you know my name?", expect="Nadia"),
        Question(text="What do I do for a living?", expect="carpenter"),
        Question(text="What's my sister's name?", expect="Paula"),
        Question(text="What is my cat called?", expect="Pepper"),
        Question(text="Which instrument am I learning?", expect="banjo"),
        Question(text="Is there anything that I'm allergic to?", expect="shellfish"),
        Question(text="Who is my best friend?", expect="Samir"),
        Question(text="Where am I going to cycle next May?", expect="Menorca"),
    ),
    forget=Question(text="What is my cat called?", expect="Pepper"),
    longest=120,
)
