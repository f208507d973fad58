"""
Run a module as `python -m` does, in a process that is held to this machine: python -m daemon.held MODULE ARGUMENTS

For the trainer, which knows nothing of the daemon.
"""

import runpy
import sys

from daemon.loopback import hold

if __name__ == "__main__":
    hold()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
