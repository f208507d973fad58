"""How the start is summed up; the measuring itself starts a daemon and is tried by hand."""

from bench.startup import summary


def test_a_time_is_told_beside_what_the_machine_needed_in_the_same_run():
    found = {"typer_s": [0.1, 0.2, 0.1], "help_s": [0.05, 0.1, 0.3]}
    found |= {"fastapi_s": [0.5] * 3, "chat_s": [1.0, 1.5, 2.5]}
    told = summary(found)

    assert {"median": 0.1, "worst": 0.3, "times_typer": 0.5, "limit": 0.15} == told["help_s"]
    assert {"median": 1.5, "worst": 2.5, "times_fastapi": 3.0, "limit": 2.0} == told["chat_s"]
    assert {"median": 0.1, "worst": 0.2} == told["typer_s"]
