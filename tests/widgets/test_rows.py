from array import array

from hypothesis import given
from hypothesis import strategies as st

from rtlab.widgets.rows import Rows


def read(data: bytes) -> list[float]:
    return array("d", data).tolist()


def test_rows_are_counted_from_the_first_one_ever():
    rows = Rows(2, 10)
    for number in range(3):
        rows.add(number, number + 0.5)
    assert len(rows) == 3
    assert list(rows) == [(0, 0.5), (1, 1.5), (2, 2.5)]
    assert read(rows.between(1, 3)) == [1, 1.5, 2, 2.5]
    assert rows.between(3, 3) == b""


@given(st.integers(0, 100), st.integers(1, 20), st.integers(-10, 110), st.integers(-10, 110))
def test_the_newest_are_held_and_the_others_left_out(added, most, first, stop):
    rows = Rows(1, most)
    for number in range(added):
        rows.add(number)
    assert len(rows) == added
    held = [number for (number,) in rows]
    assert held == list(range(added))[added - len(held) :]
    assert min(added, most) <= len(held) <= 2 * most
    assert read(rows.between(first, stop)) == [n for n in held if first <= n < stop]


def test_a_reader_that_comes_again_and_again_gets_everything_once():
    rows, got, told = Rows(1, 50), [], 0
    for number in range(500):
        rows.add(number)
        if number % 7 == 0:
            stop = len(rows)
            got += read(rows.between(told, stop))
            told = stop
    got += read(rows.between(told, len(rows)))
    assert got == list(range(500))
