"""
llama.cpp's own server (package xllamacpp) in a process of its own: python -m bench.llama_server MODEL THREADS FLASH

FLASH is its flash attention: "auto", which is on wherever the processor allows it, or "off", as ours is on processors.
It says its address in a line, and ends with its standard input.
"""

import sys

import xllamacpp

CONTEXT = 8_192  # as ours by default
PLACES = 8  # answers at once
FLASH = {
    "auto": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "off": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


def main() -> None:
    """Serve until nobody is there any more."""
    model, threads, flash = sys.argv[1:]
    wanted = xllamacpp.CommonParams()
    wanted.model.path = model
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.n_ctx, wanted.n_parallel, wanted.kv_unified = CONTEXT, PLACES, True
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = int(threads)
    wanted.flash_attn_type = FLASH[flash]
    wanted.warmup, wanted.ui = True, False
    server = xllamacpp.Server(wanted)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
