"""Keys of programs: each may do what its scopes say, on every route, by one table; a revoked one nothing."""

import json
import re

import pytest

from daemon.api.document import described
from daemon.api.scopes import OPEN, OWNER, ROUTES, needed
from daemon.config import api_keys
from daemon.config.api_keys import SCOPES, ProgramKeys
from daemon.errors import DaemonError
from daemon.home import Home
from tests.daemon.api.world import serving

QUESTION = {"model": "tsubasa", "messages": [{"role": "user", "content": "Where do I live?"}]}


def shown(key):
    return {"authorization": f"Bearer {key}"}


def routes(router, prefix=""):
    """Every route there is, also those that no document shows."""
    for one in getattr(router, "routes", ()):
        inner = getattr(one, "original_router", None)
        if inner is not None:
            yield from routes(inner)
        elif getattr(one, "path", "").startswith("/") and getattr(one, "methods", None):
            yield from ((method, one.path) for method in one.methods if method != "HEAD")


def test_every_route_stands_in_the_table_and_the_table_names_no_other():
    there = {f"{method} {path.replace(':path', '')}" for method, path in routes(described())}
    there = {one for one in there if not re.match(r"GET /(docs|redoc|openapi\.json)", one)}
    listed = {
        f"{method.upper()} {path}" for path, ones in described().openapi()["paths"].items() for method in ones
    }
    unnamed = {
        one
        for one in there
        if not {one, one.replace(" /", " /v1/", 1), one.replace(" /v1/", " /", 1)} & set(ROUTES)
    }

    assert set() == unnamed
    assert set(ROUTES) - {"GET /v1/health", "GET /tsubasa/openapi.json"} <= listed | there
    assert {*SCOPES, OWNER, OPEN} == set(ROUTES.values())


@pytest.mark.parametrize(
    ("request_line", "scope"),
    [
        ("POST /v1/chat/completions", "chat"),
        ("POST /chat/completions", "chat"),
        ("POST //v1/v1/chat/completions/", "chat"),
        ("HEAD /v1/models/a/b", "chat"),
        ("POST /v1/tokenize", "chat"),
        ("GET /tsubasa/memories/12", "read"),
        ("GET /tsubasa/memories/audit", "read"),
        ("POST /tsubasa/memories/12", "write"),
        ("POST /tsubasa/forget", "forget"),
        ("POST /tsubasa/import/undo", "forget"),
        ("POST /tsubasa/import", OWNER),
        ("POST /tsubasa/links", OWNER),
        ("GET /tsubasa/memories/12/more", OWNER),
        ("PUT /tsubasa/memories/12", OWNER),
        ("GET /tsubasa/nothing", OWNER),
        ("POST /health", OWNER),
        ("GET /health/..", OWNER),
        ("GET /sign-in/x/y", OWNER),
        ("GET /tsubasa/identity/../memories", OWNER),
    ],
)
def test_what_a_request_needs_and_what_is_no_route_is_the_owners(request_line, scope):
    assert scope == needed(*request_line.split(" "))


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_opens_the_routes_of_its_scope_and_no_other(tmp_path, scope):
    tried = {one: re.sub(r"\{\w+\}", "1", one.split(" ")[1]) for one in ROUTES if ROUTES[one] != OPEN}
    async with serving(tmp_path) as world:
        key = api_keys.make(Home(tmp_path), "editor", [scope])
        refused = set()
        for one, path in tried.items():
            method = one.split(" ")[0]
            body = b"[]" if method == "POST" else None
            kind = {"content-type": "application/json"}
            reply = await world.http.request(method, path, headers={**shown(key), **kind}, content=body)
            if reply.status_code == 403 and reply.json()["error"]["code"] == "insufficient_scope":
                refused.add(one)

    assert {one for one in tried if ROUTES[one] != scope} == refused


