"""
Telemetry of libraries, switched off: none of them may tell anybody that, or how, it is used.

Each program of ours begins with `switch_off`, before it loads a library, whatever the user's environment says; children
are given the same (`processes/process.py`). That nothing would get out is `outbound_guard.py`'s part: here nothing is
even tried, kept or queued, also in the two processes that may use the network (a download, an embedder's first start).
"""

import os

OFF = {
    "DO_NOT_TRACK": "1",  # what several libraries have agreed upon
    "DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, and transformers and sentence-transformers through it
    "OTEL_SDK_DISABLED": "true",  # FastAPI and mcp speak OpenTelemetry to whatever SDK the user has installed
}


def switch_off() -> None:
    """For this process, and all that it starts."""
    os.environ.update(OFF)
