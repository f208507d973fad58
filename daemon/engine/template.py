"""
Write a chat the way the model was taught, from the Jinja template in its file.

No message can end its own turn or open another: where a text contains one of the model's control
tokens (as in "<|im_end|>"), that part is marked as plain and never becomes the token. The template runs in a sandbox.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from daemon.engine.errors import TemplateRefused

CHATML = (  # for a model without a template of its own
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SAID = "Tsubasa"  # as a reply, where one is needed to see what stands around it


class Segment(NamedTuple):
    """A part of the prompt; in a plain one nothing is a control token."""

    text: str
    plain: bool


class ChatTemplate:
    """
    A compiled chat template.

    Args:
        source: Jinja, as in the GGUF key `tokenizer.chat_template`.
        control: texts of all control tokens of the vocabulary.
        bos, eos: texts of the tokens that begin and end a text, "" for none.

    Raises `TemplateRefused` when it does not compile.
    """

    def __init__(self, source: str, *, control: Sequence[str], bos: str, eos: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals.update(raise_exception=_raise, strftime_now=_now, bos_token=bos, eos_token=eos)
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise TemplateRefused(reason=f"it does not compile: {error}") from error
        self._control = any_of(control)

    def render(self, messages: Sequence[Mapping[str, Any]]) -> list[Segment]:
        """The prompt up to where the reply begins, cut where it goes from template to plain and back."""
        hidden: list[str] = []
        nonce = secrets.token_hex(8)
        safe = _mapped(list(messages), lambda text: self._hide(text, hidden, nonce))
        text = self._written(safe, add_generation_prompt=True)
        return _segments(text, hidden, nonce)

    def behind_reply(self) -> str:
        """What is written behind a reply. Raises `TemplateRefused`."""
        chat = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": SAID}]
        return self._written(chat, add_generation_prompt=False).rpartition(SAID)[2]

    def _written(self, messages: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool) -> str:
        try:
            return self._template.render(
                messages=messages, add_generation_prompt=add_generation_prompt, enable_thinking=False
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise TemplateRefused(reason=str(error) or type(error).__name__) from error

    def _hide(self, text: str, hidden: list[str], nonce: str) -> str:
        """`text` with each control token's text replaced by a mark that nobody can guess."""

        def mark(match: re.Match[str]) -> str:
            hidden.append(match.group())
            return f"[{nonce}:{len(hidden) - 1}]"

        return self._control.sub(mark, text)


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these texts, the longest at a place; nothing where there are none."""
    longest_first = sorted(filter(None, texts), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _segments(text: str, hidden: list[str], nonce: str) -> list[Segment]:
    parts = re.split(rf"\[{nonce}:(\d+)\]", text)
    segments = []
    for index, part in enumerate(parts):
        plain = index % 2 == 1  # re.split puts the numbers of the marks between the texts
        if part:
            segments.append(Segment(hidden[int(part)] if plain else part, plain))
    return segments


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_mapped(item, change) for item in value]
    return value


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)  # Jinja's own escapes < and > for HTML


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
