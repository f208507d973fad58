"""
One line: texts that will stand in a list beside a question, where a line break would begin an entry of its own.

Knows nothing of what the texts say.
"""

from store.database import storable


def one_line(text: str) -> str:
    """`text` as the file can hold it, each run of white space in it a single space."""
    return " ".join(storable(text).split())
