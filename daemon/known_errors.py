"""
The base classes of all errors whose message is meant for a person; each room has one.

Whoever shows errors (the HTTP boundary, the job runner, the command line) prints these as they stand;
anything else is a bug and keeps its traceback.
"""

from daemon.errors import DaemonError
from daemon.inbox.errors import InboxError
from daemon.memory.errors import MemoryWorkError
from daemon.night.errors import NightError
from daemon.processes.errors import ChildError
from store.errors import StoreError

KNOWN = (DaemonError, ChildError, InboxError, MemoryWorkError, NightError, StoreError)
