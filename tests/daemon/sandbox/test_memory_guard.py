"""Every program of ours, as the system sees it: it leaves no core dump, and nobody attaches to it."""

import json
import os
import resource
import subprocess
import sys

import pytest

from daemon.processes.process import confined, environment
from tests.whole.house import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
TOLD = """
import ctypes, json, resource
print(json.dumps([*resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)]))
"""
FIRST_STEPS = {  # of each program, on something that ends it at once
    "the command": "import daemon.cli.main as program; program.main(['--version'])",
    "the icon": "import sys, tray.__main__ as program; sys.argv = ['', '--home', '/dev/null/none']; program.main()",
    "the export": "import daemon.engine.merge_adapter as program; program.main()",
    "a child": "import daemon.processes.worker_link as program; program.open_link(['--fd', '0', '--parent', '0'])",
}
RUN = """
import os
os._exit = lambda status: None
try:
    {steps}
except BaseException:
    pass
"""


def limits_of(command, folder):
    """Its limit of core dumps, soft and hard, and whether it can be dumped, begun by a shell that allows all."""

    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096))

    told = environment()
    told["PYTHONPATH"] += f"{os.pathsep}{folder}"
    done = subprocess.run(
        command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=300, input="", preexec_fn=allow
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_without_us_it_could_be(tmp_path):
    assert [4096, 4096, 1] == limits_of([sys.executable, "-c", TOLD], tmp_path)


def test_a_confined_child_leaves_no_dump_and_nobody_attaches_to_it(tmp_path):
    (tmp_path / "module_that_tells.py").write_text(TOLD)

    assert [0, 0, 0] == limits_of(confined("module_that_tells"), tmp_path)


@pytest.mark.parametrize("steps", FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_no_program_of_ours_leaves_a_dump_and_nobody_attaches_to_it(tmp_path, steps):
    assert [0, 0, 0] == limits_of([sys.executable, "-c", RUN.format(steps=steps) + TOLD], tmp_path)


LOCKED = """
import os, resource
from daemon.sandbox.memory_guard import is_out_of_swap, stay_out_of_swap
before = is_out_of_swap(os.getpid())
said = stay_out_of_swap()
block = bytearray(64 << 20)  # more than the usual limit
print([before, said, is_out_of_swap(os.getpid())])
"""


def test_a_process_is_out_of_swap_where_it_says_so_and_goes_on_where_it_may_not():
    done = subprocess.run(
        [sys.executable, "-c", LOCKED], cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert done.stdout.strip() in ("[False, True, True]", "[False, False, False]"), done.stderr
