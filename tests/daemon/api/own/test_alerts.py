"""What a person is asked to look at."""

import pytest

from daemon.api.own.attention import LITTLE_ROOM, troubles
from daemon.processes.errors import ChildCrashed
from daemon.processes.supervisor import Supervisor
from store.jobs import Job


def looked(*, child=None, failure=None, night=None, free=LITTLE_ROOM):
    children = [child] if child else []
    return [one.kind for one in troubles(children=children, failure=failure, night=night, free_bytes=free)]


def engine(state):
    child = Supervisor("engine", ["none"], hello={}, idle_s=1.0)
    child.state = state
    child.last_error = ChildCrashed("engine", exit_code=-9)
    return child


def night(state, error="The trainer died."):
    return Job(id=1, kind="night", payload={}, state=state, attempts=1, lease_until=None, error=error)


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        ({}, []),
        ({"free": None}, []),
        ({"free": LITTLE_ROOM - 1}, ["disk"]),
        ({"child": engine("failed")}, ["child"]),
        ({"child": engine("ready")}, []),  # it was restarted
        ({"failure": "index: no"}, ["work"]),
        ({"night": night("failed")}, ["night"]),
        ({"night": night("running")}, []),  # it is tried again now
        ({"night": night("done", error=None)}, []),
        ({"night": night("waiting"), "failure": "night: The trainer died."}, ["night"]),  # told once
    ],
)
def test_only_what_does_not_heal_by_itself_is_named(seen, kinds):
    assert kinds == looked(**seen)
