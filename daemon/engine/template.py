"""
Write a chat the way the model was taught, from the Jinja template in its file.

Nothing that a client gives, be it a message or a variable, can end a turn or open another: where a text contains one of
the model's control tokens (as in "<|im_end|>"), that part is marked as plain and never becomes the token. The template
runs in a sandbox.
"""

import json
import re
import secrets
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from daemon.engine.errors import TemplateRefused
from daemon.engine.fold_turns import STRICTEST, fold
from daemon.engine.records import AT_ONCE, Reasoning
from daemon.engine.template_traits import own_system, traits_of
from prompts.load import lays_memories

CHATML = (  # for a model without a template of its own
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
LONGEST = 1_000_000  # letters of a text that is repeated
SAID = "Tsubasa"  # as a reply, where one is needed to see what stands around it


class Segment(NamedTuple):
    """A part of the prompt; in a plain one nothing is a control token."""

    text: str
    plain: bool


class Prompt(NamedTuple):
    """A chat up to where the reply begins."""

    segments: list[Segment]
    thinks: bool = False  # the reply begins inside a thought


class ChatTemplate:
    """
    A compiled chat template.

    Args:
        source: Jinja, as in the GGUF key `tokenizer.chat_template`.
        control: texts of all control tokens of the vocabulary.
        bos, eos: texts of the tokens that begin and end a text, "" for none.
        patience_s: seconds that it may take to write one chat.

    Raises `TemplateRefused` when it does not compile, or takes no chat at all.
    """

    def __init__(
        self, source: str, *, control: Sequence[str], bos: str, eos: str, patience_s: float = 5.0
    ) -> None:
        sandbox = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation])
        sandbox.filters["tojson"] = _to_json
        sandbox.globals.update(raise_exception=_raise, strftime_now=_now, bos_token=bos, eos_token=eos)
        self._patience_s = patience_s
        with _in_time(patience_s):
            try:
                self._template = sandbox.from_string(source)
            except (jinja2.TemplateError, RecursionError) as error:
                raise TemplateRefused(
                    reason=f"it does not compile: {error or 'nested too deeply'}"
                ) from error
        self._control = any_of(control)
        chat = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": SAID}]
        _, said, behind = self._written(chat, add_generation_prompt=False).rpartition(SAID)
        self.behind_reply = behind if said else ""
        self.traits = traits_of(source, self._written)
        self._own = date.today(), own_system(self._written)  # it may name the day

    def write(
        self,
        messages: Sequence[Mapping[str, Any]],
        reasoning: Reasoning = AT_ONCE,
        *,
        go_on: bool = False,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> Prompt:
        """
        The prompt, cut where it goes from template to plain and back.

        Args:
            go_on: a last turn of the assistant is the beginning of the reply, so that no thought comes before it.
            tools: on offer, as OpenAI writes them; a template that knows none leaves them out.

        Raises `TemplateRefused`.
        """
        if not all(isinstance(message.get("content", ""), str) for message in messages):
            raise TemplateRefused(reason="a turn has no text")
        begun = (
            str(messages[-1].get("content", "")) if go_on and messages[-1]["role"] == "assistant" else None
        )
        hidden: list[str] = []
        nonce = secrets.token_hex(8)
        turns = messages if begun is None else messages[:-1]
        safe = _mapped(list(turns), lambda text: self._hide(text, hidden, nonce))
        traits = self.traits
        asked = traits.thinking == "always" if reasoning.thinks is None else reasoning.thinks
        thinks = begun is None and asked
        effort = (reasoning.effort if traits.knows_effort else None) or ""
        known: dict[str, Any] = {"reasoning_effort": self._hide(effort, hidden, nonce)} if effort else {}
        if tools:
            known["tools"] = _mapped(list(tools), lambda text: self._hide(text, hidden, nonce))
        text = self._folded(safe, **_thinking(thinks), **known)
        inside = traits.tags is not None and text.rstrip().endswith(traits.tags.opening)
        if inside and traits.tags is not None and not thinks:
            text = f"{text.rstrip()}\n\n{traits.tags.closing}\n\n"
        segments = _segments(text, hidden, nonce)
        return Prompt([*segments, Segment(begun, True)] if begun else segments, inside and thinks)

    def _folded(self, messages: Sequence[Mapping[str, Any]], **variables: Any) -> str:
        """What is written of turns that the template takes; should it refuse them too, of the plainest."""
        messages = self._in_its_own_voice(messages)
        try:
            return self._written(fold(messages, self.traits.rules), **variables)
        except TemplateRefused:
            if self.traits.rules == STRICTEST:
                raise
            try:
                return self._written(fold(messages, STRICTEST), **variables)
            except TemplateRefused:
                pass  # the first reason says more
            raise

    def _in_its_own_voice(self, messages: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """
        `messages`, behind the template's own system text where memories would stand in its place.

        That text says what the model is; without it even questions about the world are answered worse.
        """
        first = messages[0] if len(messages) > 1 else {}
        if first.get("role") != "system" or not lays_memories(str(first["content"])):
            return messages
        if self._own[0] != date.today():
            self._own = date.today(), own_system(self._written)
        _, own = self._own
        return [{"role": "system", "content": own}, *messages] if own else messages

    def _written(self, messages: Sequence[Mapping[str, Any]], **variables: Any) -> str:
        known = {"add_generation_prompt": True, **_thinking(False), **variables}
        with _in_time(self._patience_s):
            try:
                return self._template.render(messages=messages, **known)
            except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError) as error:
                raise TemplateRefused(reason=_one_line(error)) from error
            except (AttributeError, ValueError, RecursionError, MemoryError) as error:
                raise TemplateRefused(reason=_one_line(error)) from error

    def _hide(self, text: str, hidden: list[str], nonce: str) -> str:
        """`text` with each control token's text replaced by a mark that nobody can guess."""

        def mark(match: re.Match[str]) -> str:
            hidden.append(match.group())
            return f"[{nonce}:{len(hidden) - 1}]"

        return self._control.sub(mark, text)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja, in which nothing grows out of hand."""

    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """The product of numbers, or a text a few times; no powers."""
        for text, times in ((left, right), (right, left)):
            if (
                isinstance(text, str | list | tuple)
                and isinstance(times, int)
                and len(text) * times > LONGEST
            ):
                raise SecurityError("a text is repeated too often")
        if operator == "**":
            raise SecurityError("it computes powers")
        return super().call_binop(context, operator, left, right)


class _Generation(Extension):
    """`{% generation %}`, by which trainers find the words of the assistant: written as if it were not there."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """What stands inside."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


@contextmanager
def _in_time(patience_s: float) -> Iterator[None]:
    """Inside, a template that does not come to an end is refused."""

    def stop(*_: object) -> NoReturn:
        raise TemplateRefused(reason=f"it is not done after {patience_s:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, patience_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _thinking(thinks: bool) -> dict[str, bool]:
    """The names that templates have for it."""
    return {"enable_thinking": thinks, "thinking": thinks}


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


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
        return {change(str(key)): _mapped(item, change) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_mapped(item, change) for item in value]
    return value


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)  # Jinja's own escapes < and > for HTML


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
