from io import StringIO

from rich.console import Console

from bench.paper import Answered, questions, show, summary
from bench.paper_stores import year
from bench.users import user


def answered(arm: str, right: bool, *, seed: int = 0, question: str = "Where do I live?", kind: str = "now"):
    return Answered(seed=seed, arm=arm, kind=kind, question=question, right=right, tokens=100)


def test_questions_ask_for_now_before_and_never():
    told = user("paper 0", 30, never=20, months=12)
    changed = sum(len(fact.told) > 1 for fact in told.facts)
    kinds = [one.kind for one in questions(told)]

    assert [30, changed, 20] == [kinds.count(kind) for kind in ("now", "before", "never")]
    assert changed > 5


def test_a_year_tells_every_fact_in_the_order_of_days():
    told = user("paper 0", 30, months=12)
    days = [one.on for one in year(told)]

    assert days == sorted(days)
    assert len(days) == sum(len(fact.told) for fact in told.facts)


def test_the_summary_has_each_arm_with_its_interval_and_tokens_and_is_shown():
    found = summary(
        [answered("no memory", right, question=str(n)) for n, right in enumerate([True, False] * 10)]
    )
    out = StringIO()
    show(found, Console(file=out, width=200))
    row = found["arms"]["no memory"]
    share, low, high = row["now"]

    assert low < share == 50.0 < high
    assert 100.0 == row["tokens"]
    assert f"| no memory | {share:.1f} ({low:.1f}–{high:.1f}) |" in out.getvalue()


def test_arms_are_compared_question_by_question():
    better = [answered("evolved, k=3", True, question=str(n)) for n in range(10)]
    worse = [answered("append-only, k=3", n < 5, question=str(n)) for n in reversed(range(10))]
    found = summary([*better, *worse])["compared"]["evolution by nano against append-only"]

    assert 50.0 == found["points"]
