from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtlab
from rtlab.compare.scenario import LEAST_PAYLOAD, Scenario
from rtlab.errors import UsageError
from rtlab.feed import to_json


@given(size=st.integers(LEAST_PAYLOAD, 2000), seed=st.integers(0, 99), count=st.integers(1, 150))
def test_every_payload_has_exactly_the_size_asked_for(size: int, seed: int, count: int) -> None:
    scenario = Scenario(messages=count, payload_size=size, seed=seed)
    assert {len(to_json(payload)) for payload in scenario.payloads()} == {size}


@given(seed=st.integers(0, 99), count=st.integers(1, 200), interval=st.floats(0.001, 10))
def test_one_message_falls_into_each_interval(seed: int, count: int, interval: float) -> None:
    times = Scenario(messages=count, interval=interval, seed=seed).times()
    assert len(times) == count
    assert times == sorted(times)
    for place, time in enumerate(times):
        assert place * interval <= time <= (place + 1) * interval


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    one, same, other = (Scenario(seed=seed) for seed in (1, 1, 2))
    assert one.times() == same.times() != other.times()
    assert one.payloads() == same.payloads() != other.payloads()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"messages": 0}, "messages must be"),
        ({"messages": 2.5}, "whole number"),
        ({"interval": 0}, "interval must be more than 0"),
        ({"interval": float("nan")}, "interval"),
        ({"interval": -1}, "interval"),
        ({"period": float("inf")}, "period"),
        ({"clients": 0}, "clients"),
        ({"payload_size": 3}, "payload_size"),
        ({"payload_size": 1 << 30}, "payload_size"),
        ({"transports": ["sse", "web-socket"]}, "Did you mean 'websocket'"),
        ({"transports": []}, "at least one"),
        ({"transports": "http2", "over": "polling"}, "over HTTP/2 'polling'"),
        ({"transports": 7}, "transports must be"),
        ({"profile": "sattelite"}, "Did you mean 'satellite'"),
        ({"profile": "lan", "latency": 1}, "either"),
        ({"latency": -0.1}, "latency"),
        ({"latency": float("nan")}, "latency"),
        ({"latencey": 0.1}, "Did you mean 'latency'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        rtlab.compare_sync(**arguments)
