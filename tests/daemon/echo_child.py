"""A child process that does as it is told, for the tests of the supervisor."""

import os
import sys
import threading
import time

from daemon.processes.errors import ChildError
from daemon.processes.framing import Frame
from daemon.processes.worker_link import ParentLink, open_link


class NoSuchThing(ChildError):
    fields = {"thing": "thing"}


def main() -> None:
    link = open_link()
    hello = link.next(wait=True)
    assert hello is not None
    begin(link, hello.header)
    cancelled: list[int] = []
    while (frame := link.next(wait=True)) is not None:
        if frame.header["op"] == "cancel":
            cancelled.append(frame.header["id"])
        elif frame.header["op"] == "stream":
            threading.Thread(target=stream, args=(link, frame, cancelled), daemon=True).start()
        else:
            obey(link, frame, cancelled)


def begin(link: ParentLink, hello: dict[str, object]) -> None:
    if "count_in" in hello:
        with open(str(hello["count_in"]), "a") as file:
            file.write("started\n")
    how = hello.get("begin")
    if how == "refuse":
        link.refuse(0, NoSuchThing("There is no such thing."))
        sys.exit(0)
    if how == "crash":
        say("ERROR", "I can't go on")
        os._exit(3)
    if how == "hang":
        time.sleep(60)
    time.sleep(float(str(hello.get("slowly_s", 0))))
    link.reply(0, kind="ready", greeting="hello", on_gpu=hello.get("on_gpu", False))


def obey(link: ParentLink, frame: Frame, cancelled: list[int]) -> None:
    number, op = frame.header["id"], frame.header["op"]
    if op == "echo":
        link.reply(number, text=frame.header.get("text"), blob=frame.blob)
    elif op == "adopt":  # as an engine, which adopts its adapter at each start
        link.reply(number)
    elif op == "say":
        say(frame.header["level"], frame.header["text"])
        link.reply(number)
    elif op == "cancelled":
        link.reply(number, cancelled=cancelled)
    elif op == "sleep":
        time.sleep(60)
    elif op == "exit":
        say("WARNING", "leaving")
        os._exit(7)
    elif op == "garbage":
        os.write(int(sys.argv[sys.argv.index("--fd") + 1]), b"\xff\xff\xff\xff not a frame")
        time.sleep(60)
    else:
        link.refuse(number, ChildError(f"I don't know {op!r}."))


def say(level: str, text: str) -> None:
    """One line for the daemon's log, level first."""
    sys.stderr.write(f"{level} {text}\n")
    sys.stderr.flush()


def stream(link: ParentLink, frame: Frame, cancelled: list[int]) -> None:
    number = frame.header["id"]
    for at in range(frame.header["pieces"]):
        if number in cancelled:
            return
        link.reply(number, kind="piece", at=at)
        time.sleep(0.01)
    link.reply(number, kind="end")


main()
