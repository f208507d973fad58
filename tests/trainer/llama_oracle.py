"""What llama.cpp itself makes of a model file, an adapter file, a text: the oracle of the parity tests."""

import ctypes
from pathlib import Path
from types import TracebackType

import llama_cpp
import numpy as np


@llama_cpp.llama_log_callback
def _silent(level: int, text: bytes, user_data: ctypes.c_void_p) -> None:
    pass


class LlamaOracle:
    """One model in llama.cpp, on the CPU, in one thread."""

    def __init__(self, path: Path) -> None:
        llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        assert self.model, f"llama.cpp refuses {path}"
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)

    def __enter__(self) -> "LlamaOracle":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        llama_cpp.llama_model_free(self.model)

    def tokens(self, text: str, *, controls: bool = True) -> list[int]:
        """Tokens of `text`; `controls`: <|im_end|> and its like become control tokens."""
        raw = text.encode()
        found = (llama_cpp.llama_token * (len(raw) + 8))()
        count = llama_cpp.llama_tokenize(self.vocabulary, raw, len(raw), found, len(found), False, controls)
        return list(found[:count])

    def logits(self, tokens: list[int], adapter: Path | None = None) -> np.ndarray:
        """(T, V) logits after each token."""
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
        parameters.n_threads = parameters.n_threads_batch = 1
        parameters.type_k = parameters.type_v = 0  # float32: a cache in float16 would hide small errors
        parameters.flash_attn_type = 0
        context = llama_cpp.llama_init_from_model(self.model, parameters)
        lora = None
        if adapter is not None:
            lora = llama_cpp.llama_adapter_lora_init(self.model, str(adapter).encode())
            assert lora, f"llama.cpp refuses {adapter}"
            adapters = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(lora)
            assert llama_cpp.llama_set_adapters_lora(context, adapters, 1, (ctypes.c_float * 1)(1.0)) == 0
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at], batch.logits[at] = token, at, 1
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
        assert llama_cpp.llama_decode(context, batch) == 0
        size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)
        rows = [llama_cpp.llama_get_logits_ith(context, at)[:size] for at in range(len(tokens))]
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(context)
        return np.array(rows, np.float32)


def quantise(source: Path, out: Path, kind: int) -> Path:
    """The model file in another llama.cpp file type, such as `llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M`."""
    llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = kind, 1
    assert llama_cpp.llama_model_quantize(str(source).encode(), str(out).encode(), parameters) == 0
    return out
