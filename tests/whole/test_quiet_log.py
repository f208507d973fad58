"""A real daemon's log at the default level: nothing that was said through any route is in it."""

import json

import httpx

from daemon.errors import Refused
from tests.whole.house import NANO, Daemon, wait_for

ROUTES = {  # what is said where; {} is the secret of that route
    "POST /v1/chat/completions": {"model": "tsubasa", "messages": [{"role": "user", "content": "I am {}"}]},
    "POST /v1/chat/completions?stream": {
        "model": "tsubasa",
        "stream": True,
        "messages": [{"role": "user", "content": "My {} is ill"}],
    },
    "POST /v1/chat/completions?private": {
        "model": "tsubasa:private",
        "messages": [{"role": "user", "content": "{}"}],
    },
    "POST /v1/chat/completions?model": {"model": "{}", "messages": [{"role": "user", "content": "hi"}]},
    "POST /v1/chat/completions?tool": {"messages": [{"role": "{}", "content": "hi"}]},
    "POST /v1/chat/completions?long": {"messages": [{"role": "user", "content": "{} " * 5000}]},
    "POST /v1/chat/completions?schema": {
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "{}"}}},
    },
    "GET /v1/models/{}": None,
    "GET /tsubasa/memories?search={}": None,
    "GET /tsubasa/memories?as_of={}": None,
    "GET /tsubasa/messages?text={}": None,
    "GET /tsubasa/messages?like={}": None,
    "GET /tsubasa/messages?external_id={}": None,
    "GET /{}": None,
    "POST /tsubasa/memories": {"text": "The user has a {}."},
    "POST /tsubasa/memories/1": {"text": "The user has two {}s."},
    "POST /tsubasa/memories?since": {"text": "The user sings.", "since": "{}"},
    "POST /tsubasa/generations/ask": {"generation": 0, "question": "What is {}?"},
    "POST /tsubasa/import": {"file": "/nowhere/{}.json"},
    "POST /tsubasa/confirmations": {
        "act": "edit",
        "memories": [1],
        "text": "The user has three {}s.",
        "asked_by": "{}",
    },
    "POST /tsubasa/confirmations/{}": {"allow": True},
    "POST /tsubasa/undo": {"memory": "{}"},
    "POST /tsubasa/night": {"recipe": {"{}": 1}},
    "POST /tsubasa/forget": {"memories": ["{}"]},
}
BROKEN = "quokka"  # in what is no request at all
DROPPED, INSIDE, TORN = (
    "axolotl",
    "pangolin",
    "narwhal",
)  # a file's name, its words, a broken file's name and words


def secret(number):
    return f"zebrafish{number}x"


def filled(value, word):
    return json.loads(json.dumps(value).replace("{}", word))


def test_nothing_that_was_said_is_in_the_log(tmp_path, capfd):
    daemon = Daemon(tmp_path / "home", NANO, jobs_every_s="0.2", quiet_s="0.5").start()
    inbox = tmp_path / "home" / "inbox"
    try:
        headers = {"authorization": f"Bearer {daemon.key}"}
        with httpx.Client(
            base_url=str(daemon.running["url"]), headers=headers, trust_env=False, timeout=300
        ) as http:
            for number, (route, body) in enumerate(ROUTES.items()):
                method, path = route.split()
                content = None if body is None else json.dumps(filled(body, secret(number)))
                typed = {"content-type": "application/json"}
                http.request(method, path.replace("{}", secret(number)), content=content, headers=typed)
            http.post("/tsubasa/undo", content=f'{{"{BROKEN}', headers={"content-type": "application/json"})
            http.post("/tsubasa/undo", content=BROKEN, headers={"content-type": BROKEN})
            http.get("/tsubasa/status", headers={"authorization": BROKEN, "x-request-id": BROKEN})
        (inbox / f"{DROPPED}.jsonl").write_text(
            json.dumps({"role": "user", "content": f"I keep a {INSIDE}."})
        )
        (inbox / f"{TORN}.jsonl").write_text(f'{{"role": "user", "content": "{TORN}')
        wait_for(lambda: [] == [file for file in inbox.iterdir() if file.is_file()], seconds=60)
        with daemon.own() as client:
            client.tend()
            wait_for(lambda: (client.tended()["job"] or {}).get("state") == "done", seconds=300)
            try:
                client.forget([1])
            except Refused:
                pass
    finally:
        code = daemon.stop()
    said = "".join(capfd.readouterr())

    words = [secret(number) for number in range(len(ROUTES))] + [BROKEN, DROPPED, INSIDE, TORN]
    routes = [*ROUTES, "no request", "a file's name", "a file's words", "a broken file"]
    assert [] == [route for word, route in zip(words, routes, strict=True) if word in said]
    assert 0 == code
    assert "Inbox: a file was taken in (" in said
    assert "Inbox: a file was not taken in" in said
