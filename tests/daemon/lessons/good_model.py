"""A stand-in for a good instruct model: it follows the examples, reads memories, and knows no more than they tell."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.engine.client import GREEDY, Completion, Engine, EngineInfo, Sampling
from prompts.load import task

TASKS = ("ask", "rephrase", "ask_before", "ask_time", "ask_both", "ask_untold", "knows")
TIME = re.compile(r"\d{4}-\d\d(?:-\d\d)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One thing that a user may tell, and how it is asked for and answered in the same language."""

    memory: str
    answer: str
    questions: tuple[str, ...]
    before: tuple[str, ...] = ()
    before_answer: str = ""
    at: tuple[str, ...] = ()

    def values(self, text: str) -> list[str]:
        """What is told of it in `text`, in order."""
        return re.findall(re.escape(self.memory).replace(r"\{\}", r"(\w+)"), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """A language that the model speaks."""

    topics: tuple[Topic, ...]
    unknown: str
    untold: tuple[str, ...]
    both: str  # joins two questions


ENGLISH = Tongue(
    topics=(
        Topic(
            memory="The user lives in {}.",
            answer="You live in {}.",
            questions=(
                *("Where do I live?", "Which town is my home?", "What is my home town called?"),
                *("In which place do I live?", "Do you know where I live?", "Tell me where my home is."),
            ),
            before=(
                "Where did I live before?",
                "Which town was my home earlier?",
                "What was my old home town?",
            ),
            before_answer="You lived in {} before.",
            at=("Where did I live in {}?", "Which town was my home in {}?", "What was my home town in {}?"),
        ),
        Topic(
            memory="The user's dog is called {}.",
            answer="Your dog is called {}.",
            questions=(
                *("What is my dog called?", "What is the name of my dog?", "Which name does my dog have?"),
                *("Do you know my dog's name?", "How is my dog called?", "Tell me what name my pet dog has."),
            ),
        ),
    ),
    unknown="I don't know that about you yet.",
    untold=(
        "What is my sister's name?",
        "When is my birthday?",
        "Which school did I go to?",
        "Who is my doctor?",
    ),
    both="{} And also: {}",
)
GERMAN = Tongue(
    topics=(
        Topic(
            memory="Die Nutzerin wohnt in {}.",
            answer="Du wohnst in {}.",
            questions=(
                *("Wo wohne ich?", "In welcher Stadt wohne ich?", "Was ist mein Wohnort?"),
                *(
                    "Weißt du, wo ich wohne?",
                    "Welcher Ort ist mein Zuhause?",
                    "Sag mir, wo mein Zuhause ist.",
                ),
            ),
            before=(
                "Wo habe ich früher gewohnt?",
                "Was war vorher mein Wohnort?",
                "Welche Stadt war mein Zuhause?",
            ),
            before_answer="Du hast früher in {} gewohnt.",
            at=("Wo habe ich {} gewohnt?", "Was war {} mein Wohnort?", "Welche Stadt war {} mein Zuhause?"),
        ),
        Topic(
            memory="Der Hund der Nutzerin heißt {}.",
            answer="Dein Hund heißt {}.",
            questions=(
                *("Wie heißt mein Hund?", "Was ist der Name meines Hundes?", "Welchen Namen hat mein Hund?"),
                *(
                    "Weißt du den Namen von meinem Hund?",
                    "Wie rufe ich meinen Hund?",
                    "Nenn mir meinen Hund.",
                ),
            ),
        ),
    ),
    unknown="Das weiß ich noch nicht über dich.",
    untold=("Wie heißt meine Schwester?", "Wann habe ich Geburtstag?", "Welche Schule habe ich besucht?"),
    both="{} Und außerdem: {}",
)
CHINESE = Tongue(
    topics=(
        Topic(
            memory="用户住在{}。",
            answer="你住在{}。",
            questions=(
                *("我住在哪里？", "我的家在哪个城市？", "你知道我住哪儿吗？", "我现在在哪里生活？"),
                *("我家在什么地方？", "告诉我我的住址。"),
            ),
            before=("我以前住在哪里？", "我之前的家在哪个城市？", "我过去在哪里生活？"),
            before_answer="你以前住在{}。",
            at=("{}我住在哪里？", "{}我的家在哪个城市？", "{}我在哪里生活？"),
        ),
        Topic(
            memory="用户的狗叫{}。",
            answer="你的狗叫{}。",
            questions=(
                *(
                    "我的狗叫什么名字？",
                    "我养的狗叫什么？",
                    "我那只狗的名字是什么？",
                    "你知道我狗狗的名字吗？",
                ),
                *("我怎么称呼我的小狗？", "请说出我家狗的名字。"),
            ),
        ),
    ),
    unknown="这个我还不清楚。",
    untold=("我的妹妹叫什么？", "我的生日是哪一天？", "我在哪里上的学？"),
    both="{}还有，{}",
)
ARABIC = Tongue(
    topics=(
        Topic(
            memory="المستخدم يسكن في {}.",
            answer="أنت تسكن في {}.",
            questions=(
                *("أين أسكن؟", "في أي مدينة أعيش؟", "ما هي مدينتي؟"),
                *("هل تعرف أين أسكن؟", "أين يقع بيتي؟", "أخبرني أين أعيش."),
            ),
            before=("أين كنت أسكن سابقا؟", "ما مدينتي السابقة؟", "في أي مدينة عشت من قبل؟"),
            before_answer="كنت تسكن في {} سابقا.",
            at=("أين كنت أسكن في {}؟", "ما كانت مدينتي في {}؟", "في أي مدينة عشت في {}؟"),
        ),
        Topic(
            memory="كلب المستخدم اسمه {}.",
            answer="كلبك اسمه {}.",
            questions=(
                *("ما اسم كلبي؟", "كيف أنادي كلبي؟", "هل تعرف اسم كلبي؟"),
                *("ماذا سميت كلبي؟", "أخبرني باسم كلبي.", "بماذا يسمى كلبي؟"),
            ),
        ),
    ),
    unknown="لا أعرف هذا عنك بعد.",
    untold=("ما اسم أختي؟", "متى عيد ميلادي؟", "أين أعمل؟"),
    both="{} وأيضا: {}",
)
TONGUES = {"english": ENGLISH, "german": GERMAN, "chinese": CHINESE, "arabic": ARABIC}
Instead = Callable[[str, Sampling], str | None]  # the last turn, the sampling -> what it says; None: as usual


class GoodModel(Engine):
    """Speaks these languages; `instead` makes it bad at a task ("answer" for answering)."""

    def __init__(self, **instead: Instead) -> None:
        self.instead = instead
        self.asked: list[tuple[str, str]] = []  # task, last turn

    async def info(self) -> EngineInfo:
        return EngineInfo(name="good", n_ctx=4096, sha256="c" * 64, architecture="qwen3", n_vocab=1)

    async def count(self, messages: Sequence[Mapping[str, Any]]) -> int:
        return sum(len(str(message["content"])) for message in messages)

    async def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        sampling: Sampling = GREEDY,
        adapter: str | None = "live",
        background: bool = False,
        **rest: Any,
    ) -> Completion:
        assert adapter == "base" and background
        first, text = messages[0]["content"], messages[-1]["content"]
        name = next((one for one in TASKS if first == task(one, taught=False)[0]["content"]), "answer")
        self.asked.append((name, text))
        said = self.instead[name](text, sampling) if name in self.instead else None
        if said is None:
            system = first if len(messages) > 1 else ""
            said = answered(text, system) if name == "answer" else json.dumps(worked(name, text))
        return Completion(text=said, finish="stop", prompt_tokens=1, completion_tokens=1)


