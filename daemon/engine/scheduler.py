"""
Which request is worked on next: foreground before background, each kind in the order it came.

    take ──> queue ──> the first foreground request, else the first background one ──> one step ──> again

A background reply is left between two steps for any foreground request and goes on afterwards. An
adapter is only switched between steps, and only freed when no reply needs it. Runs in the engine's one
thread.
"""

from collections.abc import Callable
from time import perf_counter

from daemon.engine.adapters import Adapters
from daemon.engine.decoding import Decoding, Request
from daemon.engine.errors import EngineError
from daemon.engine.llama import Context, Model
from daemon.engine.prefix_cache import PrefixCache
from daemon.engine.records import Piece, Score
from daemon.engine.scoring import ScoreRequest, Scoring

SEQUENCES = 4  # one for each of: foreground, background, and two that only remember

Say = Callable[[int, Piece | Score], None]
Refuse = Callable[[int, EngineError], None]


class Scheduler:
    """The queue of replies in the making, and the context that makes them."""

    def __init__(
        self, model: Model, context: Context, adapters: Adapters, *, n_ctx: int, say: Say, refuse: Refuse
    ) -> None:
        self._model, self._context, self._adapters, self._n_ctx = model, context, adapters, n_ctx
        self._say, self._refuse = say, refuse
        self._cache = PrefixCache(context, SEQUENCES)
        self._queue: list[Decoding | Scoring] = []
        self._leaving: set[str] = set()  # adapters to free once no reply needs them

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._queue)

    def add(self, request: Request | ScoreRequest) -> None:
        """Queue a request; its adapter must be loaded."""
        if isinstance(request, ScoreRequest):
            self._queue.append(Scoring(request, self._context, self._cache))
        else:
            model, context, cache = self._model, self._context, self._cache
            self._queue.append(Decoding(request, model, context, cache, n_ctx=self._n_ctx))

    def cancel(self, number: int) -> None:
        """Give a request up, begun or not; unknown numbers were done already."""
        for decoding in self._queue:
            if decoding.request.number == number:
                self._end(decoding)
                return

    def step(self) -> None:
        """One step of the reply whose turn it is."""
        decoding = min(self._queue, key=lambda one: one.request.background)  # `min` keeps the order
        number = decoding.request.number
        try:
            self._context.use(self._adapters.handle(decoding.request.adapter))
            piece = decoding.step()
        except EngineError as error:
            self._end(decoding)
            self._refuse(number, error)
            return
        if piece is not None and piece.is_last:
            self._end(decoding)
        if piece is not None:
            self._say(number, piece)

    def swap(self, adapter: str | None) -> float:
        """Switch the context to an adapter, or to the base; returns the milliseconds it took."""
        handle = self._adapters.handle(adapter)
        self._leaving.discard(adapter or "")
        began = perf_counter()
        self._context.use(handle)
        return (perf_counter() - began) * 1000

    def unload(self, adapter: str) -> None:
        """Free an adapter and what was computed with it, now or when the last reply that needs it is done."""
        self._leaving.add(adapter)
        self._let_go()

    def keep(self, adapter: str) -> None:
        """An adapter that was to be freed is wanted again."""
        self._leaving.discard(adapter)

    def _end(self, decoding: Decoding | Scoring) -> None:
        self._queue.remove(decoding)
        decoding.leave()
        self._let_go()

    def _let_go(self) -> None:
        needed = {decoding.request.adapter for decoding in self._queue}
        for adapter in self._leaving - needed:
            self._leaving.discard(adapter)
            self._cache.drop(adapter)
            self._context.use(None)  # it may be the one in use; the next step sets what it needs
            self._adapters.unload(adapter)
