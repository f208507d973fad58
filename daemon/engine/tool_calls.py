"""
Calls of tools in a reply: the form in which a template writes them, and reading them while the reply streams.

    <tool_call> {"name": "read", "arguments": {…}} </tool_call>     Hermes, Qwen        object
    [TOOL_CALLS] [{"name": "read", "arguments": {…}}]               Mistral             object, in a list
    {"name": "read", "parameters": {…}}                             Llama               object, bare
    [TOOL_CALLS] read [ARGS] {…}                                    newer Mistral       named
    <tool_call> <function=read> <parameter=path> … </tool_call>     newer Qwen          xml
"""

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from daemon.engine.records import ToolCall

NAME, KEY, VALUE = "q1xname", "q2xkey", "q3xvalue"  # no template has these of its own
SAID = "q4xsaid9"
_TAG = "<|python_tag|>"  # before a call of Llama's
_BEGINS_BARE = re.compile(r'[\s;]*(\{\s*("(n|na|nam|name|t|ty|typ|type)?"?\s*)?)?')
_ANY_BARE = re.compile(r'[\s;]*\{\s*"(?:name|type)"\s*:')
_NAMED_BARE = re.compile(r'\s*\{\s*"name"\s*:\s*"([^"]*)"')
_PARAMETER = re.compile(r"<parameter=([^>\s]+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_FUNCTION = re.compile(r"\s*<function=([^>\s]+)>(.*)", re.DOTALL)
_HALF_MARK = re.compile(r"[<\[][|/\w▁]*\Z")
_DECODER = json.JSONDecoder()

Written = Callable[[list[dict[str, Any]]], str]  # turns -> what the template writes; "" when it refuses them


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForm:
    """How one model writes a call."""

    opening: str  # "": nothing stands before the object
    closing: str
    style: Literal["object", "named", "xml"] = "object"
    listed: bool = False  # objects stand in a list
    name_key: str = "name"
    arguments_key: str = "arguments"
    separator: str = ""  # of "named": between name and arguments


HERMES = CallForm(opening="<tool_call>", closing="</tool_call>")  # most models have met it


def form_of(write: Written) -> CallForm | None:
    """The form of a template's calls; None when it writes none, or in a form that is not known."""
    asked = {"role": "user", "content": "q5xuser"}
    call = {"name": NAME, "arguments": {KEY: VALUE}}
    calls = [{"id": "q6xcallid"[:9], "type": "function", "function": call}]
    plain = write([asked, {"role": "assistant", "content": SAID}])
    called = write([asked, {"role": "assistant", "content": "", "tool_calls": calls}])
    if not plain or NAME not in called:
        return None
    start = len(_HALF_MARK.sub("", os.path.commonprefix([plain, called])))
    rest = called[start:]
    end = len(os.path.commonprefix([plain[::-1], rest[::-1]]))
    core = _HALF_MARK.sub("", rest[: len(rest) - end])
    return _object_form(core) or _xml_form(core) or _named_form(core)


def _object_form(core: str) -> CallForm | None:
    for match in re.finditer(r"\{", core):
        try:
            found, end = _DECODER.raw_decode(core, match.start())
        except ValueError:
            continue
        names = [key for key, value in found.items() if value == NAME]
        arguments = [key for key, value in found.items() if value == {KEY: VALUE}]
        if not names or not arguments:
            continue
        opening, closing = core[: match.start()].strip(), core[end:].strip()
        listed = opening.endswith("[") and closing.startswith("]")
        if listed:
            opening, closing = opening[:-1].rstrip(), closing[1:].lstrip()
        return CallForm(
            opening=opening, closing=closing, listed=listed, name_key=names[0], arguments_key=arguments[0]
        )
    return None


def _xml_form(core: str) -> CallForm | None:
    before, begins, behind = core.partition(f"<function={NAME}>")
    if not begins or f"<parameter={KEY}>" not in behind:
        return None
    return CallForm(opening=before.strip(), closing=behind.partition("</function>")[2].strip(), style="xml")


def _named_form(core: str) -> CallForm | None:
    before, _, behind = core.partition(NAME)
    at = behind.find("{")
    try:
        found, end = _DECODER.raw_decode(behind, at)
    except ValueError:
        return None
    if found != {KEY: VALUE} or not before.strip():
        return None
    separator = re.sub(r"\[CALL_ID\][A-Za-z0-9]*", "", behind[:at])  # the model writes none
    return CallForm(
        opening=before.strip(), closing=behind[end:].strip(), style="named", separator=separator.strip()
    )


def marks(form: CallForm | None) -> str:
    """What stands around calls, so that control tokens in it are shown; nothing for None."""
    return "" if form is None else f"{form.opening} {form.separator} {form.closing} <|python_tag|>"


class CallReader:
    """
    The answer as it comes in, told apart: text, and whole calls.

    What looks like a call and can't be read as one is text, so that nothing the model said is lost. A bare object that
    names one of the tools at the beginning of an answer is a call in any form: small models forget the marks.
    """

    def __init__(self, form: CallForm, tools: Sequence[Mapping[str, Any]]) -> None:
        """`tools`: those on offer, as OpenAI writes them."""
        self._form = form
        self._schemas = {str(tool["function"]["name"]): tool["function"].get("parameters") for tool in tools}
        self._held = ""  # behind the opening, or what may be one
        self._space = ""  # after a text: shown before the next one, not before a call
        self._state: Literal["text", "marked", "bare"] = "text"
        self._fresh = True  # no text was shown yet
        self._has_called = False

    @property
    def begun(self) -> str | None:
        """What there is of the present call behind its opening; None outside of what is one for certain."""
        if self._state == "bare":
            named = _NAMED_BARE.match(self._held)
            return self._held if named and named[1] in self._schemas and not self._form.opening else None
        return None if self._state == "text" else self._held

    def push(self, text: str) -> tuple[str, list[ToolCall]]:
        """What may be shown after this text, and the calls that it completed."""
        self._held += text
        shown, calls = "", list[ToolCall]()
        while True:
            if self._state == "text":
                shown += self._text()
            if self._state == "text":
                return shown, calls
            found = self._complete(final=False)
            if found is None:
                return shown, calls
            calls += found

    def rest(self) -> tuple[str, list[ToolCall]]:
        """The same at the end of the reply: a call without its closing counts, what is none is text."""
        held, state = self._held, self._state
        found = self._complete(final=True) if state != "text" else None
        if found:
            return "", found
        self._held = ""
        if state == "text" and self._has_called and self._form.opening.startswith(held):
            return "", []  # the reply was cut off in the mark of one more call
        opening = self._form.opening if state == "marked" else ""
        return self._shown(opening + held), []

    def _text(self) -> str:
        """What is text for certain; goes on to the call where one begins."""
        held, opening = self._held, self._form.opening
        if self._fresh:
            begun = held.lstrip().removeprefix(_TAG)
            if _ANY_BARE.match(begun):
                self._state = "bare"
                return ""
            if _BEGINS_BARE.fullmatch(begun) or _TAG.startswith(begun):
                return ""
        at = held.find(opening) if opening else -1
        if at >= 0:
            self._state, self._held = "marked", held[at + len(opening) :]
            return self._shown(held[:at], before_call=True)
        keep = next(
            (n for n in range(min(len(opening) - 1, len(held)), 0, -1) if opening.startswith(held[-n:])), 0
        )
        self._held = held[len(held) - keep :]
        return self._shown(held[: len(held) - keep])

    def _shown(self, text: str, *, before_call: bool = False) -> str:
        text = self._space + text
        body = text.rstrip()
        self._space = "" if before_call else text[len(body) :]
        self._fresh = self._fresh and not body
        return body

    def _complete(self, *, final: bool) -> list[ToolCall] | None:
        """The calls of the present opening, once they are whole; None before."""
        if self._state == "bare":
            found, end = self._bare()
        else:
            found, end = self._marked(final=final)
        if found is None:
            return None
        self._held, self._has_called = self._held[end:].lstrip(), True
        self._fresh, self._space = self._state == "bare", ""  # more of them may follow
        self._state = "text"
        return found

    def _bare(self) -> tuple[list[ToolCall] | None, int]:
        start = self._held.find("{")
        try:
            value, end = _DECODER.raw_decode(self._held, start)
        except ValueError:
            return None, 0
        call = self._call(value)
        if call is None or call.name not in self._schemas:
            self._state, self._fresh = "text", False
            return None, 0
        return [call], end

    def _marked(self, *, final: bool) -> tuple[list[ToolCall] | None, int]:
        closing, held = self._form.closing, self._held
        if closing and not final:
            at = held.find(closing)
            while at >= 0:
                if (found := self._read(held[:at])) is not None:
                    return found[0], at + len(closing)
                at = held.find(closing, at + 1)
            return None, 0
        ends = held.rstrip().endswith(("]" if self._form.listed else "}", ">"))
        found = self._read(held) if final or ends else None
        return (None, 0) if found is None else found

    def _read(self, body: str) -> tuple[list[ToolCall], int] | None:
        """The calls in what stands behind an opening, and where they end; None when they can't be read (yet)."""
        try:
            if self._form.style == "xml":
                return self._xml(body)
            start = re.search(r"[\[{]" if self._form.style == "object" else r"\{", body)
            if start is None:
                return None
            value, end = _DECODER.raw_decode(body, start.start())
        except ValueError:
            return None
        if self._form.style == "named":
            name = re.match(r"\s*([^\s\[({<]+)", body)
            return None if name is None else ([_made(name[1], value)], end)
        calls = [self._call(one) for one in (value if isinstance(value, list) else [value])]
        whole = [call for call in calls if call is not None]
        return (whole, end) if whole and len(whole) == len(calls) else None

    def _call(self, value: Any) -> ToolCall | None:
        if not isinstance(value, dict):
            return None
        value = value["function"] if isinstance(value.get("function"), dict) else value
        name = value.get(self._form.name_key, value.get("name"))
        keys = (self._form.arguments_key, "arguments", "parameters")
        arguments: Any = next((value[key] for key in keys if key in value), {})
        return _made(name, arguments) if isinstance(name, str) else None

    def _xml(self, body: str) -> tuple[list[ToolCall], int] | None:
        calls, at = list[ToolCall](), 0
        for part in re.finditer(r".*?</function>", body, re.DOTALL):
            found = _FUNCTION.match(part.group())
            if found is None:
                return None
            name, at = found[1], part.end()
            known = (self._schemas.get(name) or {}).get("properties") or {}
            pairs = _PARAMETER.findall(found[2])
            calls.append(_made(name, {key: _typed(value, known.get(key)) for key, value in pairs}))
        return (calls, at) if calls else None


def _typed(text: str, schema: Any) -> Any:
    """A parameter in XML has no type of its own."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if kind == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _made(name: str, arguments: Any) -> ToolCall:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {"input": arguments}
    written = json.dumps(arguments if arguments is not None else {}, ensure_ascii=False)
    return ToolCall(id=f"call_{secrets.token_hex(12)}", name=name, arguments=written)
