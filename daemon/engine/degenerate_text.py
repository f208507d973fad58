"""
Degenerate text: whether an answer is speech at all. It says nothing of whether the answer is right.
"""

from daemon.engine.records import Completion

MOST_SURPRISE = (
    2.0  # mean nats per token of what it chose itself; fluent text is below 1, noise at 4 and more
)
CIRCLES = 4  # the same words so often, one time directly after the other, are a loop
LONGEST_CIRCLE = 8  # words
MARKS = ("<|", "|>", "\ufffd")  # of control tokens, and of bytes that are no text


def is_sane(answer: Completion) -> bool:
    """Whether a model that is well could have said this: speech that comes to its end."""
    return answer.finish == "stop" and is_speech(answer)


def is_speech(answer: Completion) -> bool:
    """Whether a model that is whole could have said this; it need not be at its end, nor right."""
    text = answer.text.strip()
    return (
        bool(text)
        and not is_circling(text)
        and not any(mark in text for mark in MARKS)
        and answer.surprise(0, len(answer.text)) <= MOST_SURPRISE
    )


def is_circling(text: str) -> bool:
    """Whether some words, or one letter, come again and again without anything between them."""
    if any(letter * 12 in text for letter in set(text) if letter.isalpha()):
        return True
    words = text.casefold().split()
    for length in range(1, LONGEST_CIRCLE + 1):
        same = 0  # words in a row that equal the one `length` words before
        for place in range(length, len(words)):
            same = same + 1 if words[place] == words[place - length] else 0
            if same >= length * (CIRCLES - 1):
                return True
    return False
