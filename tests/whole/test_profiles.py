"""Two people, two real daemons: nothing of one is anywhere of the other's, and each end of a process is survived."""

import json
import signal
from contextlib import suppress

import httpx
import psutil
import pytest
from playwright.sync_api import expect

from daemon.home import Home
from store.database import open_store
from store.keys import load_or_create_key
from tests.daemon.web.browser import chromium
from tests.whole.house import NANO, Daemon, wait_for
from tests.whole.nights import QUIET
from tests.whole.test_leaks import leaks, spellings

ME, ANNA = {"x-openwebui-user-id": "me"}, {"x-openwebui-user-id": "a1"}
MINE, THEIRS = "Zwetschgenhausen", "Quittenbrueck"
LONG = {"grammar": 'root ::= ("la "){600}', "max_tokens": 600, "temperature": 0}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A daemon of a home with a profile, to which both people have said where they live."""
    made = Daemon(tmp_path_factory.mktemp("two") / "home", NANO, **QUIET).start(by_meaning=False)
    assert 0 == made.run("profiles", "add", "anna", "--user", "a1").returncode
    for who, place in ((ME, MINE), (ANNA, THEIRS)):
        said = ask(made, f"I live in {place}.", who)
        assert 200 == said.status_code and said.json()["tsubasa"]["kept"], said.text
    yield made
    made.stop(signal.SIGKILL)


def ask(daemon, text, who, **more):
    body = {"model": "tsubasa", "messages": [{"role": "user", "content": text}], "max_tokens": 24, **more}
    headers = {"authorization": f"Bearer {daemon.key}", **who}
    url = f"{daemon.running['url']}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=120)


def annas(daemon):
    """The process that serves Anna; None when none does."""
    with daemon.own() as client:
        (found,) = client.profiles()["profiles"]
    return found["pid"]


def is_there(pid):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def of(daemon, who, *words):
    """What a command says about one of them, as JSON."""
    done = daemon.run(*(["--profile", "anna"] if who is ANNA else []), *words, "--json")
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_memories_of_one_are_neither_listed_nor_recalled_nor_exported_for_the_other(two, tmp_path):
    told = {}
    for who, mine, other in ((ME, MINE, THEIRS), (ANNA, THEIRS, MINE)):
        of(two, who, "memories", "add", f"The user's cat is called {mine}.")
        of(two, who, "memories", "tend")
        answer = ask(two, "Where do I live, and what is my cat called?", who).json()
        file = tmp_path / f"{mine}.jsonl"
        profile = ["--profile", "anna"] if who is ANNA else []
        assert 0 == two.run(*profile, "export", str(file)).returncode
        recalled = [json.dumps(of(two, who, "why", str(id))) for id in answer["tsubasa"]["memories"]]
        found = [json.dumps(of(two, who, "memories")), " ".join(recalled), file.read_text()]
        told[mine] = [(mine in text, other in text) for text in found]
        assert other not in json.dumps(answer)

    assert {MINE: [(True, False)] * 3, THEIRS: [(True, False)] * 3} == told


def test_the_page_of_a_profile_says_whose_it_is_and_shows_hers_alone(two):
    with chromium() as browser:
        for profile, words, mine in ((("--profile", "anna"), "anna · Ready", THEIRS), ((), "Ready", MINE)):
            page = browser.new_page()
            page.goto(two.run(*profile, "open", "--print").stdout.strip())
            expect(page.locator(".status")).to_have_text(words)
            expect(page.locator(".past-item").last).to_contain_text(mine)
            page.close()


def test_a_stream_of_a_profile_whose_daemon_is_killed_ends_in_an_error_and_the_next_is_answered(two):
    pid, lines = annas(two), []
    body = {"model": "tsubasa", "messages": [{"role": "user", "content": "Sing."}], "stream": True, **LONG}
    url, headers = f"{two.running['url']}/v1/chat/completions", {"authorization": f"Bearer {two.key}", **ANNA}
    with httpx.stream("POST", url, json=body, headers=headers, trust_env=False, timeout=120) as answer:
        for line in filter(None, answer.iter_lines()):
            lines.append(line)
            if len(lines) == 5:
                psutil.Process(pid).kill()
    last = json.loads(lines[-1].removeprefix("data: "))
    mine = ask(two, "hi", ME)
    theirs = ask(two, "hi", ANNA)
    found = [
        httpx.get(f"{two.running['url']}/tsubasa/messages?text=Sing", headers=shown, trust_env=False).json()
        for shown in (headers, {"authorization": headers["authorization"]})
    ]

    assert (200, 200, 200) == (answer.status_code, mine.status_code, theirs.status_code)
    assert "profile_unusable" == last["error"]["code"] and "la" in "".join(lines[:5])
    assert len({pid, annas(two), None}) == 3
    assert ([1, 0]) == [len(one["messages"]) for one in found]


def test_a_profile_that_can_not_start_is_told_and_the_main_person_is_answered(two):
    assert 0 == two.run("profiles", "stop", "anna").returncode
    config = Home(two.home).profile("anna").config
    config.write_text('model = "/nowhere/model.gguf"\n')
    refused, mine = ask(two, "hi", ANNA), ask(two, "hi", ME)
    told = two.run("status").stdout
    config.unlink()
    wait_for(lambda: ask(two, "hi", ANNA).status_code == 200, seconds=60)

    assert (503, 200) == (refused.status_code, mine.status_code)
    assert "No model file at /nowhere/model.gguf" in refused.json()["error"]["message"]
    assert "The profile 'anna' does not start" in told


def test_at_the_stop_no_byte_of_one_is_in_the_store_of_the_other_nor_plain_in_any_file(two):
    """On all that was said; the stores are opened with their keys and read row by row."""
    home, pid = Home(two.home), annas(two)
    assert pid is not None and is_there(pid)
    two.stop(signal.SIGTERM)
    places = {MINE: home, THEIRS: home.profile("anna")}
    held = {mine: {word for word in places if holds(place, word)} for mine, place in places.items()}
    keys = {load_or_create_key(place.path, keyring="file") for place in places.values()}

    assert {MINE: {MINE}, THEIRS: {THEIRS}} == held
    assert (2, False, False) == (len(keys), is_there(pid), home.profile("anna").ready.exists())
    assert [] == leaks([two.home], [MINE, THEIRS])


def test_a_main_daemon_that_is_killed_takes_the_profiles_with_it_and_its_next_start_serves_them(two):
    two.start(by_meaning=False)
    before = ask(two, "hi", ANNA).status_code
    family = [annas(two), *(one.pid for one in psutil.Process(annas(two)).children(recursive=True))]
    two.stop(signal.SIGKILL)
    two.start(by_meaning=False)
    again = ask(two, "Where do I live?", ANNA)
    memories = json.dumps(of(two, ANNA, "memories"))
    wait_for(lambda: not any(map(is_there, family)), seconds=30)

    assert (200, 200) == (before, again.status_code)
    assert len(family) >= 2 and THEIRS in memories and MINE not in memories


def test_a_profile_that_was_removed_is_gone_and_its_person_is_a_stranger_again(two):
    done = two.run("profiles", "remove", "anna", "--yes")
    stranger = ask(two, "Where do I live?", ANNA)
    mine = ask(two, "Where do I live?", ME)

    assert (0, False) == (done.returncode, Home(two.home).profile("anna").path.exists())
    assert (200, False, []) == (
        stranger.status_code,
        *(stranger.json()["tsubasa"][k] for k in ("kept", "memories")),
    )
    assert mine.json()["tsubasa"]["kept"] and THEIRS not in stranger.text + mine.text


def test_a_daemon_of_a_profile_that_nobody_needs_ends_and_is_there_for_the_next_question(tmp_path):
    short = QUIET | {"idle_s": "1", "quiet_s": "0", "backups": "false"}
    daemon = Daemon(tmp_path / "home", NANO, **short).start(by_meaning=False)
    daemon.run("profiles", "add", "anna", "--user", "a1")
    first = ask(daemon, "hi", ANNA).status_code
    pid = annas(daemon)
    wait_for(lambda: not is_there(pid), seconds=60)
    rests = daemon.run("profiles").stdout
    again = ask(daemon, "hi", ANNA).status_code
    daemon.stop()

    assert (200, 200) == (first, again)
    assert "rests" in rests


def holds(home, word):
    """Whether the store of a home holds a word anywhere, deciphered: in any column of any table, indexes too."""
    db = open_store(home.store, load_or_create_key(home.path, keyring="file"))
    tables = [name for (name,) in db.execute("select name from sqlite_schema where type = 'table'")]
    wanted, seen = {*spellings(word), word.lower().encode()}, 0
    for table in tables:
        for row in db.execute(f'select * from "{table}"'):
            data = b"\0".join(one if isinstance(one, bytes) else str(one).encode() for one in row)
            seen += any(one in data or one in data.lower() for one in wanted)
    db.close()
    return seen > 0
