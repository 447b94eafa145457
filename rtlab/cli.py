"""The command line: ``rtlab lab``, ``compare``, ``record``, ``explain``, ``classroom`` and more."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import rtlab
from rtlab.arguments import KNOWN
from rtlab.errors import RtlabError, UsageError

_EPILOG = """\
examples:
  rtlab lab                                       open the course in JupyterLab
  rtlab lab --no-browser --port 9000              ... with JupyterLab's own arguments
  rtlab lab --copy                                copy it only, for a JupyterLab that runs
  rtlab compare                                   50 messages, four transports, a clear link
  rtlab compare --latency 0.08                    80 ms each way
  rtlab compare --profile satellite --json r.json
  rtlab record 8000 --to traffic.jsonl            what crosses to your own server, until Ctrl+C
  rtlab explain traffic.jsonl                     ... field by field; Wireshark's captures too
  rtlab explain --hex 81 85 37 fa 21 3d 7f 9f 4d 51 58
  rtlab classroom my-course                       the graded sets, for teachers with nbgrader
  rtlab doctor                                    what works on this machine
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 well, 1 something is wrong, 2 wrong usage."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "lab":
        options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if isinstance(sys.stdout, io.TextIOWrapper):  # lines and arrows, where there is ASCII only
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _run(options, rest)
        sys.stdout.flush()
        return status
    except RtlabError as error:
        print(f"rtlab: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:  # such as "rtlab explain ... | head"
        _say_no_more()
        return 1
    except OSError as error:  # such as a disk that is full
        print(f"rtlab: {error}", file=sys.stderr)
        _say_no_more()
        return 1
    except KeyboardInterrupt:
        print("rtlab: interrupted", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    if options.command == "lab":
        from rtlab.course import open_course

        return open_course(options.directory, rest, options.copy)
    if options.command == "record":
        from rtlab.record import record

        return record(options, _impairment(options))
    if options.command == "explain":
        from rtlab.explain import explain

        return explain(options)
    if options.command == "classroom":
        from rtlab.course import open_classroom

        return open_classroom(options.directory)
    if options.command == "doctor":
        from rtlab.diagnosis import examine

        return examine()
    return _compare(options)


def _say_no_more() -> None:
    """Let Python end in peace: it would try once more to write what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="rtlab",
        description="A laboratory for real-time web transports: polling, long polling, "
        "Server-Sent Events and WebSocket,\nside by side over the same link.",
        epilog=_EPILOG,
        formatter_class=formatter,
    )
    parser.add_argument("--version", action="version", version=f"rtlab {rtlab.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    lab = commands.add_parser(
        "lab",
        help="open the course in JupyterLab",
        description="Open the course in JupyterLab. Outside a checkout, a copy of the notebooks is "
        "put into\n--directory first; files that you changed are left as they are. All other "
        "arguments go to\nJupyterLab, such as --no-browser or --port 9000. On a JupyterHub, where "
        "it runs already, the\ncourse is copied only.",
        formatter_class=formatter,
    )
    lab.add_argument(
        "--directory",
        metavar="DIR",
        help="where the notebooks are to be (default: those of the checkout, or ./rtlab-course)",
    )
    lab.add_argument("--copy", action="store_true", help="copy the notebooks, and start nothing")

    compare = commands.add_parser(
        "compare",
        help="measure the transports side by side",
        description="Send the same messages through each transport, over a link of your making, "
        "and print\nlatency, bytes, requests, losses and processor time.",
        formatter_class=formatter,
    )
    add = compare.add_argument
    add("--messages", type=int, default=50, metavar="N", help="per client (default: 50)")
    add("--interval", type=float, default=0.1, metavar="S", help="seconds between (default: 0.1)")
    add(
        "--payload-size", type=int, default=100, metavar="B", help="bytes of payload (default: 100)"
    )
    add("--clients", type=int, default=1, metavar="N", help="per transport (default: 1)")
    add("--period", type=float, default=1.0, metavar="S", help="of polling (default: 1)")
    add("--transports", metavar="A,B", help=f"of {', '.join(KNOWN)} (default: the first four)")
    _add_impairment(compare)
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: 0)")
    add("--json", metavar="FILE", help="write the figures to FILE as well (- for standard output)")
    add("--ladder", metavar="FILE", help="write the ladder diagrams to an SVG file")

    compare.set_defaults(parser=compare)

    record = commands.add_parser(
        "record",
        help="put a link in front of a server, and save what crosses it",
        description="Put a link in front of a server on this machine, until Ctrl+C, and save what "
        "crossed it:\nas a recording (.jsonl), or as a capture for Wireshark (.pcapng). Cookies, "
        "Authorization and\nthe like are blotted out. The client dials the link's port instead of "
        "the server's.",
        formatter_class=formatter,
    )
    add = record.add_argument
    add("port", type=int, metavar="PORT", help="the server's port")
    add("--to", required=True, metavar="FILE", help="a name that ends in .jsonl or .pcapng")
    add("--host", default="127.0.0.1", help="where the server is (default: 127.0.0.1)")
    add("--listen", type=int, default=0, metavar="PORT", help="of the link (default: a free one)")
    _add_impairment(record)
    add("--seconds", type=float, metavar="S", help="end by itself after so many")
    add("--memory", type=int, metavar="B", help="bytes held (default: 256 MiB)")
    add("--force", action="store_true", help="overwrite FILE")
    record.set_defaults(parser=record)

    explain = commands.add_parser(
        "explain",
        help="show bytes, field by field",
        description="Take bytes apart: HTTP/1.1, HTTP/2, an event stream, WebSocket frames, "
        "a recording that rtlab\nsaved, or a capture by Wireshark, tshark or tcpdump.",
        formatter_class=formatter,
    )
    add = explain.add_argument
    add("file", nargs="?", metavar="FILE", help="bytes, a recording, a capture; - for input")
    add("--hex", nargs="+", metavar="BYTES", help="the bytes themselves, such as 81 85 37 fa ...")
    add("--as", dest="protocol", metavar="NAME", help="http1, http2, sse or websocket, not guessed")
    add("--sender", metavar="WHO", help="client or server: who sent it")
    add("--port", type=int, metavar="N", help="of a capture: only the server with this port")
    add("--table", action="store_true", help="of a recording: a line a message, not every byte")
    add("--notes", action="store_true", help="say of every field what there is to know")
    add("--color", default="auto", metavar="WHEN", help="auto (on a terminal), always or never")
    explain.set_defaults(parser=explain)

    classroom = commands.add_parser(
        "classroom",
        help="put the graded sets into a folder, for nbgrader",
        description="Put the graded sets, with their solutions, into a folder for nbgrader. They "
        "are for teachers:\nteaching.md beside the notebooks says what to do with them. Files "
        "that you changed are\nleft as they are.",
        formatter_class=formatter,
    )
    classroom.add_argument(
        "directory",
        nargs="?",
        default="rtlab-classroom",
        metavar="DIR",
        help="where they are to be (default: ./rtlab-classroom)",
    )
    classroom.set_defaults(parser=classroom)

    doctor = commands.add_parser(
        "doctor",
        help="what works on this machine, and what to do about the rest",
        description="Check versions and try the lab on this machine. Exit status 1 if something "
        "essential\ndoes not work. In a notebook, rtlab.doctor() looks at its Jupyter server as "
        "well.",
        formatter_class=formatter,
    )
    doctor.set_defaults(parser=doctor)
    return parser


def _add_impairment(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--latency", type=float, metavar="S", help="seconds added each way")
    add("--jitter", type=float, metavar="S", help="seconds by which the latency varies")
    add("--bandwidth", type=float, metavar="B/S", help="bytes per second each way")
    add("--profile", metavar="NAME", help="lan, broadband, 4g or satellite, instead of these three")


def _impairment(options: argparse.Namespace) -> dict[str, Any]:
    names = ("latency", "jitter", "bandwidth", "profile")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _compare(options: argparse.Namespace) -> int:
    names = options.transports
    for path in (options.json, options.ladder):
        if path and path != "-":
            try:
                open(path, "a", encoding="utf-8").close()  # now, not after a long run
            except OSError as error:
                raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    comparison = rtlab.compare_sync(
        options.messages,
        options.interval,
        transports=None if names is None else [name.strip() for name in names.split(",")],
        payload_size=options.payload_size,
        clients=options.clients,
        period=options.period,
        seed=options.seed,
        **_impairment(options),
    )
    if options.json == "-":
        print(json.dumps(comparison.as_json(), indent=2))
    else:
        print(comparison)
        if options.json:
            comparison.save(options.json)
    if options.ladder:
        comparison.ladder().save(options.ladder)
    return 0 if comparison.valid else 1
