import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.arguments import TRANSPORTS, number, one_of, transports, whole, yes_or_no
from rtlab.errors import UsageError

# ── names ──


@pytest.mark.parametrize("name", TRANSPORTS)
def test_a_known_name_is_returned(name):
    assert one_of("transport", name, TRANSPORTS) == name


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("web-socket", "websocket"),
        ("WebSocket", "websocket"),
        ("SSE", "sse"),
        ("long-polling", "long_polling"),
        ("longpolling", "long_polling"),
        ("pollin", "polling"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_name(typed, meant):
    with pytest.raises(UsageError, match=f"Did you mean '{meant}'\\?"):
        one_of("transport", typed, TRANSPORTS)


def test_the_same_name_in_other_letters_comes_before_what_it_is_called_elsewhere():
    with pytest.raises(UsageError, match="Did you mean 'EventSource'\\?"):
        one_of("machine", "eventsource", ["sse", "EventSource"])


@pytest.mark.parametrize("name", ["", "quic-over-pigeon", None, 3, ["sse"]])
def test_what_is_near_to_nothing_gets_the_whole_list_and_no_guess(name):
    with pytest.raises(UsageError) as caught:
        one_of("transport", name, TRANSPORTS)
    assert "Did you mean" not in str(caught.value)
    assert all(known in str(caught.value) for known in TRANSPORTS)


def test_no_choice_is_all_four():
    assert transports(None) == TRANSPORTS


def test_one_name_is_a_choice():
    assert transports("sse") == ("sse",)


def test_names_keep_their_order_and_come_once():
    assert transports(["websocket", "sse", "websocket"]) == ("websocket", "sse")
    assert transports(name for name in ("sse", "polling")) == ("sse", "polling")


@pytest.mark.parametrize("names", [(), [], 5, b"sse", ["sse", "smtp"], [None], True])
def test_a_choice_that_cannot_be_made_is_refused(names):
    with pytest.raises(UsageError):
        transports(names)


# ── numbers ──


@given(st.floats(0, 1e12) | st.integers(0, 10**12))
def test_a_finite_number_that_is_large_enough_is_returned_as_a_float(value):
    result = number("latency", value, "seconds")
    assert isinstance(result, float) and result == float(value)


def test_the_least_is_allowed_unless_more_is_asked_for():
    assert number("x", 0, "seconds") == 0.0
    assert number("x", 2, "seconds", least=2) == 2.0
    with pytest.raises(UsageError, match="more than 0 seconds"):
        number("x", 0, "seconds", above=True)
    assert number("x", 5, "seconds", most=5) == 5.0
    with pytest.raises(UsageError, match="0 or more, and at most 5 seconds"):
        number("x", 5.1, "seconds", most=5)


@pytest.mark.parametrize(
    "value",
    [-1, -1e-9, float("nan"), float("inf"), float("-inf"), "1", None, True, False, 1j, [1], b"1"],
)
def test_what_is_no_such_number_is_refused_by_name(value):
    with pytest.raises(UsageError, match=r"^latency must be .* seconds"):
        number("latency", value, "seconds")


@given(st.integers())
def test_a_whole_number_is_returned_or_refused_by_its_bounds(value):
    if 0 <= value <= 65_535:
        assert whole("port", value, "port number", most=65_535) == value
    else:
        with pytest.raises(UsageError, match="0 to 65535"):
            whole("port", value, "port number", most=65_535)


@pytest.mark.parametrize("value", [1.0, "1", None, True, False, -1, float("nan")])
def test_what_is_no_whole_number_is_refused_by_name(value):
    with pytest.raises(UsageError, match=r"^capacity must be a whole number of messages"):
        whole("capacity", value, "messages")


@pytest.mark.parametrize("value", [10**400, 1e300, 2e12])
def test_an_absurdly_large_number_is_refused(value):
    with pytest.raises(UsageError, match="at most 1e"):
        number("latency", value, "seconds")


def test_yes_and_no_are_true_and_false_and_nothing_else():
    assert yes_or_no("stalled", True) is True and yes_or_no("stalled", False) is False
    for value in (1, 0, None, "no"):
        with pytest.raises(UsageError, match=r"^stalled must be True or False"):
            yes_or_no("stalled", value)
