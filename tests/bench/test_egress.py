"""The bench that looks for what leaves the machine: it sees every way out, and of a day's work none is taken."""

import pytest

from bench.egress import CONTROL, found, measure, possible

TRACE = f"""
11 connect(3, {{sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("{CONTROL}")}}, 16) = -1 ENETUNREACH
12 connect(4, {{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}}, 16) = 0
13 connect(5, {{sa_family=AF_UNIX, sun_path="/run/x"}}, 110) = 0
"""
OUT = (
    'sendto(6, "q", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("9.9.9.9")}, 16) = 1',
    'connect(7, {sa_family=AF_INET6, inet_pton(AF_INET6, "2620:fe::fe", &sin6_addr), sin6_scope_id=0}, 28) = -1',
)


@pytest.mark.parametrize("line", OUT)
def test_each_way_out_is_seen_and_loopback_is_none(line):
    assert {"to_loopback": 1, "outside": []} == found(TRACE)
    assert 1 == len(found(TRACE + line)["outside"])


def test_without_the_control_nothing_is_known():
    with pytest.raises(SystemExit):
        found(TRACE.replace(CONTROL, "127.0.0.2"))


@pytest.mark.skipif(not possible(), reason="no network of its own, or no strace")
@pytest.mark.soak
def test_a_day_of_work_asks_for_nothing_outside_this_machine(tmp_path):
    told = measure(tmp_path, night=True)

    assert (11, []) == (told["works"], told["outside"])
    assert told["to_loopback"] > 5
