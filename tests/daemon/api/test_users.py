"""A home is one person: another user of the same client is answered, and nothing is kept or learned of them."""

import json

import pytest

from daemon.api.users import user_of
from daemon.chat.conversation import User
from tests.daemon.api.world import serving

TEXTS = "select text from messages order by id"


async def ask(world, text, *, headers=None, **more):
    body = {"model": "tsubasa", "messages": [{"role": "user", "content": text}], **more}
    return (await world.http.post("/v1/chat/completions", json=body, headers=headers or {})).json()["tsubasa"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"headers": {"X-OpenWebUI-User-Id": "a"}}, {"headers": {"X-OpenWebUI-User-Id": "b"}}),
        ({"user": "a"}, {"user": "b"}),
        ({"safety_identifier": "a"}, {"safety_identifier": "b"}),
        ({"metadata": {"user_id": "a"}}, {"metadata": {"user_id": "b"}}),
    ],
)
async def test_of_two_users_the_second_is_answered_not_kept_and_told_once(tmp_path, one, other):
    async with serving(tmp_path) as world:
        mine = await ask(world, "I am Ann and I teach.", **one)
        await world.remember("The user is called Ann.", 1)
        theirs = [await ask(world, "I am Ben, called what?", **other) for _ in range(2)]
        again = await ask(world, "And I live in Ghent.", **one)
        kept = [text for (text,) in await world.rows(TEXTS)]
        told = [one["kind"] for one in (await world.http.get("/tsubasa/status")).json()["attention"]]

    assert [True, False, False, True] == [answer["kept"] for answer in (mine, *theirs, again)]
    assert [[], []] == [answer["memories"] for answer in theirs]
    assert ["I am Ann and I teach.", "Hello.", "And I live in Ghent.", "Hello."] == kept
    assert 1 == told.count("user")


async def test_a_name_in_the_settings_is_the_same_person(tmp_path):
    async with serving(tmp_path, users="phone, laptop") as world:
        kept = [
            (await ask(world, "I am Ann.", user=name))["kept"]
            for name in ("desk", "phone", "laptop", "guest")
        ]

    assert [True, True, True, False] == kept


async def test_with_a_star_in_the_settings_everybody_is_the_same_person(tmp_path):
    async with serving(tmp_path, users="*") as world:
        kept = [(await ask(world, "I am Ann.", user=name))["kept"] for name in ("desk", "phone", "guest")]
        noted = await world.rows("select count(*) from users")

    assert ([True] * 3, [(0,)]) == (kept, noted)


@pytest.mark.parametrize(
    ("headers", "body", "user"),
    [
        ({}, {}, None),
        ({}, {"user": " "}, None),
        ({}, {"user": 7}, None),
        ({}, {"messages": [{"role": "user", "content": '"user": "x"'}]}, None),
        ({"x-openwebui-user-id": "a"}, {"user": "b"}, User("header", "a")),
        (
            {},
            {"metadata": {"user_id": "user_1f_account_2e_session_3d"}},
            User("metadata", "user_1f_account_2e"),
        ),
        ({}, {"metadata": {"user_id": '{"account_uuid": "u", "session_id": "s"}'}}, User("metadata", "u")),
        ({}, {"metadata": {"user_id": ["a"]}}, None),
    ],
)
def test_the_user_is_read_and_never_the_session(headers, body, user):
    assert user == user_of(headers, json.dumps(body).encode())


def test_a_body_that_is_none_names_nobody():
    assert user_of({}, b'{"user": ') is None
