"""`tsubasa mcp` as another assistant runs it: by standard input and output, and by HTTP, with a real daemon."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager

import httpx2
from mcp import Client as Assistant
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from daemon.config import api_keys
from daemon.home import Home
from tests.whole.house import NANO, ROOT, Daemon


def environment(daemon):
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TSUBASA_HOME": str(daemon.home)}


async def through(assistant, daemon, dog):
    """Add, find and have forgotten what `dog` is called."""
    added = (
        await assistant.call_tool("add_memory", {"text": f"The user has a dog called {dog}."})
    ).structured_content
    found = (await assistant.call_tool("search_memories", {"question": f"Who is {dog}?"})).structured_content
    asking = asyncio.create_task(
        assistant.call_tool("forget_memory", {"memory_ids": [added["memory"]["id"]]})
    )
    with daemon.own() as client:
        waiting = []
        while not waiting:
            waiting = (await asyncio.to_thread(client.confirmations))["confirmations"]
        await asyncio.to_thread(client.confirm, waiting[0]["id"], True)
        told = (await asking).structured_content
        held = (await asyncio.to_thread(client.memories))["memories"]
    return [one["text"] for one in found["memories"]], told["state"], [one["text"] for one in held]


async def test_an_assistant_that_starts_the_program_uses_its_tools(daemon):
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "daemon", "mcp"], env=environment(daemon)
    )
    async with Assistant(command) as assistant:
        found, state, held = await through(assistant, daemon, "Rex")

    assert "The user has a dog called Rex." in found
    assert ("done", False) == (state, "The user has a dog called Rex." in held)


@contextmanager
def served(daemon):
    """`tsubasa mcp --http` on a free port; its address."""
    command = [sys.executable, "-m", "daemon", "mcp", "--http", "--port", "0"]
    process = subprocess.Popen(command, env=environment(daemon), stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+/mcp", line)
        assert found, line
        yield found.group()
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
    others = [line for line in rest.splitlines() if "WARNING daemon.api.security" not in line]
    assert (0, []) == (process.returncode, others)  # a wrong key alone is told there


@asynccontextmanager
async def by_http(url, key):
    """An assistant that shows this key."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60.0) as http:
        async with Assistant(streamable_http_client(url, http_client=http)) as assistant:
            yield assistant


async def test_an_assistant_that_shows_the_key_uses_them_by_http(daemon):
    with served(daemon) as url:
        async with by_http(url, daemon.key) as assistant:
            found, state, held = await through(assistant, daemon, "Bello")

    assert "The user has a dog called Bello." in found
    assert ("done", False) == (state, "The user has a dog called Bello." in held)


async def test_a_key_that_may_only_read_adds_and_forgets_nothing_and_a_revoked_one_reads_nothing(daemon):
    home = Home(daemon.home)
    reads, writes = (api_keys.make(home, may, [may, "read"]) for may in ("read", "write"))
    with served(daemon) as url:
        async with by_http(url, writes) as assistant:
            added = await assistant.call_tool("add_memory", {"text": "The user has a cow called Bella."})
            number = added.structured_content["memory"]["id"]
        async with by_http(url, reads) as assistant:
            found = await assistant.call_tool("search_memories", {"question": "Who is Bella?"})
            refused = [
                await assistant.call_tool("add_memory", {"text": "The user has a pig."}),
                await assistant.call_tool("forget_memory", {"memory_ids": [number]}),
                await assistant.call_tool(
                    "edit_memory", {"memory_id": number, "text": "The user has no cow."}
                ),
            ]
            with daemon.own() as client:
                held, waiting = client.memories()["memories"], client.confirmations()["confirmations"]
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        shown = {"authorization": f"Bearer {reads}", "accept": "application/json, text/event-stream"}
        with httpx2.Client(trust_env=False) as http:
            before = http.post(url, json=asked, headers=shown).status_code
            api_keys.revoke(home, "read")
            after = http.post(url, json=asked, headers=shown).status_code
    api_keys.revoke(home, "write")

    texts = [one["text"] for one in held]
    assert "The user has a cow called Bella." in [one["text"] for one in found.structured_content["memories"]]
    assert [True] * 3 == [one.is_error for one in refused]
    assert all("--may write" in one.content[0].text for one in refused)
    assert ("The user has a cow called Bella." in texts, "The user has a pig." in texts) == (True, False)
    assert [] == waiting
    assert before != 401 == after


def test_by_http_the_rules_of_the_daemons_own_api_hold(daemon):
    key = {"authorization": f"Bearer {daemon.key}"}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with served(daemon) as url, httpx2.Client(trust_env=False) as http:
        answers = [
            http.post(url, json=hello).status_code,
            http.post(url, json=hello, headers={"authorization": "Bearer no"}).status_code,
            http.post(url, json=hello, headers=key | {"host": "evil.example"}).status_code,
            http.post(url, json=hello, headers=key | {"origin": "https://evil.example"}).status_code,
            http.post(url, content=b"{}", headers=key | {"content-type": "text/plain"}).status_code,
            http.post(
                url, content=b" " * 5 * 2**20, headers=key | {"content-type": "application/json"}
            ).status_code,
        ]

    assert [401, 401, 403, 403, 415, 413] == answers


def test_a_port_that_is_taken_is_said_in_one_line(daemon):
    port = str(daemon.running["port"])
    done = daemon.run("mcp", "--http", "--port", port)

    assert 1 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert f"tsubasa mcp --http --port {int(port) + 1}" in done.stderr


def test_what_an_assistant_may_is_one_of_two_things(daemon):
    done = daemon.run("mcp", "--may", "everything")

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "'everything'" in done.stderr and "read, write" in done.stderr


def test_by_http_without_a_home_there_is_no_key_and_that_is_said(tmp_path):
    done = Daemon(tmp_path / "none", NANO).run("mcp", "--http")

    assert (1, True) == (done.returncode, "Start it with: tsubasa up" in done.stderr)
