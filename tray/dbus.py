"""
The desktop's session bus: whether somebody shows icons there, and short notices.

Promises: no bus, or one that does not answer, is an answer and no error; nothing waits for longer than `PATIENCE_S`.
Knows nothing of icons or menus.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 2.0
NO_BUS = (OSError, KeyError, ValueError, RuntimeError)  # none, one out of our reach, or no answer in time
WATCHER = "org.kde.StatusNotifierWatcher"
NOTICES = "org.freedesktop.Notifications"


def shows_icons() -> bool:
    """Whether a program that shows status icons has put itself on the bus."""
    answer = _call("org.freedesktop.DBus", "/org/freedesktop/DBus", "NameHasOwner", "s", (WATCHER,))
    return bool(answer and answer[0])


def notify(title: str, text: str) -> bool:
    """Show a notice for some seconds; False when nobody on the bus shows any."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;")  # a notice's text may be markup
    body: tuple[Any, ...] = ("Tsubasa", 0, "", title, plain, [], {"desktop-entry": ("s", "tsubasa")}, -1)
    path = "/org/freedesktop/Notifications"
    return _call(NOTICES, path, "Notify", "susssasa{sv}i", body) is not None


def _call(name: str, path: str, method: str, signature: str, body: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a method on the bus answers; None when it can't be called."""
    try:
        from jeepney import DBusAddress, MessageType, new_method_call
    except ImportError:  # not on Linux
        return None
    address = DBusAddress(path, bus_name=name, interface=name)
    try:
        with _connected() as connection:
            call = new_method_call(address, method, signature, body)
            reply = connection.send_and_get_reply(call, timeout=PATIENCE_S)
    except NO_BUS:
        return None
    return tuple(reply.body) if reply.header.message_type is MessageType.method_return else None


@contextmanager
def _connected() -> Iterator[Any]:
    from jeepney.auth import AuthenticationError
    from jeepney.io.blocking import open_dbus_connection

    try:
        connection = open_dbus_connection("SESSION")
    except AuthenticationError as error:
        raise OSError("the session bus does not let us in") from error
    try:
        yield connection
    finally:
        connection.close()
