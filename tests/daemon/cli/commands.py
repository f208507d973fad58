"""Commands as a user types them, at a window of 80 columns, on a served daemon with stand-ins for its models."""

import asyncio

from typer.testing import CliRunner

from daemon import home as homes
from daemon.cli.main import cli
from daemon.home import Home, Running
from tests.daemon.api.world import KEY, serving


def announce(folder, url):
    """Let the commands find the daemon at `url` under the home `folder`."""
    homes.announce(Home(folder), Running(pid=1, port=1, url=url))
    Home(folder).api_key.write_text(KEY)


def run(folder, *words, text=""):
    """What one command prints when `text` is typed into it; raises what it fails with."""
    runner = CliRunner(env={"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"})
    done = runner.invoke(cli, [*map(str, words), "--home", str(folder)], input=text)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


async def typed(folder, prepare, *commands, catch=(), **config):
    """What each command prints, or the error it fails with, on a daemon whose store `prepare(world)` has filled."""

    def result(command):
        try:
            return run(folder, *command)
        except catch as error:
            return str(error)

    folder.mkdir(exist_ok=True)
    async with serving(folder, **config) as world:
        await prepare(world)
        announce(folder, world.url)
        return [await asyncio.to_thread(result, command) for command in commands]


def unwrapped(text):
    """A text without the line breaks of its window."""
    return " ".join(text.split())
