"""
Run a module as `python -m` does, in a process that is held to this machine:
python -m daemon.sandbox.run_module MODULE ARGUMENTS

For the children of the daemon: an empty network where the system allows that, and the refusal of `outbound_guard.py`.
"""

import runpy
import sys

from daemon.sandbox.network_namespace import enter
from daemon.sandbox.outbound_guard import hold

if __name__ == "__main__":
    enter()  # before the module loads libraries, which begin threads
    hold()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
