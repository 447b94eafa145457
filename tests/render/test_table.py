from __future__ import annotations

from rtlab.render.table import html_table, text_table


def test_numbers_stand_right_and_words_left() -> None:
    assert text_table(["what", "bytes"], [["a", 5], ["longer", 12345]]).splitlines() == [
        "what     bytes",
        "a            5",
        "longer  12,345",
    ]


def test_a_column_with_words_stands_left_whatever_else_is_in_it() -> None:
    columns, rows = ["what", "size"], [["200, a status", 5], ["more", 12345]]
    assert text_table(columns, rows).splitlines()[1] == "200, a status       5"
    table = html_table(columns, rows)
    assert table.count("text-align:left") == table.count("text-align:right") == 3


def test_html_cells_are_escaped_and_headers_are_headers() -> None:
    table = html_table(["<a>"], [["<script>"]], caption="&")
    assert "<script>" not in table
    assert "&lt;script&gt;" in table
    assert "<caption" in table and "&amp;" in table
    assert "<th scope='col'" in table and "<th scope='row'" in table
