"""What an empty chat says: a question, what could be asked, and how much is known by now."""

from collections.abc import Awaitable, Callable

from daemon.client.schemas.status import Status
from daemon.text import can_learn, counted
from daemon.web.chat.state import ChatState
from daemon.web.components import dom

IDEAS = ("What do you remember about me?", "What did I tell you last week?", "Help me plan tomorrow.")
SMALL = {  # models to try Tsubasa with: what each is
    "nano": "The bundled nano answers: a stand-in that knows nothing of the world.",
    "little": "little answers: a model of 135 million parameters, to try Tsubasa with. It errs often.",
}
FIRST_IDEAS = ("Let me tell you about myself.", "What can you do for me?", "Help me plan tomorrow.")


def greeting(state: ChatState, status: Status | None, ask: Callable[[str], Awaitable[None]]) -> None:
    """What an empty chat says: a question, what could be asked, and how much is known by now."""
    with dom.box("greeting"):
        if state.private:
            dom.text("Between us, and gone after.", "greeting-words")
            dom.text("Close this chat, and nobody can bring it back.", "soft")
            return
        dom.text("What is on your mind?", "greeting-words")
        if status is None:
            return
        for one in status["attention"]:
            dom.trouble(one["what"], one["do"])
        n_memories = status["held"]["memories"]
        with dom.box("ideas"):
            for idea in IDEAS if n_memories else FIRST_IDEAS:
                dom.button(idea, lambda idea=idea: ask(idea), classes="idea")
        with dom.box("facts soft"):
            dom.text(_known(n_memories, status["generation"]))
            if what := SMALL.get(status["model"]["name"]):
                _real_one(what)
            if why := status["model"]["cannot_learn"]:
                dom.text(f"The model {can_learn(why)}.")


def _real_one(what: str) -> None:
    """What answers, where that is no real model, and how to get one."""
    with dom.box("small-model"):
        dom.text(f"{what} For real use, take Qwen3-4B (2.5 GB): here under")
        dom.link("Settings", "/settings")
        dom.text("or in a terminal:")
        dom.command("tsubasa pull")


def _known(n_memories: int, generation: int) -> str:
    if not n_memories:
        return "Nothing is remembered yet. What you tell here stays on this machine."
    learned = f"generation {generation} answers" if generation else "nothing is trained yet"
    return f"{counted(n_memories, 'memory', 'memories')} held, {learned}. All of it stays on this machine."
