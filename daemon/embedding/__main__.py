"""The embedder's process, as the daemon starts it: python -m daemon.embedding --fd N --parent PID."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.processes.framing import Frame
from daemon.processes.worker_link import ParentLink, open_link

if TYPE_CHECKING:
    from daemon.embedding.model import Model

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}  # more would spin beside other work


def main() -> None:
    """Load what the handshake names, then embed until the daemon ends."""
    link = open_link()
    hello = link.next(wait=True)
    if hello is None:
        return
    os.environ.update(ONE_THREAD)  # read when numpy is loaded
    from daemon.embedding.model import EmbedderError

    try:
        model = _loaded(hello)
    except EmbedderError as error:
        link.refuse(0, error)
        return
    link.reply(0, kind="ready", embedder=model.name, dimension=model.dimension, longest=model.longest)
    while (frame := link.next(wait=True)) is not None:
        _obey(link, model, frame)


def _loaded(hello: Frame) -> "Model":
    from daemon.embedding.model import Model, bundled_folder

    fields = hello.header
    bundled = Path(fields["bundled"]) if fields.get("bundled") else bundled_folder()
    return Model(
        fields["name"], allow_download=fields["allow_download"], threads=fields["threads"], bundled=bundled
    )


def _obey(link: ParentLink, model: "Model", frame: Frame) -> None:
    from daemon.embedding.model import EmbedderError

    number, op, texts = frame.header.get("id", -1), str(frame.header.get("op")), frame.header.get("texts")
    if op == "cancel":
        return
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        op = f"{op} without texts"
        texts = []
    if op == "count":
        link.reply(number, counts=model.count(texts))
    elif op == "embed":
        vectors = model.embed(texts, query=bool(frame.header.get("query")))
        link.reply(number, blob=vectors.astype("<f4").tobytes())
    else:
        why = f"The embedder can't understand the command {op!r}: only embed and count with texts are known. "
        link.refuse(number, EmbedderError(why + "Restart the daemon: two versions may be mixed."))


main()
