from __future__ import annotations

import errno
import http.server
import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rtlab import cli, record
from rtlab.link import Recording
from rtlab.link.files import save
from tests.ports import free_port
from tests.terminal import terminal

HANG = 30.0
posix = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"hello\n" * 100
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    """The port of somebody's server, of another library."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join(HANG)


def get(port: int, **headers: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers=headers)
    with urllib.request.urlopen(request, timeout=HANG) as answer:
        return bytes(answer.read())


@contextmanager
def recording(port: int, file: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run ``rtlab record``, and give it and the port that it says to dial."""
    command = [sys.executable, "-m", "rtlab", "record", str(port), "--to", str(file), *more]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            line = program.stdout.readline()
            match = re.match(r"dial 127\.0\.0\.1:(\d+) instead of 127\.0\.0\.1:(\d+); Ctrl", line)
            assert match is not None and int(match[2]) == port, line
            yield program, int(match[1])
        finally:
            program.kill()


def ended(program: subprocess.Popen[str], how: int) -> tuple[str, str]:
    program.send_signal(how)
    return program.communicate(timeout=HANG)


# ── what is recorded ──


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ending", ["jsonl", "pcapng"])
def test_it_records_until_it_is_told_to_end(server, tmp_path: Path, ending: str, how) -> None:
    file = tmp_path / f"my traffic.{ending}"
    with recording(server, file) as (program, port):
        for _ in range(3):
            assert get(port) == b"hello\n" * 100
        out, err = ended(program, how)
    assert program.returncode == 0 and err == ""
    loaded = Recording.load(file)
    assert loaded.accepted == 3
    assert f"{file}: 3 connections, {loaded.up.received:,} bytes up, " in out
    assert out.endswith(f"next: rtlab explain '{file}'\n")
    assert [c.errors for c in loaded.dissect()] == [[], [], []]
    assert {c.server for c in loaded.connections} == {("127.0.0.1", server)}
    assert os.listdir(tmp_path) == [file.name]


@posix
def test_a_connection_that_is_open_at_the_end_is_in_it(server, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with (
        recording(server, file) as (program, port),
        socket.create_connection(("127.0.0.1", port), HANG) as sock,
    ):
        sock.sendall(b"GET / HTTP/1.1\r\n")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        ended(program, signal.SIGINT)
    loaded = Recording.load(file)
    assert loaded.stream(1, "up") == b"GET / HTTP/1.1\r\n"
    assert {segment.end for segment in loaded if segment.end} == {"cut"}
    assert loaded.open_connections == 0


@posix
def test_ctrl_c_again_does_not_keep_it_from_saving(server, tmp_path: Path) -> None:
    file = tmp_path / "x.pcapng"
    with recording(server, file) as (program, port):
        get(port)
        for _ in range(20):
            program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=HANG)
    assert program.returncode == 0 and "1 connection," in out
    assert Recording.load(file).accepted == 1


