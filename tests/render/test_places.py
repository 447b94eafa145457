from __future__ import annotations

from rtlab.render.places import Places, Words, lines, width


def test_the_first_height_that_is_free_is_taken() -> None:
    places = Places(10)
    assert places.take(0, 50, [100, 110]) == 100
    assert places.take(20, 70, [105, 112]) == 112
    assert places.take(20, 70, [105, 112]) is None
    assert places.take(50, 90, [100]) == 100  # beside the first, not on it


def test_a_text_is_broken_where_it_has_spaces_and_nothing_is_lost() -> None:
    text = "one two three four five six"
    broken = lines(text, width("one two three", 10), 10)
    assert len(broken) > 1
    assert " ".join(broken) == text
    assert all(width(line, 10) <= width("one two three", 10) for line in broken)
    assert lines("", 100, 10) == [""]
    assert lines("x", 0, 10) == ["x"]


def test_words_stand_where_the_fewest_lines_are() -> None:
    assert Words(10, []).take(0, 50, [20, 40]) == 20
    assert Words(10, [(0, 18, 50, 18)]).take(0, 50, [20, 40]) == 40
    assert Words(10, [(0, 10, 100, 34)]).take(0, 20, [24, 40]) == 24  # it passes over the words
    assert Words(10, [(100, 18, 60, 18)]).take(0, 50, [20, 40]) == 20  # and this one beside them
    assert Words(10, [(25, 0, 25, 90), (0, 18, 50, 18)]).take(0, 50, [20, 40]) == 40
    words = Words(10, [(0, 18, 50, 18)])
    assert [words.take(0, 50, [20, 40]) for _ in range(3)] == [40, 20, None]
    assert words.spoiled == 2  # the second has a line through it, the third no place
