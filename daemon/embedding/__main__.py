"""The embedder's process, as the daemon starts it: python -m daemon.embedding --fd N --parent PID."""

from pathlib import Path

from daemon.embedding.model import EmbedderError, Model, bundled_folder
from daemon.processes.framing import Frame
from daemon.processes.worker_link import ParentLink, open_link


def main() -> None:
    """Load what the handshake names, then embed until the daemon ends."""
    link = open_link()
    hello = link.next(wait=True)
    if hello is None:
        return
    try:
        model = _loaded(hello)
    except EmbedderError as error:
        link.refuse(0, error)
        return
    link.reply(0, kind="ready", embedder=model.name, dimension=model.dimension)
    while (frame := link.next(wait=True)) is not None:
        _obey(link, model, frame)


def _loaded(hello: Frame) -> Model:
    fields = hello.header
    bundled = Path(fields["bundled"]) if fields.get("bundled") else bundled_folder()
    return Model(
        fields["name"], allow_download=fields["allow_download"], threads=fields["threads"], bundled=bundled
    )


def _obey(link: ParentLink, model: Model, frame: Frame) -> None:
    number, op, texts = frame.header.get("id", -1), str(frame.header.get("op")), frame.header.get("texts")
    if op == "cancel":
        return
    if op != "embed" or not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        why = f"The embedder can't understand the command {op!r}: only embed with a list of texts is known. "
        link.refuse(number, EmbedderError(why + "Restart the daemon: two versions may be mixed."))
        return
    link.reply(number, blob=model.embed(texts, query=bool(frame.header.get("query"))).astype("<f4").tobytes())


main()
