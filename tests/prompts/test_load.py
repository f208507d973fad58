import json
import re
from pathlib import Path

import pytest

from prompts.load import lines, load, schema, task

FOLDER = Path(__file__).parents[2] / "prompts"


def test_the_loaded_prompt_is_the_file_without_its_last_newline():
    for file in FOLDER.glob("*.txt"):
        assert file.read_text(encoding="utf-8") == load(file.stem) + "\n"


def test_every_schema_belongs_to_a_prompt():
    names = {file.name.removesuffix(".schema.json") for file in FOLDER.glob("*.schema.json")}

    assert {"observe", "observe_turns", "evolve", "ask", "questions", "knows", "title"} == names
    assert all(schema(name)["type"] for name in names)


@pytest.mark.parametrize("name", ["observe", "evolve", "ask"])
def test_a_task_is_one_sentence_for_a_taught_model_and_has_worked_examples_for_others(name):
    system, *examples = task(name, taught=False)

    assert [{"role": "system", "content": load(name)}] == task(name, taught=True)
    assert ["user", "assistant"] * (len(examples) // 2) == [turn["role"] for turn in examples]
    assert "system" == system["role"] and 4 <= len(examples) <= 8
    assert all(json.loads(turn["content"]) is not None for turn in examples[1::2])
    assert any(
        not turn["content"].isascii() for turn in examples[1::2]
    )  # or all would be answered in English


@pytest.mark.parametrize("name", ["rephrase", "ask_before", "ask_time", "ask_both", "ask_untold", "knows"])
def test_what_models_ask_themselves_is_shown_in_three_languages_and_in_the_shape_of_its_answers(name):
    system, *examples = task(name, taught=False)
    answers = [json.loads(turn["content"]) for turn in examples[1::2]]
    shown = "".join(turn["content"] for turn in examples)

    assert all(set(one) == {"knows"} if name == "knows" else 2 < len(one) <= 6 for one in answers)
    assert "language" in system["content"] or name == "knows"
    assert all(word in shown for word in ("ich", "我", "my ")) or name == "rephrase"


def test_a_schema_may_be_changed_without_changing_the_next_one():
    schema("evolve")["properties"].clear()

    assert {"memory", "op", "text"} == schema("evolve")["properties"].keys()


def test_a_list_prompt_has_no_line_twice():
    for name in ("abstain", "small_talk"):
        assert len(set(lines(name))) == len(lines(name)) > 10


@pytest.mark.parametrize("fact", ["用户是医生。", "ペンだ", "The user lives in Ghent."])
def test_a_fact_may_be_as_short_as_its_language_makes_it(fact):
    pattern = schema("observe_turns")["items"]["properties"]["fact"]["pattern"]

    assert re.search(pattern, fact)
