"""GET /metrics: every figure of the engine, as Prometheus reads it."""

import re

from daemon.api.metrics import FORMAT, METRICS, text_of
from daemon.engine.client import EngineCounts
from tests.daemon.api.world import serving


def test_every_figure_is_told_once_with_its_type_and_its_meaning():
    text = text_of(EngineCounts(prompt_tokens=50, cached_tokens=30, waiting=2))
    told = dict(re.findall(r"^(tsubasa_\w+) (\d+)$", text, re.MULTILINE))

    assert 1 + len(METRICS) == len(told)
    assert ("50", "30", "2", "1") == tuple(
        told[f"tsubasa_engine_{name}"]
        for name in ("prompt_tokens_total", "cached_tokens_total", "waiting", "up")
    )
    assert len(told) == text.count("# TYPE ") == text.count("# HELP ")


async def test_a_scrape_needs_the_key_and_starts_no_engine(tmp_path):
    async with serving(tmp_path) as world:
        seen = await world.http.get("/metrics")
        refused = await world.http.get("/metrics", headers={"authorization": "Bearer wrong"})

    assert (200, FORMAT) == (seen.status_code, seen.headers["content-type"])
    assert seen.text.endswith("tsubasa_engine_up 0\n")
    assert 401 == refused.status_code
