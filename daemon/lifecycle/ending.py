"""
How the daemon ends when the page asks for it: to start again with what config.toml says, or with all of it deleted.

The routes only say so; who started the daemon does it once everything is closed (`cli/up.py`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

After = Literal["", "restart", "delete"]
ANSWERED_S = 0.3  # in which the answer to who asked is sent


@dataclass(slots=True)
class Ending:
    """What comes after the end; `leave` begins that, and is known once the daemon serves."""

    after: After = ""
    leave: Callable[[], None] | None = None

    def begin(self, after: After) -> None:
        """End in a moment, and then do so."""
        self.after = after
        if self.leave is not None:
            asyncio.get_running_loop().call_later(ANSWERED_S, self.leave)
