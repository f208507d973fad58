"""What can go wrong while lessons are made."""

from daemon.memory.errors import MemoryWorkError


class NothingAsked(MemoryWorkError):
    """No question about a memory survived the filters."""

    def __init__(self, memory_id: int, line: str, why: str = "") -> None:
        self.why = why
        super().__init__(
            f"The model found no usable question about memory {memory_id} ({line!r}){f': {why}' if why else ''}. "
            f"It can still be recalled; reword it, or try a larger model, to have it learned."
        )
