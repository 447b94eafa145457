from __future__ import annotations

import pytest

from rtlab.render.reconcile import numbers, orders, quantity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 ms"),
        (83.21, "83.2 ms"),
        (1234.5, "1,234 ms"),
        (0.000123, "0.000123 ms"),
        (-5, "-5 ms"),
        (99.96, "100 ms"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(value, text):
    assert quantity(value, "ms") == text


def test_three_numbers_stand_side_by_side_with_what_is_between_them():
    view = numbers(40, 80, 83.2, unit="ms", title="How late?", notes=["Queueing."])
    assert repr(view).splitlines()[0] == "How late?"
    for line in (
        "predicted    40 ms  ░░░░░░░░░░░░",
        "modelled     80 ms  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒",
        "measured   83.2 ms  ████████████████████████",
    ):
        assert line in view.text.splitlines()
    assert view.gap == (
        "Measured: 83.2 ms, 43.2 ms more than you predicted (2.08 times as much).",
        "Measured: 83.2 ms, 3.2 ms more than the model says (4 %).",
        "Queueing.",
    )
    for name, share in (("predicted", "48.1%"), ("modelled", "96.2%"), ("measured", "100.0%")):
        assert f"{name}</th>" in view.html
        assert f"width:{share}" in view.html


@pytest.mark.parametrize(
    ("predicted", "measured", "gap"),
    [
        (83.2, 83.2, "Measured: 83.2 ms, just as you predicted."),
        (400, 80, "Measured: 80 ms, 320 ms less than you predicted (0.2 times as much)."),
        (100, 99.5, "Measured: 99.5 ms, 0.5 ms less than you predicted (less than 1 %)."),
        (0, 5, "Measured: 5 ms, 5 ms more than you predicted."),
        (-5, 5, "Measured: 5 ms, 10 ms more than you predicted."),
        (5, 0, "Measured: 0 ms, 5 ms less than you predicted."),
    ],
)
def test_the_gap_is_named(predicted, measured, gap):
    assert numbers(predicted, None, measured, unit="ms").gap == (gap,)


def test_the_gap_between_two_shares_is_in_points():
    assert numbers(50, None, 55, unit="%").gap == (
        "Measured: 55 %, 5 points more than you predicted.",
    )


def test_what_is_missing_is_said_and_nothing_breaks():
    view = numbers(None, None, None, unit="ms")
    for words in ("you did not predict", "no model", "not measured yet"):
        assert words in view.text
        assert words in view.html
    assert view.gap == ()
    assert "you did not predict" in numbers(None, 1, 2).text
    assert "no model" in numbers(1, None, 2).text
    assert "not measured yet" in numbers(1, 2, None).text


def test_numbers_below_zero_have_no_bars():
    assert "█" not in numbers(-1, 2, 3).text
    assert "width:0.0%" in numbers(-1, 2, 3).html


def test_orders_stand_side_by_side_and_pairs_the_wrong_way_round_are_named():
    view = orders(
        ["sse", "polling", "websocket"],
        ["sse", "websocket", "polling"],
        {"websocket": 70.0, "sse": 81.0, "polling": 590.0},
        unit="ms",
    )
    lines = view.text.splitlines()
    assert lines[0].split() == ["place", "predicted", "modelled", "measured"]
    assert lines[2].split() == ["2.", "polling", "websocket", "sse", "(81", "ms)"]
    assert view.gap == (
        "1 of 3 pairs of your order are as measured. Measured was websocket before sse, websocket "
        "before polling.",
        "2 of 3 pairs of the model's order are as measured. Measured was websocket before sse.",
    )


def test_of_what_is_as_good_as_equal_either_order_is_right():
    measured = {"a": 80.5, "b": 81.0, "c": 590.0}
    right = "All 3 pairs of your order are as measured."
    for predicted in (["a", "b", "c"], ["b", "a", "c"]):
        gap = orders(predicted, None, measured).gap
        assert gap == (right, "As good as equal, so that either may come first: a and b.")
    assert orders(["b", "a", "c"], None, measured, tie=0.001).gap[0].startswith("2 of 3 pairs")
    assert orders(["b", "a", "c"], None, ["a", "b", "c"]).gap[0].startswith("2 of 3 pairs")


def test_of_what_a_model_holds_for_equal_neither_order_is_wrong():
    measured = {"sse": 96.0, "websocket": 97.0, "long_polling": 105.0, "polling": 690.0}
    model = {"long_polling": 80.0, "sse": 80.0, "websocket": 80.0, "polling": 660.0}
    gap = orders(None, model, measured).gap
    assert (
        gap[1] == "All 3 pairs of the model's order are as measured. 3 more pairs are equal in it."
    )
    gap = orders(None, {**model, "polling": 70.0, "sse": 81.0}, measured).gap
    assert gap[1].startswith("1 of 5 pairs of the model's order are as measured. Measured was ")
    assert gap[1].endswith(" 1 more pair is equal in it.")
    gap = orders(None, {"sse": 1.0, "polling": 1.0}, {"sse": 2.0, "polling": 3.0}).gap
    assert gap[1] == "In the model's order all are equal."


def test_an_order_without_a_prediction_or_a_measurement_says_so():
    assert orders(None, None, ["b", "a"]).gap == ("You did not predict.",)
    assert orders(["a", "b"], None, None).gap == ("Not measured yet.",)
    assert orders(None, None, None).gap == ("You did not predict.", "Not measured yet.")


def test_an_order_of_two_is_right_or_the_other_way_round():
    measured = {"polling": 1.6, "long_polling": 9.7}
    assert orders(["polling", "long_polling"], None, measured).gap == (
        "Your order is as measured.",
    )
    gap = orders(["long_polling", "polling"], ["polling", "long_polling"], measured).gap
    assert gap == (
        "Your order is the other way round: measured was polling before long_polling.",
        "The model's order is as measured.",
    )


def test_many_wrong_pairs_are_counted():
    names = list("abcdef")
    gap = orders(names, None, names[::-1]).gap[0]
    assert gap.startswith("0 of 15 pairs")
    assert gap.endswith("and 12 more.")


def test_nothing_of_it_is_read_as_html():
    evil = "<script>alert(1)</script>"
    for view in (
        numbers(1, 2, 3, unit=evil, title=evil, notes=[evil]),
        orders([evil, "b"], None, {evil: 1.0, "b": 2.0}, unit=evil, title=evil, notes=[evil]),
    ):
        assert "<script" not in view._repr_html_()
        assert "&lt;script&gt;" in view._repr_html_()
