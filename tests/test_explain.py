from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import rtlab
from rtlab import cli
from rtlab.link import Connection, Recording, Segment
from tests.terminal import terminal

HELLO = ["81", "85", "37", "fa", "21", "3d", "7f", "9f", "4d", "51", "58"]


def test_hex_on_the_command_line(capsys) -> None:
    assert cli.main(["explain", "--hex", *HELLO]) == 0
    assert "'Hello'" in capsys.readouterr().out
    assert cli.main(["explain", "--hex", "0x8105,0x48", "--notes"]) == 1
    assert "cut off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "status line"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"), "SETTINGS"),
        (b"id: 1\ndata: x\n\n", "blank line"),
        (b": comment\n\n", "comment"),
        (b"data\n\n", "field"),
        (bytes.fromhex("000000040000000000") + bytes.fromhex("000000040100000000"), "SETTINGS"),
        (bytes.fromhex("8900"), "ping"),
    ],
)
def test_the_protocol_is_guessed_from_a_file(data: bytes, word: str, tmp_path: Path, capsys):
    (tmp_path / "bytes").write_bytes(data)
    assert cli.main(["explain", str(tmp_path / "bytes")]) == 0
    assert word in capsys.readouterr().out


@pytest.mark.parametrize(
    "data",
    [
        b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\nGET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /x\r\n",
        b"GET /chat HTT",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\nHost : a\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
    ],
)
def test_a_broken_request_is_one_still_and_the_guess_is_said(data, tmp_path, capsys) -> None:
    (tmp_path / "bytes").write_bytes(data)
    cli.main(["explain", str(tmp_path / "bytes")])
    printed = capsys.readouterr().out
    assert "line" in printed and "opcode" not in printed
    if "!!" in printed:
        assert "-- read as HTTP/1.1; if it is none, --as http2, sse, websocket" in printed


def test_who_named_the_protocol_is_not_told_of_others(capsys) -> None:
    assert cli.main(["explain", "--as", "websocket", "--hex", "81"]) == 1
    assert "read as" not in capsys.readouterr().out
    assert cli.main(["explain", "--hex", "81"]) == 1
    assert "read as WebSocket frames" in capsys.readouterr().out


def test_standard_input_and_a_protocol_that_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"data: x\n\n")))
    assert cli.main(["explain", "-", "--as", "sse"]) == 0
    assert "event" in capsys.readouterr().out


async def test_a_recording_is_explained_with_both_sides(tmp_path: Path, capsys) -> None:
    with rtlab.Lab("websocket") as lab:
        lab.publish("hello")
        await rtlab.receive(lab.url("websocket"), "websocket", 1, timeout=20)
        lab.recording("websocket").save(tmp_path / "recording.jsonl")
    cli.main(["explain", str(tmp_path / "recording.jsonl")])
    printed = capsys.readouterr().out
    assert "connection 1, client" in printed and "connection 1, server" in printed
    assert "101 Switching Protocols" in printed and '"data":"hello"' in printed
    assert cli.main(["explain", str(tmp_path / "recording.jsonl"), "--table"]) == 0
    table = capsys.readouterr().out
    assert "GET /chat" in table and "message 1" in table
    assert "masking key" not in table
    assert cli.main(["explain", "--hex", *HELLO, "--table"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name a file"),
        (["x", "--hex", "81"], "Name a file"),
        (["--hex", "8"], "pairs of digits"),
        (["--hex", "zz"], "pairs of digits"),
        (["/no/such/file"], "cannot be read"),
        (["--hex", "81", "--as", "websockets"], "Did you mean 'websocket'"),
        (["--hex", "8100", "--sender", "me"], "sender"),
        (["--hex", "8100", "--port", "80"], "--port picks connections of a capture"),
        (["--hex", "3a0a", "--as", "sse", "--sender", "client"], "--sender means nothing for an"),
        (["--hex", "8100", "--color", "sometimes"], "There is no --color 'sometimes'"),
    ],
)
def test_bad_arguments_are_explained_in_a_line(arguments, words, capsys) -> None:
    assert cli.main(["explain", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "many").write_bytes(b"data: x\n\n" * 20_000)
    command = f"{sys.executable} -m rtlab explain {tmp_path / 'many'} | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_terminal_cannot_show_is_spelled(encoding: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rtlab", "explain", saved(tmp_path, "jsonl", 0)]
    done = subprocess.run(
        command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding}
    )
    assert (done.stderr, done.returncode) == (b"", 0)
    assert b"\\u2500\\u2500 connection 1, client" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to try")
def test_an_output_that_cannot_be_written_is_said_in_a_line() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "rtlab", "explain", "--hex", "8100"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "rtlab: [Errno 28] No space left on device\n"


# ── recordings and captures ──


@pytest.mark.parametrize("option", [["--as", "websocket"], ["--sender", "server"]])
def test_what_a_recording_knows_itself_cannot_be_said(option, tmp_path, capsys) -> None:
    assert cli.main(["explain", saved(tmp_path, "jsonl", 0), *option]) == 2
    assert "a recording knows what it holds" in capsys.readouterr().err


