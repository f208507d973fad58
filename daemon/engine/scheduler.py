"""
Which requests are computed next: people's before the background's, each kind in the order it came.

    add ──> queue ──> places: eight of people, eight of the background ──> the turn of one adapter ──> a batch ──> again

All who have a place and use the same adapter share each batch; where people use several, these take turns of a few
steps and are never mixed. The background has the batches to itself while nobody is answered; else it fills what costs
almost nothing. An adapter is only switched between steps, and only freed when no reply needs it. Where the context is
full, the latest is put off, and begins again when there is room. Runs in the engine's one thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

from daemon.engine.adapters import Adapters
from daemon.engine.batch import ALONE_S, MOST_ROWS, SHARED_S, Pace, shared_out
from daemon.engine.decoding import Decoding, Request
from daemon.engine.errors import DecodeFailed, EngineBusy, EngineError
from daemon.engine.llama import Context, Logits, Model, NoRoom, Part, check_finite
from daemon.engine.model_facts import background_cells
from daemon.engine.prefix_cache import PrefixCache, common
from daemon.engine.records import EngineCounts, Piece, Score
from daemon.engine.scoring import ScoreRequest, Scoring
from daemon.engine.work import Ahead, Room, Work

PLACES = 8  # requests of people that are answered at once, and as many of the background
MOST_WAITING = 64  # people's requests behind them; more are refused
REMEMBERED = 8  # sequences for chats that nobody is answering
STEPS = 8  # of one adapter, while people wait for another
MARGIN = 64  # tokens that a person's answer should have room for when it begins
WORTH_WAITING = 32  # tokens of a common beginning that is being computed
UNMEASURED_S = 5.0  # that an answer is thought to take before one was given

Say = Callable[[int, Piece | Score], None]
Refuse = Callable[[int, EngineError], None]
Wanted = list[tuple[Work, Ahead]]


def sequences(model: Model) -> int:
    """
    How many the context needs.

    A recurrent model keeps a state of many megabytes for each, and none can be cut: its requests don't share batches.
    """
    return 2 * _places(model) + (2 if model.is_recurrent else REMEMBERED)


class Scheduler:
    """The queue of replies in the making, and the context that makes them."""

    def __init__(
        self,
        model: Model,
        context: Context,
        adapters: Adapters,
        *,
        n_ctx: int,
        say: Say,
        refuse: Refuse,
        pace: Pace | None = None,
    ) -> None:
        """`pace`: what is known of the machine already."""
        self._model, self._context, self._adapters, self._n_ctx = model, context, adapters, n_ctx
        self._say, self._refuse = say, refuse
        self._cells = n_ctx + background_cells(n_ctx)
        every, own = range(sequences(model)), _places(model)
        on_processor = not (
            model.on_gpu or model.is_recurrent
        )  # a card reads cells as quickly as it moves them
        aside = n_ctx if on_processor else 0
        self._chats = PrefixCache(context, every[own:], cells=n_ctx, aside=aside)
        self._background = PrefixCache(context, every[:own], cells=self._cells, aside=aside and self._cells)
        self._queue: list[Work] = []  # as they came
        self._leaving: set[str] = set()  # adapters to free once no reply needs them
        self._turn_of: str | None = None  # the adapter of the last step
        self._steps = 0  # that it had since it got its turn
        self._turn_until = 0.0  # when that is over at the latest
        self._pace = pace or Pace()
        self._counts = EngineCounts()
        self._answer_s = UNMEASURED_S
        self._came_s: dict[int, float] = {}  # when people's requests did

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._queue)

    def check_queue(self) -> None:
        """Raises `EngineBusy` when one more of a person would wait too long."""
        waiting = sum(not work.background for work in self._queue) - PLACES
        if waiting >= MOST_WAITING:
            self._counts.refused += 1
            raise EngineBusy(waiting=waiting, retry_after_s=1 + int(waiting * self._answer_s / PLACES))

    def counts(self) -> EngineCounts:
        """What was done, and what is under way."""
        begun = self._begun()
        people = sum(not work.background for work in self._queue)
        running = sum(not work.background for work in begun)
        return replace(
            self._counts,
            running=running,
            waiting=people - running,
            background=len(self._queue) - people,
            cells=self._cells,
            cells_used=self._chats.used + self._background.used,
        )

    def add(self, request: Request | ScoreRequest) -> None:
        """Queue a request; its adapter must be loaded."""
        if isinstance(request, ScoreRequest):
            self._queue.append(Scoring(request, self._background))
            return
        cache = self._background if request.background else self._chats
        self._queue.append(Decoding(request, self._model, cache, n_ctx=self._n_ctx))
        if not request.background:
            self._came_s[request.number] = perf_counter()

    def cancel(self, number: int) -> None:
        """Give a request up, begun or not; unknown numbers were done already."""
        for work in self._queue:
            if work.number == number:
                self._end(work)
                return

    def step(self) -> None:
        """One batch for those whose turn it is."""
        self._begin()
        turn = self._turn()
        self._context.use(self._adapters.handle(turn[0].adapter))
        for work, rows in self._computed(self._fitting(self._planned(turn))):
            self._take(work, rows)

    def _begin(self) -> None:
        """Give free places to those that wait, in the order they came."""
        for cache, background in ((self._chats, False), (self._background, True)):
            begun = [work for work in self._begun() if work.background is background]
            waiting = [work for work in self._queue if work.background is background and work.slot is None]
            for work in waiting:
                if begun and (len(begun) >= _places(self._model) or not self._has_room(cache, begun, work)):
                    break  # it is next once there is room, before those that came later
                if _is_being_read(cache, begun, work):
                    continue
                is_new = work.cached is None
                work.begin()
                if not background:  # the background waits for a moment rather than people
                    self._chats.set_aside()
                    self._background.set_aside()
                begun.append(work)
                if is_new:
                    self._counts.prompt_tokens += len(work.tokens)
                    self._counts.cached_tokens += work.cached or 0

    def _has_room(self, cache: PrefixCache, begun: Sequence[Work], work: Work) -> bool:
        """Whether the context can hold this one beside the others, as far as can be foretold."""
        most = self._cells - self._chats.held if work.background else self._n_ctx
        foretold = sum(one.pending + _growth(one) for one in begun)
        own = len(work.tokens) - cache.known(work.tokens, work.adapter, in_use=True) + _growth(work)
        return cache.held + foretold + own <= most

    def _begun(self) -> list[Work]:
        return [work for work in self._queue if work.slot is not None]

    def _turn(self) -> list[Work]:
        """All who have a place and the adapter whose turn it is."""
        begun = self._begun()
        adapters = _adapters_of([work for work in begun if not work.background] or begun)
        self._steps += 1
        over = self._steps > STEPS or perf_counter() > self._turn_until
        if self._turn_of not in adapters or (over and len(adapters) > 1):
            place = adapters.index(self._turn_of) + 1 if self._turn_of in adapters else 0
            self._turn_of, self._steps = adapters[place % len(adapters)], 1
            self._turn_until = perf_counter() + SHARED_S
        return [work for work in begun if work.adapter == self._turn_of]

    def _planned(self, turn: Sequence[Work]) -> Wanted:
        """What of each goes into the next batch."""
        people = [work for work in turn if not work.background]
        background = [work for work in turn if work.background]
        alone = len(self._queue) == 1 and bool(people)
        tokens = self._pace.tokens(ALONE_S if alone else SHARED_S)
        wanted = shared_out(people, Room(tokens, len(people)))
        if people:
            tokens = min(self._pace.free(), tokens - sum(len(ahead.tokens) for _, ahead in wanted))
        return wanted + shared_out(background, Room(tokens, MOST_ROWS))

    def _fitting(self, wanted: Wanted) -> Wanted:
        """What of it the context has room for; the background is put off before people, and who came last first."""
        while wanted:
            people, others = (
                sum(len(ahead.tokens) for work, ahead in wanted if work.background is kind)
                for kind in (False, True)
            )
            if not self._chats.make_room(people):
                late = self._latest(background=False)
            elif self._room_behind(people, others):
                break
            else:
                late = self._latest(background=True)
            late.put_off()
            wanted = [(work, ahead) for work, ahead in wanted if work is not late]
        return wanted

    def _room_behind(self, people: int, others: int) -> bool:
        """Whether the background has room for so many beside all that people have, and so many more of theirs."""
        own = self._background
        own.cells = self._cells - self._chats.used - people
        if own.make_room(others):
            return True
        if sum(work.background for work in self._begun()) > 1:
            return False
        missing = own.used + others - own.cells  # one alone needs more than is its own: from chats that rest
        self._chats.make_room(self._chats.cells - self._chats.used + missing)
        own.cells = self._cells - self._chats.used - people
        return own.make_room(others)

    def _latest(self, *, background: bool) -> Work:
        return [work for work in self._begun() if work.background is background][-1]

    def _computed(self, wanted: Wanted) -> list[tuple[Work, list[Logits]]]:
        """Each of which a part was computed, and the logits that it wanted."""
        while wanted:
            parts = [Part(one.slot.sequence, len(one.slot.tokens), one.tokens, one.rows) for _, one in wanted]
            began = perf_counter()
            try:
                rows = self._context.decode(parts)
            except NoRoom:
                wanted = self._fewer(wanted)
                continue
            except EngineError as error:
                for work, _ in wanted:
                    self._refused(work, error)
                return []
            tokens = sum(len(part.tokens) for part in parts)
            self._pace.note(tokens, perf_counter() - began)
            self._counts.steps += 1
            self._counts.step_tokens += tokens
            for work, ahead in wanted:
                (self._background if work.background else self._chats).add(ahead.slot, ahead.tokens)
            return [(work, logits) for (work, _), logits in zip(wanted, rows, strict=True)]
        return []

    def _fewer(self, wanted: Wanted) -> Wanted:
        """llama.cpp counts its cells otherwise: nothing that is idle stays, and then the last is put off."""
        idle = self._chats.used + self._background.used - self._chats.held - self._background.held
        if idle:
            self._chats.make_room(self._chats.cells)
            self._background.make_room(self._background.cells)
        elif len(wanted) == 1:
            self._refused(wanted.pop()[0], DecodeFailed(reason="the context has no room left"))
        else:
            wanted.pop()[0].put_off()
        return wanted

    def _take(self, work: Work, rows: Sequence[Logits]) -> None:
        try:
            check_finite(rows)
            piece = work.take(rows)
        except EngineError as error:
            self._refused(work, error)
            return
        if piece is not None and piece.is_last:
            self._end(work)
        if piece is not None:
            self._say(work.number, piece)

    def _refused(self, work: Work, error: EngineError) -> None:
        self._end(work)
        self._refuse(work.number, error)

    def swap(self, adapter: str | None) -> float:
        """Switch the context to an adapter, or to the base; returns the milliseconds it took."""
        handle = self._adapters.handle(adapter)
        self._leaving.discard(adapter or "")
        began = perf_counter()
        self._context.use(handle)
        return (perf_counter() - began) * 1000

    def kept(self, tokens: Sequence[int], adapter: str | None) -> bytes:
        """What chats left in the context of just these tokens; b"" where that is not all of them."""
        return bytes(self._chats.kept(tokens, adapter) or b"")

    def remember(self, tokens: Sequence[int], adapter: str | None, saved: bytes) -> None:
        """Take in what was `kept`, of the same model and settings, for the next chat that begins so."""
        self._chats.remember(tokens, adapter, bytearray(saved))

    def unload(self, adapter: str) -> None:
        """Free an adapter and what was computed with it, now or when the last reply that needs it is done."""
        self._leaving.add(adapter)
        self._let_go()

    def keep(self, adapter: str) -> None:
        """An adapter that was to be freed is wanted again."""
        self._leaving.discard(adapter)

    def _end(self, work: Work) -> None:
        self._queue.remove(work)
        self._counts.requests += 1
        self._counts.completion_tokens += work.said_tokens
        work.leave()
        if (came := self._came_s.pop(work.number, None)) is not None:
            self._answer_s += (perf_counter() - came - self._answer_s) / PLACES
        self._let_go()

    def _let_go(self) -> None:
        needed = {work.adapter for work in self._queue}
        for adapter in self._leaving - needed:
            self._leaving.discard(adapter)
            self._chats.drop(adapter)
            self._background.drop(adapter)
            self._context.use(None)  # it may be the one in use; the next step sets what it needs
            self._adapters.unload(adapter)


def _places(model: Model) -> int:
    return 1 if model.is_recurrent else PLACES


def _adapters_of(works: Sequence[Work]) -> list[str | None]:
    return list(dict.fromkeys(work.adapter for work in works))


def _is_being_read(cache: PrefixCache, begun: Sequence[Work], work: Work) -> bool:
    """Whether another just computes much of what this prompt begins with: then it is copied from there, in a moment."""
    reading = [one for one in begun if one.adapter == work.adapter and one.pending > 1]
    same = max((common(one.tokens, work.tokens) for one in reading), default=0)
    return same > WORTH_WAITING and same > cache.known(work.tokens, work.adapter) + WORTH_WAITING


def _growth(work: Work) -> int:
    """Tokens to keep free for it; of a person's answer nobody knows how long it will be."""
    return work.growth if work.background else min(work.growth, MARGIN)
