"""The system turn that carries recalled memories to the model, and the way back from such a turn to its lines."""

from prompts.load import load


def system_text(lines: list[str]) -> str | None:
    """The system turn that tells the model `lines`; None for no lines: no turn at all."""
    return "\n- ".join([load("recall"), *lines]) if lines else None


def told_lines(system: str) -> list[str]:
    """The lines that a system turn of `system_text` tells."""
    return system.split("\n- ")[1:]
