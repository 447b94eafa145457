import zlib

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.errors import UsageError
from rtlab.middlebox import caching
from rtlab.middlebox.buffering import MOST_HELD, Buffering
from rtlab.middlebox.caching import Caching
from rtlab.middlebox.compressing import Compressing
from rtlab.middlebox.journal import Journal
from rtlab.middlebox.kind import Kind
from rtlab.middlebox.kinds import KINDS, make

END = h11.EndOfMessage()


def head(status=200, **headers):
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return h11.Response(status_code=status, headers=pairs)


class Answer:
    """An answer on its way through a kind's filter.

    Attributes:
        out: what has come out.
    """

    def __init__(self, kind, **headers):
        self.journal = Journal()
        request = h11.Request(
            method=headers.pop("method", "GET"),
            target="/events?secret",
            headers=[("Host", "a"), *((n.replace("_", "-"), v) for n, v in headers.items())],
        )
        self.filter = kind.filter(request, lambda text: self.journal.add(1, text))
        self.out = []

    def take(self, *parts):
        for part in parts:
            part = h11.Data(data=part) if isinstance(part, bytes) else part
            self.out += self.filter.take(part)
        return self

    @property
    def body(self):
        return b"".join(part.data for part in self.out if isinstance(part, h11.Data))

    @property
    def headers(self):
        [first] = [part for part in self.out if isinstance(part, h11.Response)]
        return {name.decode(): value.decode() for name, value in first.headers}

    @property
    def texts(self):
        return [line.text for line in self.journal]


# ── how they are made ──


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_made_by_its_name_and_lets_nothing_be_lost(name):
    answer = Answer(make(name, {}), accept_encoding="identity")
    answer.take(head(), b"a" * 3000, b"b" * 3000, b"c", END)
    assert answer.body == b"a" * 3000 + b"b" * 3000 + b"c"
    assert isinstance(answer.out[0], h11.Response)
    assert answer.out[-1] is END


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("bufering", {}, "Did you mean 'buffering'"),
        ("no_upgrade", {}, "Did you mean 'no-upgrade'"),
        (None, {}, "Known: transparent"),
        ("buffering", {"sise": 1}, "Did you mean 'size'"),
        ("no-upgrade", {"size": 1}, "no settings"),
        ("buffering", {"size": 0}, "1 to 1048576"),
        ("buffering", {"size": MOST_HELD + 1}, "1 to 1048576"),
        ("buffering", {"respect": "no"}, "True or False"),
        ("idle", {"seconds": 0}, "more than 0 seconds"),
        ("idle", {"ending": "rst"}, "Did you mean 'reset'"),
        ("compressing", {"flush": 1}, "True or False"),
        ("caching", {"respect": None}, "True or False"),
        ("caching", {"seconds": -1}, "more than 0 seconds"),
        ("caching", {"_kept": {}}, "Known: seconds, respect"),
    ],
)
def test_a_mistake_is_told_with_the_way_out(name, settings, told):
    with pytest.raises(UsageError, match=told):
        make(name, settings)


def test_one_that_behaves_passes_every_part_at_once():
    parts = [head(), h11.Data(data=b"x"), END]
    answer = Answer(Kind())
    for count, part in enumerate(parts, 1):
        assert answer.take(part).out == parts[:count]


# ── buffering ──


def test_nothing_at_all_comes_out_before_the_size_is_there_not_even_the_head():
    answer = Answer(Buffering(10)).take(head(), b"12345", b"6789")
    assert answer.out == []
    answer.take(b"0")
    assert isinstance(answer.out[0], h11.Response)
    assert answer.body == b"1234567890"


def test_what_is_beyond_the_size_is_held_on_wherever_an_event_is_cut():
    answer = Answer(Buffering(4)).take(head(), b"1234567890")
    assert answer.body == b"12345678"
    assert answer.take(b"AB").body == b"1234567890AB"


def test_at_the_end_everything_comes_out():
    answer = Answer(Buffering(100)).take(head(), b"short", END)
    assert answer.body == b"short"
    assert answer.out[-1] is END


