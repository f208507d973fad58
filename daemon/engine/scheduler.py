"""
Which requests are worked on next: foreground before background, each kind in the order it came.

    take ──> queue ──> the first foreground request, else some background ones together ──> one step ──> again

Background replies are left between two steps for any foreground request and go on afterwards. Those that use the same
adapter share their batches, so many as the context has room for. An adapter is only switched between steps, and only
freed when no reply needs it. Runs in the engine's one thread.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

from daemon.engine.adapters import Adapters
from daemon.engine.batch import BACKGROUND, FOREGROUND, Ahead, compute
from daemon.engine.decoding import Decoding, Request
from daemon.engine.errors import EngineError
from daemon.engine.llama import Context, Logits, Model, NoRoom, check_finite
from daemon.engine.prefix_cache import PrefixCache
from daemon.engine.records import Piece, Score
from daemon.engine.scoring import ScoreRequest, Scoring

TOGETHER = 8  # background requests that share batches
REMEMBERED = 2  # sequences of nobody, for what was computed before

Work = Decoding | Scoring
Say = Callable[[int, Piece | Score], None]
Refuse = Callable[[int, EngineError], None]


def sequences(model: Model) -> int:
    """
    How many the context needs: one for the foreground, and those of the background.

    A recurrent model keeps a state of many megabytes for each, and none can be cut: its requests don't share batches.
    """
    return 1 + _together(model) + REMEMBERED


class Scheduler:
    """The queue of replies in the making, and the context that makes them."""

    def __init__(
        self, model: Model, context: Context, adapters: Adapters, *, n_ctx: int, say: Say, refuse: Refuse
    ) -> None:
        self._model, self._context, self._adapters, self._n_ctx = model, context, adapters, n_ctx
        self._say, self._refuse = say, refuse
        self._cache = PrefixCache(context, sequences(model))
        self._queue: list[Work] = []
        self._leaving: set[str] = set()  # adapters to free once no reply needs them

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._queue)

    def add(self, request: Request | ScoreRequest) -> None:
        """Queue a request; its adapter must be loaded."""
        if isinstance(request, ScoreRequest):
            self._queue.append(Scoring(request, self._cache))
        else:
            self._queue.append(Decoding(request, self._model, self._cache, n_ctx=self._n_ctx))

    def cancel(self, number: int) -> None:
        """Give a request up, begun or not; unknown numbers were done already."""
        for decoding in self._queue:
            if decoding.request.number == number:
                self._end(decoding)
                return

    def step(self) -> None:
        """One step of the requests whose turn it is."""
        turn = self._turn()
        try:
            self._context.use(self._adapters.handle(turn[0].request.adapter))
            try:
                done = self._computed(turn)
            except NoRoom:
                turn = turn[:1]
                done = self._computed(turn)
        except EngineError as error:
            for work in turn:
                self._refused(work, error)
            return
        for work, rows in done:
            self._take(work, rows)

    def _turn(self) -> list[Work]:
        """The first foreground request; without one, background requests of one adapter: what has begun, and more."""
        ahead = next((work for work in self._queue if not work.request.background), None)
        if ahead is not None:
            return [ahead]
        turn = [work for work in self._queue if work.has_begun] or self._queue[:1]
        held = sum(self._longest(work) for work in turn)
        for work in self._queue:
            if work in turn:
                continue
            held += self._longest(work)
            same = work.request.adapter == turn[0].request.adapter
            if not same or len(turn) >= _together(self._model) or held > self._n_ctx // 2:
                break  # it is next once there is room, before those that came later
            turn.append(work)
        return turn

    def _longest(self, work: Work) -> int:
        return work.request.longest or self._n_ctx

    def _computed(self, turn: Sequence[Work]) -> list[tuple[Work, list[Logits]]]:
        """Each of `turn` that the batch had room for, and the logits that it wanted. Raises `NoRoom`."""
        room = BACKGROUND if turn[0].request.background else FOREGROUND
        wanted: list[tuple[Work, Ahead]] = []
        for work in turn:
            if min(room) > 0:
                ahead = work.ahead(room)
                wanted.append((work, ahead))
                room = ahead.left_of(room)
        rows = compute(self._context, self._cache, [ahead for _, ahead in wanted])
        return [(work, logits) for (work, _), logits in zip(wanted, rows, strict=True)]

    def _take(self, work: Work, rows: Sequence[Logits]) -> None:
        number = work.request.number
        try:
            check_finite(rows)
            piece = work.take(rows)
        except EngineError as error:
            self._refused(work, error)
            return
        if piece is not None and piece.is_last:
            self._end(work)
        if piece is not None:
            self._say(number, piece)

    def _refused(self, work: Work, error: EngineError) -> None:
        self._end(work)
        self._refuse(work.request.number, error)

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

    def _end(self, decoding: Work) -> None:
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


def _together(model: Model) -> int:
    return 1 if model.is_recurrent else TOGETHER
