"""
Approval: what was observed waits for the user's word before it becomes a memory (setting `approve`).

    observation ──> proposal ──> accepted: evolve, as if it had just been observed
                       `──────> refused: it is nothing, and the same messages do not propose it again
"""

from datetime import UTC, datetime

from daemon.core import Core
from daemon.memory.evolve import Op, evolve
from daemon.memory.forgotten import as_fact, is_kept_out, marks_of
from daemon.memory.observe import Observation
from store import forgotten_facts, proposals
from store.database import Connection


async def propose(core: Core, observation: Observation) -> bool:
    """Let an observation wait; False where it waits, is held or was refused already, or tells what was forgotten."""
    (said,) = await core.embedder.embed([observation.text])
    statement = as_fact(observation.text, said, (await core.embedder.info()).id)

    def work(db: Connection) -> int | None:
        if is_kept_out(db, statement, observation.sources, core.embedder.limits):
            return None
        return proposals.put(
            db,
            observation.text,
            day=observation.day,
            told_on=observation.told_on,
            trust=observation.trust,
            kind=observation.kind,
            sources=observation.sources,
            at=datetime.now(UTC),
        )

    return await core.store_thread.run(work) is not None


async def accept(core: Core, number: int, *, way: str) -> Op:
    """
    Make a memory of what waits; it waits no more. What tells what was forgotten becomes none (`by`: "forgotten").

    Raises:
        NotFound: it does not wait.
        what `evolve` raises; it waits still.
    """
    one = await core.store_thread.run(proposals.get, number)
    observation = Observation(
        text=one.text,
        day=one.day,
        told_on=one.told_on,
        sources=one.sources,
        trust=one.trust,
        kind=one.kind,
        read=one.sources,
    )
    op = await evolve(core, observation, way=way)
    await core.store_thread.run(proposals.drop, [number])
    return op


async def drop_forgotten(core: Core) -> None:
    """Drop the proposals that tell what was forgotten, in whatever words."""
    every = await core.store_thread.run(proposals.every)
    if not every or not await core.store_thread.run(forgotten_facts.any_kept):
        return
    facts = await marks_of(core.embedder, [one.text for one in every])

    def work(db: Connection) -> None:
        pairs = zip(every, facts, strict=True)
        limits = core.embedder.limits
        proposals.drop(db, [one.id for one, fact in pairs if is_kept_out(db, fact, one.sources, limits)])

    await core.store_thread.run(work)