def test_an_answer_without_a_body_is_not_held():
    assert len(Answer(Buffering()).take(head(204), END).out) == 2


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=20), st.integers(1, 40))
def test_however_an_answer_is_cut_only_whole_sizes_come_out_and_nothing_is_lost(pieces, size):
    answer = Answer(Buffering(size)).take(head())
    sent = b""
    for piece in pieces:
        sent += piece
        answer.take(piece)
        assert answer.body == sent[: len(sent) // size * size]
    assert answer.take(END).body == sent
    assert len([part for part in answer.out if isinstance(part, h11.Response)]) == 1


def test_to_the_end_means_at_most_a_megabyte():
    answer = Answer(Buffering(None)).take(head())
    for _ in range(15):
        answer.take(bytes(1 << 16))
    assert answer.out == []
    answer.take(bytes(1 << 16))
    assert len(answer.body) == MOST_HELD


def test_one_that_respects_it_is_told_not_to_buffer_and_keeps_that_to_itself():
    answer = Answer(Buffering(respect=True)).take(head(X_Accel_Buffering="no"), b"x")
    assert answer.body == b"x"
    assert "x-accel-buffering" not in answer.headers


@pytest.mark.parametrize(("respect", "value"), [(False, "no"), (True, "yes")])
def test_otherwise_it_buffers(respect, value):
    answer = Answer(Buffering(respect=respect)).take(head(X_Accel_Buffering=value), b"x")
    assert answer.out == []
    assert "x-accel-buffering" in answer.take(END).headers


def test_when_the_server_breaks_off_what_was_held_goes_on():
    answer = Answer(Buffering()).take(head(), b"held")
    assert [type(part) for part in answer.filter.rest()] == [h11.Response, h11.Data]
    answer.filter.drop()
    assert "held 4 bytes" in answer.texts[0]


def test_the_log_counts_along_and_says_what_became_of_it():
    answer = Answer(Buffering(10)).take(head(), b"1234")
    assert answer.texts == ["holds 4 bytes of GET /events"]
    answer.take(b"5678")
    assert answer.texts == ["holds 8 bytes of GET /events"]
    answer.take(b"90AB")
    first, second = answer.texts
    assert first.startswith("held 10 bytes of GET /events for ")
    assert second == "holds 2 bytes of GET /events"
    answer.filter.drop()
    assert answer.texts[1] == "threw away 2 bytes of GET /events: the connection ended"


# ── compressing ──


def gunzip(data):
    return zlib.decompressobj(wbits=31).decompress(data)


def squeezed(flush=False, **headers):
    headers = {"Content_Type": "text/event-stream", **headers}
    return Answer(Compressing(flush), accept_encoding="gzip, br;q=0.5").take(head(**headers))


def test_a_compressor_that_is_not_flushed_keeps_events_to_itself():
    answer = squeezed().take(b"data: 1\n\n")
    assert gunzip(answer.body) == b""
    assert gunzip(answer.take(END).body) == b"data: 1\n\n"


def test_a_compressor_that_is_flushed_gives_every_event_at_once():
    answer = squeezed(flush=True)
    for count in range(1, 4):
        assert gunzip(answer.take(b"data: 1\n\n").body) == b"data: 1\n\n" * count


def test_a_compressed_answer_says_so_and_loses_what_is_true_no_longer():
    headers = squeezed(Content_Length="9", ETag='"5"').headers
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["etag"] == 'W/"5"'
    assert "content-length" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "image/png"},
        {"Content_Encoding": "br"},
        {"Cache_Control": "no-cache, no-transform"},
    ],
)
def test_what_is_no_text_or_must_stay_as_it_is_stays_as_it_is(headers):
    assert squeezed(**headers).take(b"as it is").body == b"as it is"


@pytest.mark.parametrize(
    "request_headers",
    [{}, {"accept_encoding": "br"}, {"accept_encoding": "gzip", "method": "HEAD"}],
)
def test_who_does_not_ask_for_gzip_gets_none(request_headers):
    answer = Answer(Compressing(), **request_headers)
    assert answer.take(head(Content_Type="text/plain"), b"plain").body == b"plain"


