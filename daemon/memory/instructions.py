"""How requests for machine tasks begin: an instruction, and worked examples for models that need them."""

from daemon.engine.client import Engine
from prompts.load import task


async def instructions(engine: Engine, name: str, *, taught: bool | None = None) -> list[dict[str, str]]:
    """
    The turns that a request for the machine task `name` begins with; the caller adds the last user turn.

    Worked examples are for models that were not taught the task, as long as they leave half of the context free.

    Args:
        taught: the model was taught this task; None: where it was taught our tasks at all.
    """
    info = await engine.info()
    taught = info.taught if taught is None else taught
    turns = task(name, taught=taught)
    if taught or await engine.count(turns) <= info.n_ctx // 2:
        return turns
    return turns[:1]
