"""A page of another program of this machine, open in the same signed-in browser: it reads and changes nothing."""

import pytest

from tests.daemon.other_program import other_program

ATTACK = """<!doctype html><title>evil</title><iframe name="shown"></iframe><iframe name="posted"></iframe>
<form id="form" method="post" target="posted" enctype="text/plain"><input name='{"memories": [1]}' value=""></form>
<script>
const at = TARGET, told = {};
const kept = (name, work) => work().then((got) => told[name] = got, (error) => told[name] = "refused");
const json = {"content-type": "application/json"};
const read = async (path, more) => {
  const got = await fetch(at + path, {credentials: "include", ...more}); return "read " + (await got.text()).length;
};
const socket = () => new Promise((done, failed) => {
  const made = new WebSocket(at.replace("http", "ws") + "/_nicegui_ws/socket.io/?EIO=4&transport=websocket");
  made.onopen = () => done("open"); made.onerror = () => failed();
});
const blind = (path, body) => fetch(at + path, {
  method: "POST", mode: "no-cors", credentials: "include", headers: {"content-type": "text/plain"}, body
}).then((got) => got.type);
document.getElementById("form").action = at + "/tsubasa/forget";
document.getElementById("form").submit();
frames.shown.location = at + "/memories";
Promise.all([
  kept("page", () => read("/memories")), kept("memories", () => read("/tsubasa/memories")),
  kept("forget", () => read("/tsubasa/forget", {method: "POST", headers: json, body: '{"memories": [1]}'})),
  kept("link", () => read("/tsubasa/links", {method: "POST", headers: json, body: "{}"})),
  kept("socket", socket), blind("/tsubasa/forget", '{"memories": [1]}'),
  blind("/_nicegui/client/a/upload/1", "file"), blind("/tsubasa/import", '{"file": "/etc/passwd"}'),
]).then(() => setTimeout(() => { window.told = told; }, 500));
</script>"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_another_program_in_the_same_browser_reads_and_changes_nothing(visit, url, client, host):
    ours, _ = visit
    before, chats = client.memories(), client.chats()
    with other_program(ATTACK.replace("TARGET", repr(url)).encode()) as address:
        evil = ours.context.new_page()
        answers = []
        evil.on(
            "response",
            lambda one: answers.append((one.request.method, one.url.removeprefix(url), one.status)),
        )
        evil.goto(address.replace("127.0.0.1", host))
        evil.wait_for_function("window.told")
        told = evil.evaluate("window.told")
        shown = evil.frame(name="shown").content()
        evil.close()

    assert dict.fromkeys(("page", "memories", "forget", "link", "socket"), "refused") == told
    assert "Oslo" not in shown
    assert {401, 403, 415} >= {
        status for method, path, status in answers if method == "POST" and path[0] == "/"
    }
    assert (before, chats) == (client.memories(), client.chats())
