"""
Take out of a reply what was not said to the user: thoughts, tool output and citation marks inside its text.

Promises: time grows with the length of the text only; a block that is never closed stays as it is.
Knows nothing of files.
"""

import re
from collections import Counter

from daemon.inbox.formats.skipped import THOUGHTS, TOOLS

_DETAILS = {
    '<details type="reasoning"': THOUGHTS,
    '<details type="tool_calls"': TOOLS,
    '<details type="code_interpreter"': TOOLS,
}
_CITATION = re.compile("\ue200(?:file)?cite[^\ue200\ue201]{0,500}\ue201")  # private-use characters


def without_thoughts(text: str, left_out: Counter[str]) -> str:
    """`text` without the <think> block that it begins with."""
    begins = text.lstrip()
    end = begins.find("</think>")
    if not begins.startswith("<think>") or end < 0:
        return text
    left_out[THOUGHTS] += 1
    return begins[end + len("</think>") :].lstrip()


def without_details(text: str, left_out: Counter[str]) -> str:
    """`text` without the <details> blocks in which Open WebUI keeps thoughts and tool output."""
    kept, at = [], 0
    while (begin := text.find("<details type=", at)) >= 0 and (end := text.find("</details>", begin)) >= 0:
        reason = next((why for mark, why in _DETAILS.items() if text.startswith(mark, begin)), None)
        end += len("</details>")
        kept.append(text[at : begin if reason else end])
        if reason:
            left_out[reason] += 1
        at = end
    return "".join([*kept, text[at:]]).strip() if at else text


def without_citations(text: str) -> str:
    """`text` without the marks that ChatGPT's page turns into links."""
    return _CITATION.sub("", text)
