"""
What the installed llama.cpp is, as one line of JSON: python -m daemon.engine.about

A process of its own, for a library that does not load may take its process with it.
"""

import json
import sys

from daemon.engine.llama import about

if __name__ == "__main__":
    sys.stdout.write(json.dumps(about()) + "\n")
