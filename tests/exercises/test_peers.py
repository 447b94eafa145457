"""What is said of a client that does not give the data of each message once."""

from __future__ import annotations

import pytest

from rtlab.exercises.mistakes import Mistake
from rtlab.exercises.peers import data_of, each_data_once

RIGHT = [data_of(seq) for seq in range(1, 8)]


@pytest.mark.parametrize(
    ("got", "says"),
    [
        ([1, 2, 3, 4, 5, 6, 7], "seq and not the data"),
        ([{"seq": 1, "data": data_of(1)}], "whole messages"),
        (RIGHT[:2] + RIGHT[3:], "One of messages 2 and 3 never came: they have the same data"),
        (RIGHT[:4] + RIGHT[5:], "Message 5 never came"),
        (RIGHT[:3], "It stopped after 3 of 7"),
        (RIGHT + RIGHT[:1], "Message 1 came more than once"),
        (RIGHT[::-1], "another order"),
        ([{}, [], {}], "more than once"),
    ],
)
def test_mistakes_with_messages_are_told_apart(got: list[object], says: str) -> None:
    with pytest.raises(Mistake, match=says) as told:
        each_data_once(got, 7)
    assert told.value.expected == RIGHT
    assert told.value.got == got


def test_the_data_of_each_once_is_right() -> None:
    each_data_once(list(RIGHT), 7)