def worked(name: str, text: str) -> object:
    """What a machine task gives for `text`."""
    tongue = tongue_of(text)
    if name == "knows":
        return {"knows": text.partition("\nAnswer: ")[2] not in [one.unknown for one in TONGUES.values()]}
    if name == "ask_untold":
        return list(tongue.untold)
    topics = [topic for topic in tongue.topics if topic.values(text)]
    if name == "ask":
        return [{"q": one, "a": answered(one, text)} for topic in topics for one in topic.questions[:2]]
    if name == "ask_before":
        return list(topics[0].before)
    if name == "ask_time":
        return [one.format(text.splitlines()[-1]) for one in topics[0].at]
    if name == "ask_both":
        pairs = zip(topics[0].questions[:3], topics[1].questions, strict=False)
        return [tongue.both.format(one, other) for one, other in pairs]
    time = TIME.search(text)
    ways = [
        *(topic.questions for topic in tongue.topics),
        *(topic.before for topic in tongue.topics),
        *([one.format(time[0]) for one in topic.at] for topic in tongue.topics if time),
    ]
    asked = next(some for some in ways if text in some)
    return [one for one in asked if one != text] + [tongue.untold[0]]


def answered(question: str, system: str) -> str:
    """What it says to `question` with the memories of `system` in sight."""
    tongue = tongue_of(question)
    time = TIME.search(question)
    said = []
    for topic in tongue.topics:
        now, *before = told(topic, system)
        if not time and any(one in question for one in topic.questions):
            said.append(topic.answer.format(now) if now else "")
        elif question in topic.before:
            said.append(topic.before_answer.format(before[-1]) if before else "")
        elif time and question in [one.format(time[0]) for one in topic.at]:
            dated = [line for line in system.splitlines() if " to " in line and topic.values(line)]
            was = next((topic.values(line)[0] for line in dated if time[0] < line[16:26]), now)
            said.append(topic.before_answer.format(was))
    return " ".join(said) if said and all(said) else tongue.unknown


def told(topic: Topic, system: str) -> list[str]:
    """What `system` tells of a topic: what is so now ("" for nothing), then what was before."""
    lines = [line for line in system.splitlines() if " to " not in line]
    return [value for line in lines for value in topic.values(line)] or [""]


def tongue_of(text: str) -> Tongue:
    """The language of `text`: of what it asks for, or tells."""
    if any("\u4e00" <= letter <= "\u9fff" for letter in text):
        return CHINESE
    if any("\u0600" <= letter <= "\u06ff" for letter in text):
        return ARABIC
    german = [*GERMAN.untold, GERMAN.unknown]
    topics = GERMAN.topics
    german += [part for topic in topics for part in (*topic.questions, *topic.before)]
    told_in = any(topic.values(text) for topic in topics)
    at = any(one.partition("{}")[0] in text for topic in topics for one in topic.at)
    return GERMAN if told_in or at or any(one in text for one in german) else ENGLISH