async def test_a_key_that_may_chat_is_answered_and_a_revoked_one_is_not(tmp_path):
    home = Home(tmp_path)
    async with serving(tmp_path) as world:
        key = api_keys.make(home, "editor", ["chat"])
        other = api_keys.make(home, "notes", ["chat"])
        first = await world.http.post("/v1/chat/completions", headers=shown(key), json=QUESTION)
        api_keys.revoke(home, "editor")
        after = await world.http.post("/v1/chat/completions", headers=shown(key), json=QUESTION)
        others = await world.http.get("/v1/models", headers={"authorization": "", "x-api-key": other})

    assert [200, 401, 200] == [one.status_code for one in (first, after, others)]
    assert {"editor", "notes"} == set(api_keys.used(home))


def test_of_a_key_only_its_hash_is_kept_and_who_reads_the_file_has_no_key(tmp_path):
    home = Home(tmp_path)
    key = api_keys.make(home, "editor", ["chat", "read"])
    kept = home.api_keys.read_text()

    assert key not in kept and key.removeprefix("tsk-") not in kept
    assert 0o600 == home.api_keys.stat().st_mode & 0o777
    assert ProgramKeys(home).find([json.loads(kept)[0]["digest"]]) is None
    assert ("editor", ("chat", "read")) == (
        ProgramKeys(home).find([key]).name,
        ProgramKeys(home).find([key]).scopes,
    )


@pytest.mark.parametrize("damage", [b"", b"[{}]", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_damaged_file_of_keys_lets_nobody_in_and_is_told(tmp_path, damage):
    home = Home(tmp_path)
    key = api_keys.make(home, "editor", ["chat"])
    keys = ProgramKeys(home)
    assert keys.find([key])
    home.api_keys.write_bytes(damage)

    assert keys.find([key, ""]) is None
    with pytest.raises(DaemonError, match="api_keys"):
        api_keys.listed(home)


@pytest.mark.parametrize(
    ("name", "scopes"),
    [("", ["chat"]), ("a\nb", ["chat"]), ("x" * 41, ["chat"]), ("editor", ["all"]), ("editor", [])],
)
def test_a_key_without_a_name_or_a_scope_is_none(tmp_path, name, scopes):
    with pytest.raises(DaemonError):
        api_keys.make(Home(tmp_path), name, scopes)
    assert not Home(tmp_path).api_keys.exists()


async def test_when_a_key_was_used_is_written_once_a_minute_and_not_by_each_request(tmp_path):
    now = [1_800_000_000.0]
    home = Home(tmp_path)
    key = api_keys.make(home, "editor", ["chat"])
    keys = ProgramKeys(home, clock=lambda: now[0])
    seen = []
    for later in (0.0, 20.0, 50.0):
        now[0] += later
        keys.find([key])
        seen.append(api_keys.used(home)["editor"])

    assert ["2027-01-15T08:00+00:00", "2027-01-15T08:00+00:00", "2027-01-15T08:01+00:00"] == seen


ALLOWED = "https://chat.example"


async def test_a_page_that_is_allowed_may_ask_with_a_key_and_no_other_page_may(tmp_path):
    async with serving(tmp_path, allowed_origins=f"{ALLOWED}, http://localhost:3000") as world:
        cross = {"origin": ALLOWED, "sec-fetch-site": "cross-site"}
        asked = {**cross, "access-control-request-method": "POST", "authorization": ""}
        before = await world.http.options("/v1/chat/completions", headers=asked)
        answer = await world.http.post("/v1/chat/completions", headers=cross, json=QUESTION)
        keyless = await world.http.get("/v1/models", headers={**cross, "authorization": ""})
        page = await world.http.get("/memories", headers=cross)
        evil = await world.http.get("/v1/models", headers={"origin": "https://chat.example.evil.com"})

    assert [204, 200, 401, 403, 403] == [one.status_code for one in (before, answer, keyless, page, evil)]
    told = [one.headers.get("access-control-allow-origin") for one in (before, answer, keyless, page, evil)]
    assert [ALLOWED, ALLOWED, ALLOWED, None, None] == told
    assert not any("access-control-allow-credentials" in one.headers for one in (before, answer, page))
