import json
import os
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtlab.access import Gate
from rtlab.errors import UsageError

HOST = "127.0.0.1:8000"


@pytest.fixture(autouse=True)
def _no_jupyter(monkeypatch):
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)


def refusal(gate=None, host=HOST, origin=None, token=None):
    origins = [] if origin is None else [origin]
    return (gate or Gate()).refusal([host], origins, token)


# ── Host ──


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:80", "localhost:9999", "LocalHost", "[::1]:80", "[::1]"]
)
def test_a_request_to_this_machine_comes_in(host):
    assert refusal(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1@evil.example",
        "[::1",
        "[::2]",
        "0.0.0.0",
        "",
        " ",
        "\x00",
        "127.0.0.2",
    ],
)
def test_a_request_to_any_other_name_stays_out_because_of_dns_rebinding(host):
    answer = refusal(host=host)
    assert answer.status == HTTPStatus.FORBIDDEN
    assert "Host" in answer.reason


@pytest.mark.parametrize(
    ("hosts", "origins"),
    [
        ([], []),
        ([HOST, HOST], []),
        ([HOST, "evil.example"], []),
        ([HOST], ["http://localhost", "http://localhost"]),
    ],
)
def test_a_request_has_exactly_one_host_and_one_origin_at_most(hosts, origins):
    assert Gate().refusal(hosts, origins, None).status == HTTPStatus.BAD_REQUEST


# ── Origin ──


@pytest.mark.parametrize(
    "origin",
    [None, "http://localhost:8888", "https://127.0.0.1", "http://[::1]:1", "HTTP://LOCALHOST"],
)
def test_programs_and_pages_of_this_machine_come_in(origin):
    assert refusal(origin=origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://localhost.evil.example",
        "http://localhost@evil.example",
        "null",
        "",
        "file://",
        "file://localhost",
        "chrome-extension://localhost",
        "localhost",
        "http://[::1",
        "http://\u2100.example",
    ],
)
def test_pages_from_elsewhere_stay_out(origin):
    answer = refusal(origin=origin)
    assert answer.status == HTTPStatus.FORBIDDEN
    assert "lab.allow" in answer.reason


@given(st.text(), st.text(), st.text(), st.booleans())
def test_no_header_whatever_brings_the_gate_down(host, origin, token, guarded):
    gate = Gate(token="s3cret" if guarded else None)
    gate.refusal([host], [origin], token)


def test_an_allowed_origin_comes_in_and_its_host_too():
    gate = Gate(["https://hub.example.org"])
    assert refusal(gate, origin="https://hub.example.org") is None
    assert refusal(gate, host="hub.example.org", origin="https://hub.example.org") is None
    assert refusal(gate, host="HUB.example.org", origin="https://HUB.example.org") is None


def test_allowing_one_origin_lets_in_no_other():
    gate = Gate()
    gate.allow("https://hub.example.org")
    for origin in (
        "http://hub.example.org",
        "https://hub.example.org:8443",
        "https://evil.hub.example.org",
        "https://hub.example.org.evil.example",
    ):
        assert refusal(gate, origin=origin).status == HTTPStatus.FORBIDDEN


def test_an_origin_may_be_written_with_a_slash_at_its_end():
    gate = Gate(["https://Hub.example.org/"])
    assert gate.origins == {"https://hub.example.org"}


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "hub.example.org",
        "https://",
        "https://a.example/path",
        "//a.example",
        5,
        None,
        b"x",
        "http://[::1",
        "https://[",
        "http://\u2100.example",
    ],
)
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(UsageError, match="is no origin"):
        Gate().allow(origin)


# ── token ──


def test_a_token_must_match():
    gate = Gate(token="s3cret")
    assert refusal(gate, token="s3cret") is None
    for wrong in (None, "", "s3cre", "s3cret ", "S3CRET", "s\u00e9cret", "\udcff"):
        assert refusal(gate, token=wrong).status == HTTPStatus.FORBIDDEN


def test_a_token_opens_no_door_for_a_foreign_origin():
    gate = Gate(token="s3cret")
    assert refusal(gate, origin="http://evil.example", token="s3cret") is not None
    assert refusal(gate, host="evil.example", token="s3cret") is not None


def test_a_token_is_made_up_on_request_and_never_twice():
    first, second = Gate(token=True).token, Gate(token=True).token
    assert len(first) >= 32 and first != second


@pytest.mark.parametrize("nothing", [None, False])
def test_without_a_token_none_is_asked_for(nothing):
    gate = Gate(token=nothing)
    assert gate.token is None
    assert refusal(gate, token="whatever") is None


@pytest.mark.parametrize("token", ["", 5, b"bytes", ["a"]])
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(UsageError, match="token"):
        Gate(token=token)


def test_a_refusal_does_not_say_the_token():
    assert "s3cret" not in refusal(Gate(token="s3cret"), token="wrong").reason


# ── Jupyter ──


def jupyter_says(monkeypatch, folder, text):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    (folder / f"jpserver-{os.getpid()}.json").write_text(text)


def test_pages_of_the_jupyter_server_of_this_kernel_come_in(monkeypatch, tmp_path):
    jupyter_says(monkeypatch, tmp_path, json.dumps({"url": "http://box.lan:8888/base/"}))
    gate = Gate()
    assert refusal(gate, host="box.lan:8888", origin="http://box.lan:8888") is None
    assert refusal(gate, origin="http://box.lan:9999") is not None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"url": 5}', '{"url": "http://[::1"}', '{"url": "nonsense"}']
)
def test_a_damaged_runtime_file_is_as_good_as_none(monkeypatch, tmp_path, text):
    jupyter_says(monkeypatch, tmp_path, text)
    assert Gate().origins == set()


def test_a_missing_runtime_file_is_as_good_as_none(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert Gate().origins == set()
