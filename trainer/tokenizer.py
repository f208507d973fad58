"""
The tokenizer inside a GGUF, giving the very tokens that llama.cpp gives.

Promises: text never becomes a control token (such as <|im_end|>) unless the caller says that it may.
Knows nothing of chats: `chat.py` decides which text is the template's own.
"""

import re
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, pre_tokenizers
from tokenizers.models import BPE

from trainer.errors import ModelDamaged, UnsupportedModel
from trainer.gguf_model import Vocabulary

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
            raise UnsupportedModel(path, f"the pre-tokenizer {vocabulary.splitter!r}", ", ".join(SPLITTERS))
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
        raise ModelDamaged(path, f"its merge {merge!r} is of no tokens")
    return left, right
