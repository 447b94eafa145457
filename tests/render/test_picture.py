from xml.etree import ElementTree

import pytest
from matplotlib import pyplot

import rtlab


@pytest.fixture
def figure():
    figure, axes = pyplot.subplots()
    axes.scatter([1, 2, 3], [3, 1, 2], label="one & <all>")
    axes.set_xlabel("time (s)")
    axes.legend()
    yield figure
    pyplot.close(figure)


def test_it_says_in_words_what_it_shows(figure):
    drawing = rtlab.picture(figure, 'a "cloud" of <three>')
    root = ElementTree.fromstring(drawing.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == repr(drawing) == 'a "cloud" of <three>'


def test_its_text_is_text_and_escaped(figure):
    texts = ["".join(e.itertext()) for e in ElementTree.fromstring(rtlab.picture(figure, "").svg)]
    assert any("time (s)" in text for text in texts)
    assert any("one & <all>" in text for text in texts)


def test_it_takes_the_colours_of_the_page_and_leaves_the_page_as_it_is(figure):
    svg = rtlab.picture(figure, "").svg
    assert "#000000" not in svg
    assert "#ffffff" not in svg
    assert "currentColor" in svg
    assert "<style" not in svg


def test_where_there_is_no_room_it_is_scrolled_before_nobody_can_read_it(figure):
    figure.set_figwidth(10)
    drawing = rtlab.picture(figure, "")
    assert "min-width:6.0in" in drawing.svg
    assert "overflow-x:auto" in drawing._repr_html_()


def test_two_of_a_page_share_no_names_but_those_of_equal_things(figure):
    first = rtlab.picture(figure, "").svg
    other, axes = pyplot.subplots()
    axes.plot([1, 2], [1, 2], "o")
    second = rtlab.picture(other, "").svg
    names = [
        {e.get("id"): ElementTree.tostring(e) for e in ElementTree.fromstring(svg).iter()}
        for svg in (first, second)
    ]
    for name in set(names[0]) & set(names[1]) - {None}:
        assert names[0][name] == names[1][name]
    assert 'id="axes_1"' not in first


def test_the_figure_is_not_shown_a_second_time(figure):
    rtlab.picture(figure, "")
    assert not pyplot.fignum_exists(figure.number)


def test_equal_figures_are_drawn_alike(figure):
    assert rtlab.picture(figure, "x").svg == rtlab.picture(figure, "x").svg
