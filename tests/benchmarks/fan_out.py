"""A thousand clients from another process: everything once, and how many deliveries a second.

The peers are a bare ``websockets`` server with ``broadcast``, and npm's ``ws`` where Node is there.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve

import rtlab
from rtlab import loops
from rtlab.sockets import listen
from tests.benchmarks.report import at_least, begin, collect, line

CLIENTS = 1000
ROUNDS = 3
PAYLOAD = {"price": 101.25, "text": "x" * 60}


def _connect(url: str, messages: int, **options: Any) -> subprocess.Popen[str]:
    """Begin a process with the clients, and return when all are connected."""
    process = begin("fan_out", url=url, clients=CLIENTS, messages=messages, limit=90, **options)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError("the clients did not connect")
    return process


def _spread(
    publish: Callable[[int], None], url: str, messages: int, **options: Any
) -> dict[str, Any]:
    """Publish, the next message as soon as every client has the last; return what was counted.

    Waiting between them, nothing is gained by sending several in one segment.
    """
    process = _connect(url, messages, **options)
    assert process.stdout is not None
    begin_ns = end_ns = time.perf_counter_ns()
    for number in range(messages):
        publish(number)
        end_ns = int(process.stdout.readline())
    result: dict[str, Any] = collect(process)
    return result | {"seconds": (end_ns - begin_ns) / 1e9}


class BareServer:
    """The peer: ``websockets`` and nothing else, in a thread of its own."""

    def __init__(self) -> None:
        self.thread = loops.LoopThread("bare").start()
        self.clients: set[ServerConnection] = set()
        self.url = self.thread.call(self._open())

    async def _open(self) -> str:
        async def handler(connection: ServerConnection) -> None:
            self.clients.add(connection)
            try:
                await connection.wait_closed()
            finally:
                self.clients.discard(connection)

        sock = listen()
        self.server = await serve(handler, sock=sock, backlog=1024, compression=None)
        return f"ws://127.0.0.1:{sock.getsockname()[1]}/"

    def publish(self, number: int) -> None:
        text = json.dumps(
            {"seq": number + 1, "published_ns": time.perf_counter_ns(), "data": PAYLOAD}
        )
        text = text.replace(": ", ":").replace(", ", ",")
        self.thread.soon(broadcast, self.clients, text)

    def stop(self) -> None:
        async def close() -> None:
            self.server.close()
            for client in list(self.clients):
                client.transport.abort()
            await self.server.wait_closed()

        self.thread.call(close())
        self.thread.stop()


NODE_SERVER = """
const { WebSocketServer } = require("ws");
const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
wss.on("listening", () => console.log(wss.address().port));
const data = JSON.parse(process.argv[2]);
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const text = `{"seq":${Number(line) + 1},"published_ns":${process.hrtime.bigint()},` +
    `"data":${JSON.stringify(data)}}`;
  for (const client of wss.clients) client.send(text);
});
"""


class NodeServer:
    """The other peer: npm's ``ws``."""

    def __init__(self, folder: Path) -> None:
        (folder / "server.js").write_text(NODE_SERVER)
        self.process = subprocess.Popen(
            ["node", "server.js", json.dumps(PAYLOAD)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"ws://127.0.0.1:{int(self.process.stdout.readline())}/"

    def publish(self, number: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def _node_folder(folder: Path) -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("  (no Node here: npm ws is left out)")
        return False
    done = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "ws"],
        cwd=folder,
        capture_output=True,
    )
    if done.returncode:
        print("  (npm could not install ws: it is left out)")
    return done.returncode == 0


def steady(messages: int = 50, interval: float = 0.1) -> None:
    """1,000 WebSocket and 1,000 SSE clients at once, 10 messages a second, each delivered once."""
    for direct in (False, True):
        with rtlab.Lab(["websocket", "sse"]) as lab:
            processes = {
                name: _connect(
                    lab.url(name, direct=direct),
                    messages,
                    websocket=name == "websocket",
                    hello=True,
                )
                for name in lab.transports
            }
            begin_ns = time.perf_counter_ns()
            for _ in range(messages):
                lab.publish(PAYLOAD)
                time.sleep(interval)
            way = "past" if direct else "through"
            for name, process in processes.items():
                assert process.stdout is not None
                last_ns = [int(process.stdout.readline()) for _ in range(messages)][-1]
                result = collect(process)
                seconds = (last_ns - begin_ns) / 1e9
                what = f"{name} {way} the link"
                at_least(f"{what}: clients with all, once", result["complete"], "", CLIENTS)
                line(
                    f"{what}: deliveries a second (10,000 due)", CLIENTS * messages / seconds, "/s"
                )


def saturated(messages: int = 100) -> None:
    """Message after message, as fast as it goes, against the peers, taking turns."""
    rates: dict[str, list[float]] = {}

    def note(name: str, result: dict[str, Any]) -> None:
        if result["complete"] != CLIENTS:
            print(f"  {name}: only {result['complete']} clients had everything once")
        rates.setdefault(name, []).append(result["delivered"] / result["seconds"])

    with tempfile.TemporaryDirectory() as folder:
        node = _node_folder(Path(folder))
        for _ in range(ROUNDS):
            bare = BareServer()
            note("bare", _spread(bare.publish, bare.url, messages, websocket=True, hello=False))
            bare.stop()
            if node:
                peer = NodeServer(Path(folder))
                note(
                    "ws",
                    _spread(peer.publish, peer.url, messages, websocket=True, hello=False),
                )
                peer.stop()
            for transport in ("websocket", "sse"):
                for direct in (True, False):
                    with rtlab.Lab([transport]) as lab:
                        result = _spread(
                            lambda _, lab=lab: lab.publish(PAYLOAD),
                            lab.url(transport, direct=direct),
                            messages,
                            websocket=transport == "websocket",
                            hello=True,
                        )
                    note(f"{transport}, {'past' if direct else 'through'} the link", result)
    median = {name: statistics.median(values) for name, values in rates.items()}
    for name, rate in median.items():
        line(f"{name}: deliveries a second", rate, "/s")
    past = median["websocket, past the link"]
    at_least("websocket past the link / bare websockets.broadcast", past / median["bare"], "x", 0.8)
    through = median["websocket, through the link"]
    line("websocket through the link / bare websockets.broadcast", through / median["bare"], "x")
    if node:
        line("websocket past the link / npm ws", past / median["ws"], "x")
    line("sse past the link / bare", median["sse, past the link"] / median["bare"], "x")
    line("sse through the link / bare", median["sse, through the link"] / median["bare"], "x")


def main() -> None:
    """Print all of it."""
    steady()
    saturated()