@posix
def test_who_ignores_a_hangup_goes_on(server, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does for what it starts
    try:
        with recording(server, file) as (program, port):
            program.send_signal(signal.SIGHUP)
            get(port)
            ended(program, signal.SIGINT)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert Recording.load(file).accepted == 1


def test_it_ends_by_itself_after_some_seconds(server, tmp_path: Path, capsys) -> None:
    file = tmp_path / "x.jsonl"
    listen = free_port()
    arguments = ["record", str(server), "--to", str(file), "--listen", str(listen)]
    timer = threading.Timer(0.3, lambda: get(listen))
    timer.start()
    assert cli.main([*arguments, "--seconds", "3", "--latency", "0.01"]) == 0
    timer.join(HANG)
    out = capsys.readouterr().out
    assert f"dial 127.0.0.1:{listen} instead of 127.0.0.1:{server}" in out
    assert "and so do 3 seconds" in out and "on the way up: 10 ms; down: 10 ms" in out
    assert Recording.load(file).down.received > 600


def test_secrets_are_blotted_out(server, tmp_path: Path) -> None:
    for ending in ("jsonl", "pcapng"):
        file = tmp_path / f"x.{ending}"
        with recording(server, file, "--seconds", "30") as (program, port):
            get(port, Cookie="session=T0PSECRET", Authorization="Bearer T0PSECRET")
            ended(program, signal.SIGINT)
        up = Recording.load(file).stream(1, "up")
        assert b"T0PSECRET" not in up and up.count(b"*") == 33


def test_what_the_memory_had_no_room_for_is_said(server, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with recording(server, file, "--memory", "2000") as (program, port):
        for _ in range(4):
            get(port)
        out, _ = ended(program, signal.SIGINT)
    dropped = Recording.load(file).dropped
    assert dropped > 0
    assert f"The earliest {dropped} segments are not in it: 2,000 bytes of memory" in out
    assert "4 connections" in out and "--memory" in out


def test_nothing_that_crossed_is_said_and_saved(tmp_path: Path, server, capsys) -> None:
    file = tmp_path / "x.jsonl"
    assert cli.main(["record", str(server), "--to", str(file), "--seconds", "0.1"]) == 0
    printed = capsys.readouterr()
    assert "Nothing crossed the link: did the client dial its port?" in printed.out
    assert printed.err == ""  # a count is for terminals
    assert Recording.load(file).accepted == 0


# ── what is checked before ──


def refused(capsys, *arguments: str) -> str:
    assert cli.main(["record", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize("name", ["traffic.json", "traffic", "-", "traffic.pcap", ".jsonl"])
def test_another_ending_is_refused(capsys, server, tmp_path: Path, name: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "ends in .jsonl, or in .pcapng" in refused(capsys, str(server), "--to", name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--latency", "-1"], "latency must be 0 or more"),
        (["--profile", "5g"], "Did you mean '4g'"),
        (["--memory", "0"], "memory"),
        (["--seconds", "0"], "--seconds must be more than 0"),
        (["--seconds", "nan"], "--seconds"),
        (["--listen", "70000"], "listen"),
        (["--host", ""], "host"),
    ],
)
def test_bad_values_are_explained_in_a_line(
    capsys, server, tmp_path: Path, arguments: list[str], words: str
) -> None:
    file = str(tmp_path / "x.jsonl")
    assert words in refused(capsys, str(server), "--to", file, *arguments)
    assert os.listdir(tmp_path) == []


def test_a_link_that_would_dial_itself_is_refused(capsys, tmp_path: Path) -> None:
    port, file = str(free_port()), str(tmp_path / "x.jsonl")
    assert "would dial itself" in refused(capsys, port, "--to", file, "--listen", port)


def test_a_port_that_is_taken_is_said(capsys, server, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        assert cli.main(["record", str(server), "--to", str(file), "--listen", taken]) == 1
    assert f"Port {taken} on 127.0.0.1 cannot be used" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_there_is_overwritten_only_with_force(
    capsys, server, tmp_path: Path
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("mine")
    arguments = [str(server), "--to", str(file), "--seconds", "0.1"]
    assert "is there already: name another file, or add --force" in refused(capsys, *arguments)
    assert file.read_text() == "mine"
    assert cli.main(["record", *arguments, "--force"]) == 0
    assert Recording.load(file).accepted == 0


def test_a_folder_is_not_overwritten_even_with_force(capsys, server, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").mkdir()
    arguments = [str(server), "--to", str(tmp_path / "x.jsonl"), "--force"]
    assert "is there already" in refused(capsys, *arguments)


def test_a_place_that_cannot_be_written_is_found_out_before(capsys, server, tmp_path) -> None:
    file = str(tmp_path / "no" / "such" / "x.jsonl")
    assert f"{file} cannot be written" in refused(capsys, str(server), "--to", file)


def test_two_do_not_write_the_same_file(capsys, server, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with recording(server, file) as (program, _):
        assert "another rtlab record" in refused(capsys, str(server), "--to", str(file))
        ended(program, signal.SIGINT)
    assert os.listdir(tmp_path) == ["x.jsonl"]


# ── a server that is not there ──


def test_a_server_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "x.jsonl"
    with recording(port, file) as (program, link):
        assert program.stderr is not None
        assert f"No server listens at 127.0.0.1:{port} yet" in program.stderr.readline()
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            get(link)
        assert "No server answers at" in program.stderr.readline()
        with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as running:
            thread = threading.Thread(target=running.serve_forever, daemon=True)
            thread.start()
            assert get(link) == b"hello\n" * 100
            running.shutdown()
            thread.join(HANG)
        ended(program, signal.SIGINT)
    first, second = Recording.load(file).connections
    assert first.error is not None and second.error is None


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 here")
def test_a_server_at_ipv6_only_is_pointed_out(tmp_path: Path, capsys) -> None:
    port = str(free_port())  # in IPv4 too: no old connection may linger on it
    with socket.create_server(("::1", int(port)), family=socket.AF_INET6):
        arguments = ["record", port, "--to", str(tmp_path / "x.jsonl"), "--seconds", "0.1"]
        assert cli.main(arguments) == 0
        assert "There is one at ::1, though: --host ::1." in capsys.readouterr().err
        assert cli.main([*arguments, "--force", "--host", "::1"]) == 0
        assert capsys.readouterr().err == ""


def test_a_server_that_takes_one_connection_still_has_it(tmp_path: Path, capsys) -> None:
    """To look whether a server is there is not to dial it."""
    with socket.create_server(("127.0.0.1", free_port()), backlog=1) as sock:
        port = str(sock.getsockname()[1])
        assert (
            cli.main(["record", port, "--to", str(tmp_path / "x.jsonl"), "--seconds", "0.1"]) == 0
        )
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.accept()
    assert capsys.readouterr().err == ""


# ── a disk that is full ──


@pytest.fixture
def full(monkeypatch, tmp_path: Path) -> dict[str, int]:
    """A disk on which so many writes fail after the first bytes."""
    left = {"failures": 0}

    def write(self: Recording, path: Path) -> None:
        if left["failures"] > 0:
            left["failures"] -= 1
            Path(path).write_text("half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        assert "rtlab-" not in str(path) or not list(tmp_path.glob("*.part")), "it takes room"
        save(self, path)

    monkeypatch.setattr(Recording, "save", write)
    return left


def test_a_full_disk_loses_nothing(server, tmp_path: Path, monkeypatch, capsys, full) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    full["failures"] = 1
    file = tmp_path / "x.jsonl"
    file.write_text("old")
    arguments = ["record", str(server), "--to", str(file), "--seconds", "0.1", "--force"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    assert f"{file} cannot be written: No space left on device." in printed.err
    [saved] = (tmp_path / "elsewhere").glob("rtlab-*/x.jsonl")
    assert f"{saved}: 0 connections" in printed.out
    assert Recording.load(saved).accepted == 0
    assert file.read_text() == "old"  # not even that was lost
    assert not (tmp_path / "x.jsonl.part").exists()


def test_where_nothing_can_be_written_it_says_so(
    server, tmp_path: Path, monkeypatch, capsys, full
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    full["failures"] = 2
    arguments = ["record", str(server), "--to", str(tmp_path / "x.jsonl"), "--seconds", "0.1"]
    assert cli.main(arguments) == 1
    assert "the recording could not be saved" in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["elsewhere"]
    assert os.listdir(tmp_path / "elsewhere") == []


def test_at_a_terminal_one_can_make_room_and_try_again(
    server, tmp_path: Path, monkeypatch, capsys, full
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "")
    full["failures"] = 4
    file = tmp_path / "x.jsonl"
    assert cli.main(["record", str(server), "--to", str(file), "--seconds", "0.1"]) == 0
    assert len(asked) == 2 and "Enter" in asked[0]
    assert Recording.load(file).accepted == 0


# ── on a terminal ──


@posix
def test_on_a_terminal_it_counts(server, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    with terminal("record", str(server), "--to", str(file)) as screen:
        match = re.search(r"dial 127\.0\.0\.1:(\d+)", screen.until("ends and saves"))
        assert match is not None
        screen.until("\r0 connections, 0 bytes up, 0 bytes down")
        get(int(match[1]))
        screen.until("\r1 connection, ")
        screen.press("\x03")
        seen = screen.rest()
    assert screen.program.returncode == 0
    lines = seen.replace("\r\n", "\n").split("\n")
    assert lines[1].split("\r")[-1] == f"{file}: 1 connection, " + lines[1].rpartition("tion, ")[2]
    assert lines[2] == f"next: rtlab explain {file}"


@posix
def test_a_signal_at_any_moment_is_heard_and_holds_nothing_up() -> None:
    """Signals come from another process, so that they fall between any two steps of this one."""
    hammer = (
        "import os, sys, signal\nfor _ in range(20_000): os.kill(int(sys.argv[1]), signal.SIGINT)"
    )
    heard = 0
    with record._told_to_end() as told:
        command = [sys.executable, "-c", hammer, str(os.getpid())]
        with subprocess.Popen(command) as program:
            while program.poll() is None:
                heard += record._within(0.000_01, told)
    assert heard > 0
