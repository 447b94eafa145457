from __future__ import annotations

from xml.etree import ElementTree

from rtlab.render.drawing import Drawing, arrow_head, svg


def drawn(label: str = "A label") -> str:
    return svg("test", (200, 100), 80, label, ".NAME .x{fill:red}", ["<path class='x'/>"])


def test_a_drawing_is_an_image_with_a_name() -> None:
    root = ElementTree.fromstring(drawn("<b> & 'more'"))
    assert (root.get("role"), root.get("aria-label")) == ("img", "<b> & 'more'")
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (
        "200",
        "100",
        "0 0 200 100",
    )


def test_each_drawing_has_styles_of_its_own() -> None:
    """Styles in one page apply to all of it."""
    first, second = (svg("x", (1, 1), 1, "", "", [part]) for part in ("<g/>", "<line/>"))
    assert ElementTree.fromstring(first).get("class") != ElementTree.fromstring(second).get("class")
    root = ElementTree.fromstring(drawn())
    style = root.findtext("{http://www.w3.org/2000/svg}style")
    assert style is not None
    assert f".{root.get('class')} .x{{fill:red}}" in style
    assert "NAME" not in style


def test_it_follows_the_theme_of_jupyterlab_and_else_that_of_the_reader() -> None:
    for rule in (
        "prefers-color-scheme:dark",
        "data-jp-theme-light=true",
        "data-jp-theme-light=false",
    ):
        assert rule in drawn()


def test_it_shrinks_down_to_what_can_be_read_and_no_further() -> None:
    assert "max-width:100%;min-width:80px" in drawn()
    assert "min-width:200px" in svg("test", (200, 100), 760, "", "", [])


def test_the_head_of_an_arrow_has_its_tip_at_the_end() -> None:
    assert 'points="10.0,0.0 ' in arrow_head("up", 0, 0, 10, 0)


def test_what_can_be_unfolded_stands_below_the_drawing_if_there_is_one(tmp_path) -> None:
    assert "<details>" not in Drawing("<svg/>", "text")._repr_html_()
    both = Drawing("<svg/>", "text", "<table></table>")
    assert both._repr_html_().index("<svg/>") < both._repr_html_().index("<table>")
    assert repr(both) == "text"
    both.save(tmp_path / "drawing.svg")
    assert (tmp_path / "drawing.svg").read_text(encoding="utf-8") == "<svg/>"
