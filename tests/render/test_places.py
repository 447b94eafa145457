from __future__ import annotations

from rtlab.render.places import Places, lines, width


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
