import asyncio
import json
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import CursorOutOfRange, NotRunning, RtlabError, UsageError
from rtlab.feed import MAX_MESSAGE, Feed, Message, parse_json, to_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=8,
)


def numbers(messages):
    return [message.seq for message in messages]


def filled(count, **options):
    feed = Feed(**options)
    for number in range(1, count + 1):
        feed.publish(number)
    return feed


# ── messages ──


@given(JSON)
def test_a_message_survives_the_wire(data):
    message = Feed().publish(data)
    again = Message.from_wire(parse_json(message.json))
    assert again == message
    assert parse_json(to_json(again.data)) == parse_json(to_json(data))


def test_the_text_of_a_message_is_the_same_on_both_sides():
    message = Feed().publish({"price": 101.2, "name": "Zürich"})
    assert Message.from_wire(json.loads(message.json)).json == message.json


def test_the_text_of_a_message_is_that_of_its_publication():
    data = {"price": 1}
    message = Feed().publish(data)
    data["price"] = 2
    assert json.loads(message.json)["data"] == {"price": 1}


@pytest.mark.parametrize(
    "data",
    [float("nan"), float("inf"), {1, 2}, b"bytes", object(), {"a": [float("-inf")]}, "\ud800"],
)
def test_what_json_cannot_hold_is_refused_and_leaves_no_trace(data):
    feed = Feed()
    with pytest.raises(UsageError, match="cannot travel as JSON"):
        feed.publish(data)
    assert feed.last == 0


def test_data_that_contains_itself_is_refused():
    data = []
    data.append(data)
    with pytest.raises(UsageError):
        to_json(data)


def test_data_that_is_nested_too_deep_is_refused():
    data = []
    for _ in range(100_000):
        data = [data]
    with pytest.raises(UsageError):
        to_json(data)
    with pytest.raises(UsageError):
        parse_json("[" * 100_000)


def test_the_largest_message_passes_and_one_byte_more_does_not():
    feed = Feed()
    feed.publish("x" * (MAX_MESSAGE - 2))  # two quotation marks
    with pytest.raises(UsageError, match="1,048,576"):
        feed.publish("x" * (MAX_MESSAGE - 1))
    with pytest.raises(UsageError):
        feed.publish("ü" * (MAX_MESSAGE // 2))  # bytes count, not characters
    assert feed.last == 1


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "", "{", "[1,]", b"\xff"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(UsageError, match="Not JSON"):
        parse_json(text)


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "text",
        [],
        {},
        {"seq": 1, "data": 1},
        {"seq": "one", "data": 1, "published_ns": 1},
        {"seq": None, "data": 1, "published_ns": 1},
        {"seq": parse_json("1e999"), "data": 1, "published_ns": 1},
    ],
)
def test_what_is_no_message_is_refused(value):
    with pytest.raises(UsageError, match="Not a message"):
        Message.from_wire(value)


# ── publishing and reading ──


def test_messages_are_numbered_from_one_and_stamped_in_order():
    before = time.perf_counter_ns()
    feed = filled(3)
    times = [message.published_ns for message in feed.since(None)]
    assert numbers(feed.since(None)) == [1, 2, 3]
    assert times == sorted(times)
    assert before <= times[0] and times[-1] <= time.perf_counter_ns()


def test_an_empty_feed_has_nothing_and_says_so():
    feed = Feed()
    assert (feed.last, feed.oldest, feed.closed) == (0, 1, False)
    assert feed.since(None) == feed.since(0) == []


def test_a_cursor_gives_what_came_after_it():
    feed = filled(5)
    assert numbers(feed.since(0)) == [1, 2, 3, 4, 5]
    assert numbers(feed.since(3)) == [4, 5]
    assert feed.since(5) == []


@given(st.lists(st.sampled_from(["publish", "read a", "read b"]), max_size=60))
def test_every_reader_gets_every_message_once_and_in_order(steps):
    feed = Feed()
    seen = {"read a": [], "read b": []}
    for step in [*steps, "read a", "read b"]:
        if step == "publish":
            feed.publish(None)
        else:
            cursor = seen[step][-1] if seen[step] else None
            seen[step] += numbers(feed.since(cursor))
    everything = list(range(1, steps.count("publish") + 1))
    assert seen == {"read a": everything, "read b": everything}


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 6))
def test_a_reader_of_a_full_feed_learns_exactly_what_it_lost(steps, capacity):
    feed = Feed(capacity)
    cursor, seen, lost = 0, [], []
    for publishes in [*steps, False]:
        if publishes:
            feed.publish(None)
            continue
        try:
            messages = feed.since(cursor)
        except CursorOutOfRange as error:
            assert error.cursor == cursor
            lost += error.lost
            messages = feed.since(error.resume)
            assert messages[0].seq == error.resume + 1 == feed.oldest
        seen += numbers(messages)
        cursor = feed.last
    assert sorted(seen + lost) == list(range(1, feed.last + 1))
    assert seen == sorted(seen)
    assert len(feed.since(None)) == min(capacity, feed.last)


@given(st.lists(st.text("aü€😀", max_size=40), max_size=30), st.integers(60, 600))
def test_a_feed_holds_no_more_bytes_than_it_may(texts, max_bytes):
    feed = Feed(max_bytes=max_bytes)
    for text in texts:
        message = feed.publish(text)
        held = feed.since(None)
        size = sum(len(message.json.encode()) for message in held)
        assert held[-1] is message  # the newest stays, however large
        assert size <= max_bytes or len(held) == 1


