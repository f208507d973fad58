"""How requests for machine tasks begin: an instruction, and worked examples for models that need them."""

from daemon.engine.client import Engine
from prompts.load import task


async def instructions(engine: Engine, name: str) -> list[dict[str, str]]:
    """
    The turns that a request for the machine task `name` begins with; the caller adds the last user turn.

    Worked examples are for models that were not taught our tasks, as long as they leave half of the context free.
    """
    info = await engine.info()
    turns = task(name, taught=info.taught)
    if info.taught or await engine.count(turns) <= info.n_ctx // 2:
        return turns
    return turns[:1]