def test_a_file_from_somebody_else_cannot_take_over_the_terminal(tmp_path, capsys) -> None:
    evil = "\x1b]0;evil\x07\x1b[2J"
    recording = Recording(notes=[evil])
    recording.add_connection(Connection(1, (evil, 1), (evil, 2), 0, error=evil))
    recording.add(Segment(1, "up", 0, 0, None, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    recording.save(tmp_path / "evil.jsonl")
    for more in ([], ["--table"]):
        cli.main(["explain", str(tmp_path / "evil.jsonl"), "--color", "never", *more])
        printed = capsys.readouterr().out
        assert "evil" in printed and "\x1b" not in printed and "\x07" not in printed


def saved(tmp_path: Path, ending: str, *offsets: int, server: str = "127.0.0.1") -> str:
    """A file of one connection each with a request, at these offsets."""
    recording = Recording(epoch_ns=10**18)
    for number, offset in enumerate(offsets, 1):
        addresses = (server, 50_000 + number), (server, 80)
        recording.add_connection(Connection(number, *addresses, number * 100))
        data = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        segment = Segment(number, "up", offset, number * 100 + 50, None, data)
        recording.add(segment)
        recording.forwarded(segment, number * 100 + 50)
    file = tmp_path / f"x.{ending}"
    (recording.save if ending == "jsonl" else recording.to_pcapng)(file)
    return str(file)


@pytest.mark.parametrize("ending", ["jsonl", "pcapng"])
def test_recordings_and_captures_are_known_by_their_first_bytes(tmp_path, ending, capsys) -> None:
    file = Path(saved(tmp_path, ending, 0, 0)).rename(tmp_path / "traffic")
    assert cli.main(["explain", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "── connection 1, client 127.0.0.1:50001 ──" in printed
    assert "── connection 2, server 127.0.0.1:80 ──" in printed
    assert printed.count("request = 'GET /'") == 2


@pytest.mark.parametrize("ending", ["jsonl", "pcapng"])
def test_both_may_come_from_standard_input(tmp_path, ending, monkeypatch, capsys) -> None:
    data = io.BytesIO(Path(saved(tmp_path, ending, 0)).read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
    assert cli.main(["explain", "-"]) == 0
    assert "request = 'GET /'" in capsys.readouterr().out


def test_a_connection_without_its_beginning_is_named_and_what_the_file_lacks(
    tmp_path, capsys
) -> None:
    assert cli.main(["explain", saved(tmp_path, "pcapng", 0, 700)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("-- The beginning is missing of connection 2: begin to capture")
    assert "── connection 2 ──\n!! left out: its beginning is not there\n" in printed
    assert printed.count("request = 'GET /'") == 1


def test_a_port_picks_connections(tmp_path, capsys) -> None:
    file = saved(tmp_path, "pcapng", 0, server="::1")
    assert cli.main(["explain", file, "--port", "80"]) == 0
    assert "client [::1]:50001 ──" in capsys.readouterr().out
    assert cli.main(["explain", file, "--port", "81"]) == 0
    assert capsys.readouterr().out == "No connection in it carried data to port 81.\n"
    assert cli.main(["explain", file, "--port", "0"]) == 2
    assert "port" in capsys.readouterr().err


def test_why_a_server_was_not_reached_is_said(tmp_path, capsys) -> None:
    recording = Recording()
    error = "No server answers at 127.0.0.1:80 (refused)."
    ends = ("127.0.0.1", 50_000), ("127.0.0.1", 80)
    recording.add_connection(Connection(1, *ends, 1, 2, error))
    recording.add(Segment(1, "up", 0, 2, 2, b"", "reset"))
    recording.save(tmp_path / "x.jsonl")
    assert cli.main(["explain", str(tmp_path / "x.jsonl")]) == 0
    assert f"!! {error}" in capsys.readouterr().out


def test_a_damaged_capture_is_explained_in_a_line(tmp_path, capsys) -> None:
    file = Path(saved(tmp_path, "pcapng", 0))
    file.write_bytes(file.read_bytes()[:60] + b"\xff" * 60)
    assert cli.main(["explain", str(file)]) == 2
    assert "is damaged at byte " in capsys.readouterr().err


def test_a_capture_of_another_kind_is_no_frame_of_websocket(tmp_path, capsys) -> None:
    (tmp_path / "x.pcap.gz").write_bytes(b"\x1f\x8b\x08\0and so on")
    assert cli.main(["explain", str(tmp_path / "x.pcap.gz")]) == 2
    assert "is compressed: unpack it with gunzip" in capsys.readouterr().err
    assert cli.main(["explain", str(tmp_path / "x.pcap.gz"), "--as", "websocket"]) == 1


# ── on a terminal ──

PAINTED = re.compile(r"\x1b\[[0-9;]+m")
posix = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")


@posix
def test_on_a_terminal_there_is_colour_and_nothing_else_changes() -> None:
    with terminal("explain", "--hex", "c1", "05", "48", COLUMNS="200") as screen:
        seen = screen.rest().replace("\r\n", "\n")
    command = [sys.executable, "-m", "rtlab", "explain", "--hex", "c1", "05", "48"]
    piped = subprocess.run(command, capture_output=True, text=True).stdout
    assert not PAINTED.search(piped)
    assert PAINTED.sub("", seen) == piped
    assert "\x1b[1;31m!! set, but no extension" in seen
    parts = {code: text for code, text in re.findall(r"\x1b\[([0-9;]+)m([^\x1b]+)\x1b\[0m", seen)}
    assert len(parts) >= 5  # place, bytes, name, value, error


@posix
@pytest.mark.parametrize(
    ("arguments", "environment", "colour"),
    [
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_can_be_had_or_not(arguments, environment, colour) -> None:
    with terminal("explain", "--hex", "8100", *arguments, **environment) as screen:
        assert bool(PAINTED.search(screen.rest())) == colour


@posix
def test_notes_are_as_wide_as_the_terminal() -> None:
    with terminal("explain", "--hex", "8100", "--notes", COLUMNS="90", NO_COLOR="1") as screen:
        lines = screen.rest().replace("\r\n", "\n").split("\n")
    assert 80 < max(map(len, lines)) <= 90


def test_colour_may_be_piped_if_asked_for(capsys) -> None:
    assert cli.main(["explain", "--hex", "8100", "--color", "always"]) == 0
    assert PAINTED.search(capsys.readouterr().out)
