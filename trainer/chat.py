"""
Chats as tokens: the model file's own chat template, rendered in a sandbox, then its own tokenizer.

Only the template makes control tokens. A turn that contains the text "<|im_end|>" is spelled out letter by letter, so
that nobody can end their turn early or speak in another's role. The tokens are the very ones that llama.cpp gives.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from gguf import GGUFReader
from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Regex, Tokenizer, pre_tokenizers
from tokenizers.models import BPE

from trainer.errors import model_damaged, model_unsupported, one_line, template_failed
from trainer.gguf_model import GgufModel

PRIVATE_USE = range(0xE000, 0xF900)  # meaningless characters; one that no turn uses marks what must stay text


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The tokenizer and the chat template as they stand in the file."""

    tokens: tuple[str, ...]
    types: tuple[int, ...]  # GGUF token types: 1 normal, 3 control, 4 user defined, ...
    merges: tuple[str, ...]
    splitter: str  # tokenizer.ggml.pre
    end: int  # the token that ends a turn
    template: str | None


def read_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of the model at `path`, which was opened before."""
    keys = {
        name: field.contents() for name, field in GGUFReader(path).fields.items() if name.startswith("tok")
    }
    model = keys["tokenizer.ggml.model"]
    if model != "gpt2":
        raise model_unsupported(path, f"a {model!r} tokenizer", "'gpt2' (byte-level BPE)")
    tokens, merges = keys["tokenizer.ggml.tokens"], keys["tokenizer.ggml.merges"]
    types = keys.get("tokenizer.ggml.token_type", [1] * len(tokens))
    end = tokens.index("<|im_end|>") if "<|im_end|>" in tokens else int(keys["tokenizer.ggml.eos_token_id"])
    return Vocabulary(
        tokens=tuple(tokens),
        types=tuple(int(each) for each in types),
        merges=tuple(merges),
        splitter=str(keys.get("tokenizer.ggml.pre", "default")),
        end=end,
        template=keys.get("tokenizer.chat_template"),
    )


class Chat:
    """How one model writes chats."""

    def __init__(self, model: GgufModel) -> None:
        self._path = model.path
        vocabulary = read_vocabulary(model.path)
        self._end = vocabulary.end
        self._tokenizer = TextTokenizer(model.path, vocabulary)
        self._template = _compile(model.path, vocabulary)

    def prompt(self, turns: Sequence[Mapping[str, str]]) -> list[int]:
        """
        Tokens of a chat up to where the assistant's answer begins.

        Args:
            turns: each {"role": "system" | "user" | "assistant", "content": text}.
        Raises:
            TrainerError: the template refuses these turns.
        """
        used = set().union(*(turn["content"] for turn in turns))
        mark = next(chr(code) for code in PRIVATE_USE if chr(code) not in used)
        marked = [{**turn, "content": self._mark(turn["content"], mark)} for turn in turns]
        try:
            text = self._template.render(messages=marked, add_generation_prompt=True, enable_thinking=False)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise template_failed(self._path, one_line(error)) from error
        return self._tokens(text, mark)

    def answer(self, text: str) -> list[int]:
        """Tokens of an answer and of the end of its turn."""
        return [*self._tokenizer.encode(text), self._end]

    def _mark(self, text: str, mark: str) -> str:
        return self._tokenizer.control.sub(lambda found: found[0][0] + mark + found[0][1:], text)

    def _tokens(self, text: str, mark: str) -> list[int]:
        tokens: list[int] = []
        start = 0
        for found in self._tokenizer.control.finditer(text):
            tokens += self._tokenizer.encode(text[start : found.start()].replace(mark, ""))
            tokens.append(self._tokenizer.control_id(found[0]))
            start = found.end()
        return tokens + self._tokenizer.encode(text[start:].replace(mark, ""))


def _compile(path: Path, vocabulary: Vocabulary) -> Template:
    if not vocabulary.template:
        raise template_failed(path, "there is none")
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.globals["eos_token"] = vocabulary.tokens[vocabulary.end]
    environment.globals["bos_token"] = ""
    try:
        return environment.from_string(vocabulary.template)
    except TemplateError as error:
        raise template_failed(path, one_line(error)) from error


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


CONTROL, USER_DEFINED = 3, 4  # GGUF token types
SPLITTERS = {  # Source: llama.cpp, src/llama-vocab.cpp, by the name in tokenizer.ggml.pre
    "gpt-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "qwen2": (
        r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}


class TextTokenizer:
    """Text to tokens; `controls` are the texts of the control tokens, longest first."""

    def __init__(self, path: Path, vocabulary: Vocabulary) -> None:
        if vocabulary.splitter not in SPLITTERS:
            raise model_unsupported(path, f"the pre-tokenizer {vocabulary.splitter!r}", ", ".join(SPLITTERS))
        ids = {text: number for number, text in enumerate(vocabulary.tokens)}
        merges = [_pair(path, merge, ids) for merge in vocabulary.merges]
        self._bpe = Tokenizer(BPE(vocab=ids, merges=merges))
        self._bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(SPLITTERS[vocabulary.splitter]), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        typed = list(zip(vocabulary.tokens, vocabulary.types, strict=True))
        self._bpe.add_tokens(
            [AddedToken(text, normalized=False) for text, kind in typed if kind == USER_DEFINED]
        )
        controls = sorted((text for text, kind in typed if kind == CONTROL and text), key=len, reverse=True)
        self._control_ids = {text: ids[text] for text in controls}
        self.control = re.compile("|".join(map(re.escape, controls)) or r"(?!)")

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text: what looks like a control token is spelled out."""
        return [int(token) for token in self._bpe.encode(text, add_special_tokens=False).ids]

    def control_id(self, text: str) -> int:
        """The control token whose text this is."""
        return self._control_ids[text]


def _pair(path: Path, merge: str, ids: dict[str, int]) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    if left not in ids or right not in ids or left + right not in ids:
        raise model_damaged(path, f"its merge {merge!r} is of no tokens")
    return left, right
