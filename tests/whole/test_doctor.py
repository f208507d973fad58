"""`tsubasa doctor` beside a real daemon, and without one."""

import json

from tests.whole.house import NANO, Daemon


def test_a_running_daemon_is_well_and_looked_at_from_all_sides(daemon):
    done = daemon.run("doctor", "--json")

    told = json.loads(done.stdout)
    states = {one["name"]: one["state"] for one in told["findings"]}
    assert {"engine", "compiler", "gpu", "model", "key", "tray", "port", "disk", "clock"} <= set(states)
    assert (0, True, "ok", "ok") == (done.returncode, told["well"], states["daemon"], states["model"])


def test_the_daemon_proves_that_it_keeps_to_this_machine(daemon):
    done = daemon.run("doctor", "--prove")

    assert 0 == done.returncode
    assert 4 == done.stdout.count("\nok") + done.stdout.startswith("ok")
    assert "engine and embedder: each in a network of its own" in done.stdout
    assert "refused each time, before anything was sent" in done.stdout
    assert "What this does not prove" in done.stdout


def test_without_a_daemon_nothing_is_proved(tmp_path):
    alone = Daemon(tmp_path / "home", NANO)

    done = alone.run("doctor", "--prove")

    assert (1, True) == (done.returncode, "Start it with: tsubasa up" in done.stderr)


def test_what_must_be_done_makes_the_exit_code_1(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("prot = 1\n")

    done = Daemon(home, tmp_path / "none.gguf").run("doctor")

    assert 1 == done.returncode
    assert "unknown key 'prot'" in done.stdout
    assert done.stdout.rstrip().endswith("must be done something about.")
    assert "" == done.stderr