def test_a_feed_drops_no_message_that_there_is_room_for():
    size = len(Feed().publish("x").json)
    feed = Feed(max_bytes=3 * size + size // 2)
    for _ in range(5):
        feed.publish("x")
    assert len(feed.since(None)) == 3


def test_an_old_cursor_is_told_what_was_lost_and_where_to_go_on():
    feed = filled(10, capacity=4)
    with pytest.raises(CursorOutOfRange, match=r"messages 3 to 6 .* Go on from 6\.") as caught:
        feed.since(2)
    error = caught.value
    assert (error.cursor, error.lost, error.resume) == (2, range(3, 7), 6)
    assert error.as_json() == {"error": str(error), "lost": [3, 6], "resume": 6}
    assert numbers(feed.since(error.resume)) == [7, 8, 9, 10]


def test_the_oldest_cursor_that_loses_nothing_is_accepted():
    feed = filled(10, capacity=4)
    assert numbers(feed.since(6)) == [7, 8, 9, 10]
    with pytest.raises(CursorOutOfRange):
        feed.since(5)


def test_a_cursor_ahead_of_the_feed_lost_nothing_and_begins_with_the_oldest():
    feed = filled(10, capacity=4)
    with pytest.raises(CursorOutOfRange, match="was the server restarted") as caught:
        feed.since(11)
    assert list(caught.value.lost) == []
    assert caught.value.as_json()["lost"] is None
    assert numbers(feed.since(caught.value.resume)) == [7, 8, 9, 10]


@pytest.mark.parametrize("options", [{"capacity": 0}, {"capacity": 1.5}, {"max_bytes": 0}])
def test_a_feed_without_room_is_refused(options):
    with pytest.raises(UsageError):
        Feed(**options)


# ── waiting ──


async def test_a_wait_returns_at_once_what_is_there():
    assert numbers(await filled(3).wait(1)) == [2, 3]


async def test_a_wait_ends_with_the_next_message():
    feed = filled(3)
    waiting = asyncio.create_task(feed.wait(3))
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.publish("news")
    assert [message.data for message in await waiting] == ["news"]


async def test_all_who_wait_get_the_message():
    feed = Feed()
    waiting = [asyncio.create_task(feed.wait(0)) for _ in range(20)]
    await asyncio.sleep(0)
    feed.publish("news")
    assert [numbers(messages) for messages in await asyncio.gather(*waiting)] == [[1]] * 20


@pytest.mark.parametrize("timeout", [0, 0.01])
async def test_a_wait_that_times_out_has_nothing_and_leaves_nothing_behind(timeout):
    feed = Feed()
    assert await feed.wait(0, timeout) == []
    assert not feed._waiters


async def test_a_wait_that_is_cancelled_leaves_nothing_behind():
    feed = Feed()
    waiting = asyncio.create_task(feed.wait(0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not feed._waiters
    feed.publish("nobody is there")


async def test_a_wait_with_a_cursor_out_of_range_raises_and_leaves_nothing_behind():
    feed = filled(10, capacity=4)
    with pytest.raises(CursorOutOfRange):
        await feed.wait(2)
    assert not feed._waiters


async def test_a_waiter_that_is_overtaken_before_it_wakes_is_told():
    feed = Feed(capacity=2)
    waiting = asyncio.create_task(feed.wait(0))
    await asyncio.sleep(0)
    for number in range(5):  # all of them before the loop runs again
        feed.publish(number)
    with pytest.raises(CursorOutOfRange) as caught:
        await waiting
    assert caught.value.lost == range(1, 4)


async def test_closing_ends_every_wait_and_refuses_what_comes_later():
    feed = filled(2)
    waiting = asyncio.create_task(feed.wait(2))
    await asyncio.sleep(0)
    feed.close()
    assert await waiting == []
    with pytest.raises(NotRunning):
        feed.publish("too late")
    assert feed.closed and feed.last == 2


async def test_a_closed_feed_can_still_be_read_and_makes_nobody_wait():
    feed = filled(2)
    feed.close()
    feed.close()
    assert numbers(feed.since(1)) == numbers(await feed.wait(1)) == [2]
    assert await feed.wait(2) == []


def test_a_loop_that_was_closed_with_its_waiters_disturbs_nobody():
    feed = Feed()
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(feed.wait(0))
    loop.run_until_complete(asyncio.sleep(0))
    forgotten = dict(feed._waiters)
    waiting.cancel()
    loop.run_until_complete(asyncio.gather(waiting, return_exceptions=True))
    loop.close()
    feed._waiters = forgotten  # as if the loop had died before its waiter could tidy up
    assert feed.publish("news").seq == 1


def test_many_threads_publish_to_waiters_on_several_loops_and_nobody_misses_anything():
    feed = Feed()
    writers, each, loops, readers = 4, 100, 3, 3
    everything = list(range(1, writers * each + 1))

    async def read():
        seen = []
        while len(seen) < len(everything):
            seen += await feed.wait(seen[-1].seq if seen else 0, timeout=30)
        return seen

    async def read_several():
        return await asyncio.gather(*(read() for _ in range(readers)))

    results = []
    threads = [
        threading.Thread(target=lambda: results.extend(asyncio.run(read_several())))
        for _ in range(loops)
    ]
    threads += [
        threading.Thread(target=lambda name=name: [feed.publish((name, n)) for n in range(each)])
        for name in range(writers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == loops * readers
    for seen in results:
        assert numbers(seen) == everything
        for name in range(writers):
            assert [m.data[1] for m in seen if m.data[0] == name] == list(range(each))
    assert not feed._waiters


def test_closing_from_another_thread_ends_a_wait():
    feed = Feed()

    async def wait():
        asyncio.get_running_loop().run_in_executor(None, feed.close)
        return await feed.wait(0, timeout=60)

    assert asyncio.run(wait()) == []


def test_every_error_of_the_library_is_of_one_family():
    for error in (CursorOutOfRange(1, 5, 9), UsageError("x"), NotRunning("x")):
        assert isinstance(error, RtlabError)
