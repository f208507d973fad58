"""What `bench.recall` reads: LoCoMo's file and BEAM's folder, their evidence and splits, and what is refused."""

import json

import pytest

from bench.recall_data import BEAM, NotMeasurable, load

TALK = {
    "speaker_a": "Ann",
    "speaker_b": "Bob",
    "session_1_date_time": "1:56 pm on 8 May, 2026",
    "session_1": [{"speaker": "Ann", "dia_id": f"D1:{at}", "text": "Hi."} for at in (1, 2, 3)],
}
TURNS = [
    [
        {"role": "user", "id": 0, "time_anchor": "March-15-2024", "content": "I have a -> b. ->-> 1,1"},
        {"role": "assistant", "id": 1, "content": "Noted ->-> 1,1"},
    ],
    [{"role": "user", "id": 2, "content": "And a cello. ->-> 1,N/A"}],
]


def sample(name, *qa):
    return {"sample_id": name, "conversation": TALK, "qa": list(qa)}


def asked(*evidence, category=4):
    return {"question": "Which pet?", "evidence": list(evidence), "category": category}


def locomo(folder, *samples):
    file = folder / "locomo.json"
    file.write_text(json.dumps(samples))
    return file


def beam(folder, name="5", *, turns=TURNS, questions=None):
    (folder / f"{name}.chat.json").write_text(json.dumps([{"batch_number": 1, "turns": turns}]))
    (folder / f"{name}.questions.json").write_text(json.dumps(questions or {}))
    return folder


def test_evidence_is_what_is_exactly_the_id_of_a_turn(tmp_path):
    named = (["D1:1", "D1:3"], ["D1:1; D1:3", "D1:1"], ["D1:99", "D", "D:1:3"], [])
    (talk,) = load(locomo(tmp_path, sample("conv-1", *(asked(*ids) for ids in named))))

    assert [{"conv-1:D1:1", "conv-1:D1:3"}, {"conv-1:D1:1"}] == [one.evidence for one in talk.questions]


def test_questions_that_nothing_answers_are_left_out(tmp_path):
    (talk,) = load(locomo(tmp_path, sample("conv-1", *(asked("D1:1", category=at) for at in range(1, 6)))))

    assert list("1234") == [one.kind[0] for one in talk.questions]


def test_a_folder_of_beam_is_read_turn_by_turn_without_the_places_behind_the_user_s_words(tmp_path):
    (talk,) = load(beam(tmp_path))
    (session,) = talk.sessions

    assert ["I have a -> b.", "Noted ->-> 1,1", "And a cello."] == [turn.text for turn in session]
    assert ["user", "assistant", "user"] == [turn.role for turn in session]
    assert ["5:0", "5:1", "5:2"] == [turn.external_id for turn in session]
    assert {(2024, 3, 15)} == {(turn.said_at.year, turn.said_at.month, turn.said_at.day) for turn in session}


def test_the_evidence_of_beam_is_a_list_or_lists_by_group_and_may_be_missing(tmp_path):
    questions = {
        "event_ordering": [{"question": "a?", "source_chat_ids": [0, 2, 2]}],
        "knowledge_update": [{"question": "b?", "source_chat_ids": {"first": [1], "second": [77]}}],
        "abstention": [{"question": "c?"}],
    }
    (talk,) = load(beam(tmp_path, questions=questions))

    found = {one.text: (one.kind, one.evidence) for one in talk.questions}
    assert {"a?": ("event_ordering", {"5:0", "5:2"}), "b?": ("knowledge_update", {"5:1"})} == found


def test_weights_may_be_chosen_by_two_conversations_of_locomo_and_four_chats_of_beam(tmp_path):
    for name in ("10", "2", "4", "5"):
        beam(tmp_path, name)
    talks = load(tmp_path) + load(locomo(tmp_path, sample("conv-26"), sample("conv-41")))

    assert ["2", "4", "5", "10"] == [one.name for one in talks if one.origin == BEAM]
    assert ["2", "4", "conv-26"] == [one.name for one in talks if one.is_development]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        ("{", "Expecting"),
        ('{"a": 1}', "no list of LoCoMo"),
        ("[]", "no list of LoCoMo"),
    ],
)
def test_a_file_that_can_not_be_measured_with_is_refused_in_one_line(tmp_path, content, reason):
    file = tmp_path / "locomo.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NotMeasurable, match=reason):
        load(file)


@pytest.mark.parametrize(
    ("chat", "questions", "reason"),
    [
        ('{"turns": []}', "{}", "not as BEAM's are"),
        ('[{"turns": [[]]}]', "{}", "not as BEAM's are"),
        ('[{"turns": [[{"role": "user", "id": 0, "content": "x"}]]}]', "{}", "not as BEAM's are"),
        ("[]", '["a"]', "not as BEAM's are"),
        ("[]", None, "no such file"),
        ("[", "{}", "Expecting"),
    ],
)
def test_a_folder_that_can_not_be_measured_with_is_refused_in_one_line(tmp_path, chat, questions, reason):
    (tmp_path / "1.chat.json").write_text(chat)
    if questions is not None:
        (tmp_path / "1.questions.json").write_text(questions)
    with pytest.raises(NotMeasurable, match=reason) as refused:
        load(tmp_path)

    assert "\n" not in str(refused.value)


def test_a_folder_without_chats_is_refused(tmp_path):
    with pytest.raises(NotMeasurable, match=r"no file in it ends in \.chat\.json"):
        load(tmp_path)
