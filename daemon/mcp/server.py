"""
The memories as tools for other assistants, by the Model Context Protocol; the one door to its SDK.

    assistant ── stdio, or HTTP with a key ──> this process ── daemon.client, with that key ──> daemon

By HTTP an assistant may what its key may: the daemon decides it, call by call. By stdio it has the tools that its user
gives it (`may`). What is added is an assistant's word: it is recalled, and never learned into the weights until its
user says it. To forget or to edit waits for a person, and without their word nothing happens. Nothing but the protocol
goes to standard output.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection
from contextlib import closing
from datetime import date
from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field, ValidationError
from starlette.types import ASGIApp

from daemon.api.scopes import ANY
from daemon.api.security import AuthMiddleware, shown_keys
from daemon.client.client import Client
from daemon.config.api_keys import PREFIX, ProgramKeys
from daemon.errors import KNOWN
from daemon.http_server import Server
from daemon.lifecycle.listen import listen
from daemon.mcp import tools

WAIT_S = 45.0  # for a person's word, in one call; many clients give up after a minute
LOOK_EVERY_S = 0.5
MAX_BODY = 4 * 2**20
HOST = "127.0.0.1"
MAY = ("read", "write")
GUIDE = (
    "The user's own memories, kept by Tsubasa on their machine. Search before you ask them what they told before. "
    "Add a memory only for a lasting fact that they told you. To forget or to edit asks the user outside of this "
    "chat first; if they have not answered yet, tell them to, and look again with confirmation_state."
)
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
DESTROYS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)
MemoryId = Annotated[int, Field(ge=1, description="The number of a memory.")]
Ctx = Context[Any, Any]


def make_server(
    open_client: Callable[[str], Client],
    *,
    version: str,
    wait_s: float = WAIT_S,
    may: Collection[str] = MAY,
) -> MCPServer[Any]:
    """
    The server with its tools.

    Args:
        open_client: finds the daemon, for each call; given the key of a program to ask with, or "": the owner's.
        may: which tools there are, "read" and "write".
    """
    server: MCPServer[Any] = _Tools(
        "tsubasa",
        title="Tsubasa",
        version=version,
        instructions=GUIDE,
        log_level="WARNING",
        subscriptions=False,
    )

    async def ask(ctx: Ctx, act: Callable[[Client], dict[str, Any]]) -> dict[str, Any]:
        return await asyncio.to_thread(_asked, partial(open_client, _shown(ctx)), act)

    if "read" in may:
        _add_reading(server, ask)
    if "write" in may:
        _add_changing(server, ask, wait_s)
    return server


def _shown(ctx: Ctx) -> str:
    """The key of a program that a call came with; "": it came with the owner's, or by no network."""
    return next((one for one in shown_keys(ctx.headers or {}) if one.startswith(PREFIX)), "")


class _Tools(MCPServer[Any]):
    """The SDK's server, except that it reports wrong arguments in one line."""

    async def call_tool(self, name: str, *args: Any, **more: Any) -> Any:
        try:
            return await super().call_tool(name, *args, **more)
        except ToolError as error:
            if not isinstance(wrong := error.__cause__, ValidationError):
                raise
            wrongs = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors())
            raise ToolError(f"Can't call {name}: {'; '.join(wrongs)}.") from error


Asked = Callable[[Ctx, Callable[[Client], dict[str, Any]]], Awaitable[dict[str, Any]]]


def _add_reading(server: MCPServer[Any], ask: Asked) -> None:
    @server.tool(annotations=READS)
    async def search_memories(
        question: Annotated[str, Field(min_length=1, max_length=2000, description="In plain words.")],
        ctx: Ctx,
    ) -> dict[str, Any]:
        """Find what is remembered about the user that bears on a question, best first."""
        return await ask(ctx, lambda client: tools.search(client, question))

    @server.tool(annotations=READS)
    async def list_memories(
        after: Annotated[int, Field(ge=0, description="Go on after this number.")] = 0,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        *,
        ctx: Ctx,
    ) -> dict[str, Any]:
        """List what is remembered about the user, by number; `more` says whether there is more after these."""
        return await ask(ctx, lambda client: tools.listed(client, after=after, limit=limit))

    @server.tool(annotations=READS)
    async def why(memory_id: MemoryId, ctx: Ctx) -> dict[str, Any]:
        """Tell what a memory was drawn from: the messages behind it, and what it said before."""
        return await ask(ctx, lambda client: tools.why(client, memory_id))

    @server.tool(annotations=READS)
    async def confirmation_state(
        id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$", description="From forget_memory or edit_memory.")],
        ctx: Ctx,
    ) -> dict[str, Any]:
        """See whether the user has allowed what was asked: "waiting", "done", "refused", "expired" and the like."""
        return await ask(ctx, lambda client: tools.ended(client, id))


