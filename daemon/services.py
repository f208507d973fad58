"""
What the daemon is made of while it runs: handed to the routes and the job runner, which take what they need.

Knows nothing of how the parts are started and stopped: `app.py` does.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from daemon.config import Settings
from daemon.confirmations import Confirmations
from daemon.conversation import Conversations
from daemon.embedder import Embedder
from daemon.engine.client import Engine
from daemon.generations import Generations
from daemon.home import Home
from daemon.jobs import Runner
from daemon.keeper import Keeper
from daemon.night.nights import Nights
from daemon.night.unlearning import Unlearning
from daemon.work import Tending


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The running parts."""

    settings: Settings
    home: Home
    api_key: str
    model_path: Path
    keeper: Keeper
    engine: Engine
    embedder: Embedder
    generations: Generations
    conversations: Conversations
    runner: Runner
    tending: Tending
    nights: Nights
    unlearning: Unlearning
    started_at: datetime  # UTC
    confirmations: Confirmations = field(default_factory=Confirmations)
