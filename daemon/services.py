"""
What the daemon is made of while it runs: handed to the routes and the job runner, which take what they need.

Knows nothing of how the parts are started and stopped: `app.py` does.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from daemon.chat.conversation import Conversations
from daemon.config.settings import Settings
from daemon.confirmations import Confirmations
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.forgetting.forget import Forgetting
from daemon.forgetting.verification import Unlearning
from daemon.generations.service import Generations
from daemon.home import Home
from daemon.idle_work import Tending
from daemon.jobs import Runner
from daemon.night.night_job import Nights
from daemon.store_thread import StoreThread


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The running parts."""

    settings: Settings
    home: Home
    api_key: str
    model_path: Path
    store_thread: StoreThread
    engine: Engine
    embedder: Embedder
    generations: Generations
    conversations: Conversations
    runner: Runner
    tending: Tending
    nights: Nights
    unlearning: Unlearning
    forgetting: Forgetting
    confirmations: Confirmations
    started_at: datetime  # UTC
