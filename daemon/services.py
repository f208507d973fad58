"""The running parts of a daemon, from which routes and jobs take what they need; `app.py` makes them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from daemon.chat.conversation import Conversations
from daemon.config.settings import Settings
from daemon.confirmations import Confirmations
from daemon.downloads.pull_process import PullProcess
from daemon.embedding.client import Embedder
from daemon.engine.client import Engine
from daemon.forgetting.forget import Forgetting
from daemon.forgetting.verification import Unlearning
from daemon.further_models.pool import FurtherModels
from daemon.generations.service import Generations
from daemon.home import Home
from daemon.idle_work import MemoryConsolidation
from daemon.jobs import Runner
from daemon.lifecycle.ending import Ending
from daemon.night.night_job import Nights
from daemon.processes.foreground_gate import ForegroundGate
from daemon.profiles.daemons import Daemons
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
    further: FurtherModels
    conversations: Conversations
    runner: Runner
    consolidation: MemoryConsolidation
    nights: Nights
    unlearning: Unlearning
    forgetting: Forgetting
    confirmations: Confirmations
    pulls: PullProcess
    gate: ForegroundGate
    profiles: Daemons
    ending: Ending
    started_at: datetime  # UTC
