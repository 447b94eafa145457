"""A real nginx with its own configuration, on a free port of this machine."""

import asyncio
import os
import shutil
import socket
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

from tests.link.peers import HANG
from tests.ports import free_port

HERE = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))

CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    proxy_cache_path cache keys_zone=memory:1m;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{server};
            {settings}
        }}
    }}
}}
"""


@asynccontextmanager
async def nginx(server: int, settings: str = ""):
    """Run nginx before a server; yield the port that it listens on.

    Args:
        server: the server's port.
        settings: what is to differ from nginx's own defaults.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        _configure(folder, port=port, server=server, settings=settings)
        process = await asyncio.create_subprocess_exec(
            *(HERE or "nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log"),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _until_it_answers(port, process)
            yield port
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _configure(folder, **values):
    Path(folder, "nginx.conf").write_text(CONFIGURATION.format(**values))


async def _until_it_answers(port, process):
    async with asyncio.timeout(HANG):
        while True:
            assert process.returncode is None, "nginx does not start"
            with socket.socket() as sock:
                sock.setblocking(False)
                try:
                    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    return
