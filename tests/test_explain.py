from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import rtlab
from rtlab import cli

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
        (bytes.fromhex("8900"), "ping"),
    ],
)
def test_the_protocol_is_guessed_from_a_file(data: bytes, word: str, tmp_path: Path, capsys):
    (tmp_path / "bytes").write_bytes(data)
    assert cli.main(["explain", str(tmp_path / "bytes")]) == 0
    assert word in capsys.readouterr().out


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