def _add_changing(server: MCPServer[Any], ask: Asked, wait_s: float) -> None:
    @server.tool(annotations=ADDS)
    async def add_memory(
        text: Annotated[
            str, Field(min_length=1, max_length=2000, description='One sentence: "The user has a dog."')
        ],
        since: Annotated[
            date | None, Field(description="The first day on which it is true; else today.")
        ] = None,
        *,
        ctx: Ctx,
    ) -> dict[str, Any]:
        """Remember one lasting fact that the user told. It is marked as an assistant's word."""
        asker = _asker(ctx)
        return await ask(ctx, lambda client: tools.add(client, text, since=since, program=asker))

    @server.tool(annotations=DESTROYS)
    async def forget_memory(
        memory_ids: Annotated[list[MemoryId], Field(min_length=1, max_length=100)], ctx: Ctx
    ) -> dict[str, Any]:
        """Ask the user to forget memories for good. Nothing is forgotten before they allow it."""
        asker = _asker(ctx)
        asked = await ask(ctx, lambda client: tools.ask_to_forget(client, memory_ids, asked_by=asker))
        return await _decided(ask, asked, ctx, wait_s)

    @server.tool(annotations=DESTROYS)
    async def edit_memory(
        memory_id: MemoryId,
        text: Annotated[str, Field(min_length=1, max_length=2000, description="What it should say.")],
        ctx: Ctx,
    ) -> dict[str, Any]:
        """Ask the user to put a memory in other words. Nothing is changed before they allow it."""
        asker = _asker(ctx)
        asked = await ask(ctx, lambda client: tools.ask_to_edit(client, memory_id, text, asked_by=asker))
        return await _decided(ask, asked, ctx, wait_s)


async def serve_http(
    server: MCPServer[Any],
    *,
    api_key: str,
    programs: ProgramKeys,
    port: int,
    on_serving: Callable[[str], None],
) -> None:
    """
    Serve by HTTP until SIGTERM or SIGINT, behind the daemon's own AuthMiddleware; `on_serving` hears the address.

    Whoever shows a key comes in; what a program's may is the daemon's to say, whom it is shown with each call.

    Raises:
        PortInUse, DaemonError: nothing is served.
    """
    app: ASGIApp = AuthMiddleware(
        server.streamable_http_app(),
        api_key=api_key,
        max_body=MAX_BODY,
        programs=programs,
        scope_of=lambda method, path: ANY,
    )
    with closing(listen(HOST, port)) as listening:
        url = f"http://{HOST}:{listening.getsockname()[1]}/mcp"
        uvicorn = Server(app, on_serving=lambda: on_serving(url), on_leaving=_nothing)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, uvicorn.leave)
        async with server.session_manager.run():
            await uvicorn.serve(sockets=[listening])


async def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve by standard input and output until the input ends."""
    await server.run_stdio_async()


async def _nothing() -> None:
    pass


def _asked(open_client: Callable[[], Client], act: Callable[[Client], dict[str, Any]]) -> dict[str, Any]:
    try:
        with open_client() as client:
            return act(client)
    except KNOWN as error:
        raise ToolError(str(error)) from error


async def _decided(ask: Asked, asked: dict[str, Any], ctx: Ctx, wait_s: float) -> dict[str, Any]:
    """What became of it, or after `wait_s` seconds that it waits."""
    found, end = asked, asyncio.get_running_loop().time() + wait_s
    while found["state"] in tools.OPEN and (left := end - asyncio.get_running_loop().time()) > 0:
        await ctx.report_progress(wait_s - left, wait_s, "Waiting for the user's word")
        await asyncio.sleep(min(LOOK_EVERY_S, left))
        found = await ask(ctx, lambda client: tools.ended(client, asked["id"]))
    return found


def _asker(ctx: Ctx) -> str:
    """The assistant's program, as it calls itself; that is a claim, and shown as one."""
    params = ctx.session.client_params
    name = (params.client_info.title or params.client_info.name) if params else ""
    return f"{name[:60].strip() or 'An assistant'} (by MCP)"
