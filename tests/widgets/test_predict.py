"""The prediction in Python: what is kept, compared and refused; the form is tried in a browser."""

from __future__ import annotations

from typing import Any

import pytest
import traitlets

from rtlab.errors import UsageError
from rtlab.widgets import Predict, predict


@pytest.fixture(autouse=True)
def _nothing_was_said_before() -> None:
    predict._said.clear()


def late(**options: Any) -> Predict:
    return Predict("late", "How late?", unit="ms", **options)


def order() -> Predict:
    return Predict("order", "Which first?", kind="order", choices=("a", "b", "c"), unit="ms")


def page(view: Predict, **state: Any) -> None:
    """Set traits as a page does."""
    view.set_state(state)


def test_without_an_answer_everything_goes_on():
    view = late()
    assert view.answer is None
    shown = view.compare(modelled=80, measured=83)
    assert "you did not predict" in shown.text
    assert shown.gap == ("Measured: 83 ms, 3 ms more than the model says (4 %).",)
    assert "You did not predict." in order().compare(measured=["c", "b", "a"]).text


def test_a_number_is_kept_and_compared():
    view = late().commit(40)
    assert view.answer == 40
    assert "43 ms more than you predicted" in view.compare(measured=83).text


def test_what_a_page_says_is_checked_as_well():
    view = late()
    page(view, answer=40)
    assert view.answer == 40.0
    with pytest.raises(traitlets.TraitError):
        page(view, answer="<b>many</b>")
    assert view.answer == 40.0
    ranking = order()
    with pytest.raises(traitlets.TraitError):
        page(ranking, answer=["a", "b", "d"])
    page(ranking, answer=["b", "a", "c"])
    assert ranking.answer == ["b", "a", "c"]


@pytest.mark.parametrize("answer", ["40", None, True, float("nan"), float("inf"), [40], 1e300])
def test_what_is_no_number_is_refused(answer):
    view = late()
    with pytest.raises(UsageError, match="Your prediction"):
        view.commit(answer)
    assert view.answer is None


def test_a_prediction_is_not_less_than_makes_sense_but_what_is_measured_may_be():
    view = late()
    with pytest.raises(UsageError, match="must be 0 or more ms, not -3"):
        view.commit(-3)
    with pytest.raises(traitlets.TraitError, match="0 or more"):
        page(view, answer=-3)
    assert view.answer is None
    assert "-0.2 ms" in view.compare(measured=-0.2).text  # clocks that are compared are not exact
    assert Predict("change", unit="%", least=-100).commit(-3).answer == -3


def test_one_of_a_unit_is_named_as_one():
    view = Predict("size", "How many?", unit="bytes")
    assert repr(view.commit(1)) == "How many?\nYou predicted 1 byte."
    assert repr(view.commit(2)) == "How many?\nYou predicted 2 bytes."
    assert late().commit(1).as_text().endswith("You predicted 1 ms.")


@pytest.mark.parametrize("answer", [["a", "b"], ["a", "b", "b"], ["a", "b", "d"], "abc", 3, None])
def test_what_is_no_order_of_the_choices_is_refused(answer):
    view = order()
    with pytest.raises(UsageError, match="a, b, c once"):
        view.commit(answer)
    assert view.answer is None


def test_changing_ones_mind_is_noted():
    view = late().commit(30).commit(35).commit(40)
    assert (view.answer, view.earlier, view.late) == (40, [30, 35], False)
    text = view.compare(measured=83).text
    assert "You changed your mind: before, you said 30 ms, then 35 ms." in text
    assert "after" not in text


def test_committing_after_the_measurement_is_noted():
    view = late()
    view.compare(modelled=80)
    page(view, answer=40)
    assert not view.late  # a model is no measurement
    view.compare(measured=83)
    page(view, answer=83)
    assert view.late
    text = view.compare(measured=83).text
    assert "just as you predicted" in text
    assert "before, you said 40 ms" in text
    assert "after the measurement was shown" in text


def test_a_cell_that_is_run_again_has_the_answer_with_its_history():
    first = late().commit(30)
    first.compare(measured=83)
    first.commit(40)
    again = late()
    assert (again.answer, again.earlier, again.seen, again.late) == (40, [30], True, True)
    again.commit(50)
    assert late().earlier == [30, 40]


def test_a_question_that_has_become_another_is_asked_anew():
    late().commit(30)
    other = Predict("late", kind="order", choices=["a", "b"])
    assert (other.answer, other.earlier) == (None, [])
    order().commit(["c", "b", "a"])
    assert Predict("order", kind="order", choices=["a", "b"]).answer is None


def test_an_order_is_compared_with_values_or_an_order():
    view = order().commit(["b", "a", "c"])
    assert "All 3 pairs" in view.compare(measured=["b", "a", "c"]).text
    values = view.compare(measured={"a": 80.0, "b": 590.0, "c": 600.0})
    assert "Measured was a before b" in values.text
    assert "590 ms" in values.text


def test_a_comparison_with_something_else_is_refused():
    with pytest.raises(UsageError, match="measured"):
        late().compare(measured="83 ms")
    with pytest.raises(UsageError, match="modelled must have each of a, b, c"):
        order().compare(modelled=["a", "b"])
    with pytest.raises(UsageError, match=r"measured\['a'\]"):
        order().compare(measured={"a": "1", "b": 2, "c": 3})


@pytest.mark.parametrize("choices", [[], ["a"], ["a", "a"]])
def test_an_order_of_nothing_is_refused(choices):
    with pytest.raises(UsageError, match="two choices"):
        Predict("x", kind="order", choices=choices)


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="number, order"):
        Predict("x", kind="guess")  # type: ignore[arg-type]


def test_without_a_form_it_says_how_to_answer_and_what_was_answered():
    view = late()
    assert repr(view) == (
        "How late?\nYou did not predict yet: where no form is shown, call commit(40) on it, a "
        "number of ms."
    )
    assert "commit(['c', 'b', 'a'])" in repr(order())
    view.commit(40)
    assert repr(view) == "How late?\nYou predicted 40 ms."
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    assert bundle[0]["text/html"] == "<p><strong>How late?</strong></p><p>You predicted 40 ms.</p>"


def test_nothing_of_it_is_read_as_html():
    evil = "</script><script>alert(1)</script>"
    view = Predict("evil", evil, kind="order", choices=[evil, "b"], unit=evil)
    assert "<script" not in view.as_html()
    assert "<script" not in view.commit(["b", evil]).as_html()
    assert "<script" not in view.compare(measured={evil: 1, "b": 2})._repr_html_()
