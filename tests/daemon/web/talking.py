"""
Talking in the room of the chat, as a person does.
"""

from playwright.sync_api import Page, expect


def ask(page: Page, question: str) -> None:
    """Type a question and send it."""
    page.fill(".composer-field", question)
    page.keyboard.press("Enter")


def answered(page: Page, question: str = "Where do I live?") -> None:
    """Ask, and wait for the whole answer."""
    ask(page, question)
    expect(page.locator(".turn.assistant").last).to_have_attribute("aria-busy", "false")
