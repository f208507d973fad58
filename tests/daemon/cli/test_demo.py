"""What a demo tells, and what it did not show."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from daemon.cli.demo import shortcomings
from daemon.cli.demo_stories import LIVELY, PLAIN
from models import skills
from tests.daemon.cli.terminal import ROOT, inherited

TAUGHT = Path(str(skills.__file__)).parent / "data"


def test_a_step_that_did_not_happen_is_a_shortcoming():
    good = {"correct": {"base": 0.0, "generation": 0.9}, "forgotten": True, "taught_again": True}
    no_better = {"correct": {"base": 0.1, "generation": 0.1}}
    changes = ({}, {"forgotten": False}, {"taught_again": False}, no_better)

    assert [0, 1, 1, 1] == [len(shortcomings(good | change)) for change in changes]


@pytest.mark.parametrize("story", [PLAIN, LIVELY])
def test_a_story_tells_in_order_all_that_is_asked_for_later(story):
    told = " ".join(said for chat in story.chats for said in chat.said)
    days = [chat.day for chat in story.chats]

    assert 10 == len(story.questions)
    assert story.forget in story.questions
    assert sorted(set(days)) == days
    assert [] == [one.text for one in story.questions if one.expect not in told or one.reject not in told]


def test_what_the_lively_story_tells_is_in_no_lesson_of_the_skills():
    taught = "\n".join(file.read_text(encoding="utf-8") for file in sorted(TAUGHT.glob("values*.toml")))

    assert taught
    assert [] == [one.expect for one in LIVELY.questions if f'"{one.expect}"' in taught]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_demo_whose_terminal_is_closed_leaves_nothing_behind(tmp_path, number):
    command = [sys.executable, "-m", "daemon", "demo"]
    running = subprocess.Popen(
        command, cwd=ROOT, env=inherited(TMPDIR=str(tmp_path)), stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + 300
    while not (found := list(tmp_path.glob("tsubasa-demo-*/home/daemon.json"))) and time.monotonic() < end:
        time.sleep(0.05)
    daemon = json.loads(found[0].read_text())["pid"]

    running.send_signal(number)

    assert 128 + number == running.wait(60)
    assert not psutil.pid_exists(daemon)
    assert [] == os.listdir(tmp_path)
