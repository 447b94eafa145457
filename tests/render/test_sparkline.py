import re

from rtlab.render.sparkline import HEIGHT, WIDTH, sparkline


def points(svg: str) -> list[tuple[float, float]]:
    [text] = re.findall(r"points='([^']*)'", svg)
    return [tuple(map(float, pair.split(","))) for pair in text.split()]


def test_later_is_further_right_and_more_is_further_up():
    (x1, y1), (x2, y2), (x3, y3) = points(sparkline([1.0, 3.0, 2.0], "three"))
    assert 0 < x1 < x2 < x3 < WIDTH
    assert 0 < y2 < y3 < y1 < HEIGHT


def test_no_values_one_and_equal_ones_are_drawn_as_well():
    assert points(sparkline([], "none")) == []
    assert len(points(sparkline([5.0], "one"))) == 1
    assert len({y for _, y in points(sparkline([5.0, 5.0], "equal"))}) == 1


def test_it_says_in_words_what_it_shows():
    assert "<title>a &lt; b</title>" in sparkline([1.0], "a < b")
