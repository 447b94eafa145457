from __future__ import annotations

import random

from tests.dissect.fuzz import TOKENS, mutated, rounds, samples


def test_damaged_recordings_are_taken_apart_whatever_the_damage() -> None:
    known = samples()
    assert len(known) > 8
    tried = [name for name, _ in rounds(3000, 1, known)]
    assert len(tried) == 3000
    assert len(set(tried)) >= 4


def test_the_mutator_does_damage() -> None:
    rng = random.Random(3)
    data = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    changed = [mutated(data, rng) for _ in range(500)]
    assert sum(new != data for new in changed) > 400
    assert any(len(new) > len(data) for new in changed)
    assert any(len(new) < len(data) for new in changed)
    assert any(TOKENS[-2] in new for new in changed)
