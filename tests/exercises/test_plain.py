from __future__ import annotations

import random
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.exercises import plain
from rtlab.exercises.mistakes import Mistake, expect, kind, same
from rtlab.exercises.plain import Other, Seeded, TooLarge

simple = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.text() | st.binary()
simple |= st.floats(allow_nan=False)
values = st.recursive(
    simple,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.binary() | st.integers(), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_plain_values_come_over_as_they_are(value):
    came = plain.decode(plain.encode(value))
    assert came == value
    assert type(came) is type(value)


def test_what_is_nearly_plain_becomes_plain():
    Point = namedtuple("Point", "x y")
    assert plain.decode(plain.encode(Point(1, 2))) == (1, 2)
    assert plain.decode(plain.encode(bytearray(b"ab"))) == b"ab"
    assert plain.decode(plain.encode(memoryview(b"ab"))) == b"ab"
    code = plain.decode(plain.encode(HTTPStatus.OK))
    assert (code, type(code)) == (200, int)
    assert plain.decode(plain.encode({1, 2})) == {1, 2}
    assert plain.decode(plain.encode("\ud800")) == "\ud800"


@pytest.mark.parametrize(
    "value, number",
    [
        (numpy.int64(2**60 + 1), 2**60 + 1),
        (numpy.uint8(7), 7),
        (numpy.float64(0.1), 0.1),
        (numpy.float32(0.5), 0.5),
        (Fraction(1, 4), 0.25),
        (Fraction(3), 3.0),
        (Decimal("0.1"), 0.1),
    ],
)
def test_numbers_of_every_library_are_numbers(value, number):
    came = plain.decode(plain.encode(value))
    assert (came, type(came)) == (number, type(number))


def test_anything_else_is_named_and_equal_to_nothing():
    class Odd:
        def __repr__(self):
            raise RuntimeError

    came = plain.decode(plain.encode([object, Odd(), ...]))
    assert all(isinstance(one, Other) for one in came)
    assert came[1] == Other("Odd", "<its repr() raised RuntimeError>")
    assert not same(came[2], None)
    assert not isinstance(came[0], (tuple, list, str))
    assert kind(came[1]) == "something of type Odd"
    nested = plain.decode(plain.encode({(1, 2): {"k": {3}}}))
    assert nested == {(1, 2): {"k": {3}}}


def test_a_seed_becomes_a_generator_of_random_numbers():
    came = plain.decode(plain.encode(Seeded(7)))
    assert came.random() == random.Random(7).random()


def test_what_is_too_large_is_refused():
    loop: list[object] = []
    loop.append(loop)
    for value in ("x" * (plain.MOST + 1), bytes(plain.MOST + 1), [0] * 10**6, 10**4000, loop):
        with pytest.raises(TooLarge):
            plain.encode(value)


def test_same_is_lenient_where_it_should_be_and_only_there():
    assert same([1, (2.0, "a")], (1 + 1e-12, [2, "a"]))
    assert same({"a": [1]}, {"a": (1,)})
    assert same(-4e-14, 0.0)
    assert not same(1e-6, 0.0)
    for one, other in ((1, True), ("a", b"a"), (1, "1"), (None, 0), ([1], [1, 1]), (10**400, 1.0)):
        assert not same(one, other)


@pytest.mark.parametrize(
    "got, right, words",
    [
        (None, 1, "Is there a return"),
        (b"a", "a", ".decode()"),
        ("a", b"a", ".encode()"),
        ([1], {}, "a list instead of a dict"),
        (Other("ellipsis", "Ellipsis"), 1, "to fill in"),
        (Other("generator", "<g>"), [1], "of type generator instead of a list"),
        (Other("zip", "<zip object>"), [1, 2], "of type zip instead of a list"),
        ([1, Other("ellipsis", "Ellipsis")], [1, 2], "to fill in"),
        (b"abc", b"abd", "from byte 2 on"),
        ("abc", "ab", "3 characters, where 2"),
        ([1, 2], [1], "It gave 2 where 1"),
        ({"a": 1}, {"a": 2}, "differs at 'a'"),
        ({"a": 1, "b": 2}, {"a": 1}, "more than was asked for"),
        (3, 4, "That is not it"),
    ],
)
def test_a_difference_is_put_into_words(got, right, words):
    with pytest.raises(Mistake) as found:
        expect(got, right)
    assert words in found.value.message
    assert (found.value.expected, found.value.got) == (right, got)


def test_a_known_slip_comes_first():
    with pytest.raises(Mistake, match="by eight"):
        expect(1, 8, (1, "It is off by eight."), (1, "Another."), otherwise="No.")
    expect(8.0, 8, (8, "never said"))