def test_a_status_that_is_no_200_stays_as_it_is():
    answer = Answer(Compressing(), accept_encoding="gzip")
    assert answer.take(head(404, Content_Type="text/plain"), b"plain").body == b"plain"


def test_the_log_says_how_much_was_let_go():
    answer = squeezed(flush=True).take(b"data: 1\n\n" * 100)
    assert answer.texts == [f"compressed 900 bytes of GET /events; let {len(answer.body)} bytes go"]


# ── caching ──


class Cache:
    """A caching middlebox with a clock of its own, before a server with numbered answers."""

    def __init__(self, monkeypatch, **settings):
        self.kind = Caching(**settings)
        self.now = 0.0
        self.asked = 0
        monkeypatch.setattr(caching, "monotonic", lambda: self.now)

    def get(self, target="/", method="GET", request_headers=(), body=None, **headers):
        """Return the answer to a request: the head, and the body."""
        request = h11.Request(
            method=method, target=target, headers=[("Host", "a"), *request_headers]
        )
        journal = Journal()
        parts = self.kind.answer(request, lambda text: journal.add(1, text))
        if parts is None:
            self.asked += 1
            filter_ = self.kind.filter(request, lambda text: journal.add(1, text))
            data = h11.Data(data=body or b"%d" % self.asked)
            parts = [p for part in (head(**headers), data, END) for p in filter_.take(part)]
        first, data, end = parts
        assert end is END
        return dict(first.headers), data.data


@pytest.fixture
def cache(monkeypatch):
    return lambda **settings: Cache(monkeypatch, **settings)


def test_what_says_nothing_is_kept_for_a_while_and_says_its_age(cache):
    box = cache(seconds=10)
    assert box.get() == ({}, b"1")
    box.now = 9.5
    assert box.get() == ({b"age": b"9"}, b"1")
    box.now = 10
    assert box.get() == ({}, b"2")


@pytest.mark.parametrize("control", ["no-store", "no-cache", "private, max-age=60", "max-age=0"])
def test_what_must_not_be_kept_is_not_unless_it_is_told_to_keep_everything(cache, control):
    for respect, second in ((True, b"2"), (False, b"1")):
        box = cache(respect=respect)
        box.get(Cache_Control=control)
        assert box.get(Cache_Control=control)[1] == second


def test_an_answer_can_say_how_long_it_is_good_for(cache):
    box = cache(seconds=1)
    box.get(Cache_Control="public, s-maxage=30, max-age=5")
    box.now = 29
    assert box.get()[1] == b"1"


def test_another_url_is_another_answer(cache):
    box = cache()
    assert box.get("/?since=1")[1] == b"1"
    assert box.get("/?since=2")[1] == b"2"
    assert box.get("/?since=1")[1] == b"1"


@pytest.mark.parametrize(
    "ask",
    [
        {"method": "POST"},
        {"request_headers": [("Cache-Control", "no-cache")]},
        {"request_headers": [("Authorization", "Bearer x")]},
        {"Vary": "Origin"},
        {"status": 404},
        {"body": bytes(100_000)},
    ],
)
def test_what_is_not_for_everybody_is_not_kept(cache, ask):
    box = cache()
    box.get(**ask)
    box.get(**ask)
    assert box.asked == 2


def test_memory_is_bounded_and_the_oldest_is_forgotten_first(cache):
    box = cache()
    for number in range(65):
        box.get(f"/{number}")
    assert box.get("/1")[1] == b"2"
    assert box.get("/0")[1] == b"66"


def test_an_answer_that_is_not_whole_is_not_kept(cache):
    box = cache()
    request = h11.Request(method="GET", target="/", headers=[("Host", "a")])
    unfinished = box.kind.filter(request, print)
    unfinished.take(head())
    unfinished.take(h11.Data(data=b"half"))
    unfinished.drop()
    assert box.get()[1] == b"1"
