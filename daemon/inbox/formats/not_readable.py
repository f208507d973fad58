"""
Call by its name what is known and can't be read: which program made it, and what to export in its place.
"""

_KNOWN = (  # what stands near the beginning; what it is, and what to do
    (
        "<title>chatgpt data export",
        "it is ChatGPT's chat.html; drop the conversations.json beside it, or the ZIP",
    ),
    ("my activity</title>", "it is Google's activity as a page; ask Takeout for JSON in place of HTML"),
    ("meine aktivitäten</title>", "it is Google's activity as a page; ask Takeout for JSON in place of HTML"),
    ("<!doctype html", "it is a page; save the chat as JSON or Markdown in the program that shows it"),
    ("<html", "it is a page; save the chat as JSON or Markdown in the program that shows it"),
    ("%pdf-", "it is a PDF; save the chat as JSON or Markdown in the program that shows it"),
)


def name_of(text: str) -> str | None:
    """What this text is, and what to drop in its place; None where nobody knows."""
    begins = text[:4_000].lower()
    return next((what for mark, what in _KNOWN if mark in begins), None)


def name_of_database(tables: set[str]) -> str | None:
    """The same for a database with these tables."""
    if tables & {"ItemTable", "cursorDiskKV"}:
        return "it is the state of Cursor or VS Code; export the chat from its window as Markdown"
    if {"message", "chat", "handle"} <= tables:
        return "it is the database of Apple's Messages, which is not read"
    if {"webui", "chat", "user"} & tables == {"chat", "user"}:
        return "it is the database of Open WebUI; export the chats in its settings as JSON"
    return None
