"""What a model name asks for; a doubt is never a reason to keep something."""

import pytest

from daemon.chat.model_names import ModelChoice, parse_model_name

OFF = {"kept": False, "recalls": False, "private": True}
BASE = {"generation": 0, "kept": False, "recalls": False}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("tsubasa", {}),
        ("tsubasa@12", {"generation": 12}),
        ("tsubasa@0", {"generation": 0}),
        ("tsubasa:base", BASE),
        ("tsubasa:private", OFF),
    ],
)
def test_a_model_name_says_what_it_asks_for(name, wanted):
    assert ModelChoice(name=name, **wanted) == parse_model_name(name)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Tsubasa", {}),
        ("openai/tsubasa", {}),
        ("openrouter/openai/tsubasa@3", {"generation": 3}),
        (" tsubasa:latest ", {}),
        ("ollama_chat/TSUBASA:Base", BASE),
    ],
)
def test_what_routers_put_around_a_name_changes_nothing(name, wanted):
    assert ModelChoice(name=name, **wanted) == parse_model_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Tsubasa:private",
        "tsubasa:Private",
        "private",
        "openai/tsubasa:private",
        "tsubasa:private:latest",
        "tsubasa-private",
        "tsubasa@3:private",
        "ｔｓｕｂａｓａ：ｐｒｉｖａｔｅ",
        "tsubasa:pri\u200bvate",
        "tsubasa:privat",
    ],
)
@pytest.mark.parametrize("aliases", ["", "*", "tsubasa*, private"])
def test_whatever_resembles_private_is_private(name, aliases):
    assert ModelChoice(name=name, **OFF) == parse_model_name(name, aliases)


@pytest.mark.parametrize("name", ["gpt-4o", "tsubasa@", "tsubasa@1e3", "tsubasa:prviate", "", " ", "tsubаsa"])
def test_nothing_is_kept_under_an_unknown_name(name):
    assert ModelChoice(name=name, known=False, **OFF) == parse_model_name(name)


@pytest.mark.parametrize(
    ("aliases", "kept"),
    [("gpt-4o", True), ("a, GPT-4* ,b", True), ("*", True), ("gpt-4", False), (",", False)],
)
def test_the_setting_says_which_names_are_kept(aliases, kept):
    assert kept is parse_model_name("openai/gpt-4o", aliases).kept
    assert kept is parse_model_name("GPT-4o", aliases).known


FURTHER = ("Coder-7B", "qwen3-0.6b")


@pytest.mark.parametrize(
    ("name", "model", "wanted"),
    [
        ("Coder-7B", "Coder-7B", {}),
        ("coder-7b", "Coder-7B", {}),
        ("ollama/qwen3-0.6b:latest", "qwen3-0.6b", {}),
        ("qwen3-0.6b@2", "qwen3-0.6b", {"generation": 2}),
        ("qwen3-0.6b:base", "qwen3-0.6b", BASE),
        ("qwen3-0.6b:Private", "qwen3-0.6b", OFF),
    ],
)
@pytest.mark.parametrize("aliases", ["", "*"])
def test_a_model_beside_the_main_one_is_asked_for_by_its_name_and_the_same_endings(
    name, model, wanted, aliases
):
    assert ModelChoice(name=name, further=model, **wanted) == parse_model_name(name, aliases, FURTHER)


@pytest.mark.parametrize("name", ["qwen3-0.6b:prviate", "qwen3-0.6", "coder-7b-private", "coder-7b@x"])
def test_what_is_no_name_of_a_further_model_is_answered_by_the_main_one_off_the_record(name):
    found = parse_model_name(name, "", FURTHER)

    assert ("", False, False) == (found.further, found.kept, found.recalls)
