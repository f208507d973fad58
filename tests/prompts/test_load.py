from pathlib import Path

from prompts.load import lines, load, schema

FOLDER = Path(__file__).parents[2] / "prompts"


def test_the_loaded_prompt_is_the_file_without_its_last_newline():
    for file in FOLDER.glob("*.txt"):
        assert file.read_text(encoding="utf-8") == load(file.stem) + "\n"


def test_every_schema_belongs_to_a_prompt():
    names = {file.name.removesuffix(".schema.json") for file in FOLDER.glob("*.schema.json")}

    assert {"observe", "evolve", "ask"} == names
    assert all(load(name) and schema(name)["type"] for name in names)


def test_a_schema_may_be_changed_without_changing_the_next_one():
    schema("evolve")["properties"].clear()

    assert {"memory", "op", "text"} == schema("evolve")["properties"].keys()


def test_a_list_prompt_has_no_line_twice():
    for name in ("abstain", "small_talk"):
        assert len(set(lines(name))) == len(lines(name)) > 10
