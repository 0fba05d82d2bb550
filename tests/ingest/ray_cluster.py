"""A Ray cluster of several nodes on this machine, made of the processes that a real one has."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Another loopback address than 127.0.0.1, which Ray replaces by one that other machines can reach.
_HOST = "127.0.0.2"
_RAY = Path(sys.executable).with_name("ray")
ROOT = Path(__file__).parents[2]
_STORE_BYTES = 100 * 2**20


class RayCluster:
    """A head and the nodes that were added. Each node takes `cpus` workers at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind((_HOST, 0))
            self.address = f"{_HOST}:{free.getsockname()[1]}"
        self._nodes: list[subprocess.Popen[bytes]] = []
        self._environment = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            "RAY_AUTH_MODE": "disabled",
            "RAY_TMPDIR": str(folder),
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def start_head(self, *, cpus: int) -> None:
        """Start the head, which is a node, too."""
        self._start("--head", f"--port={self.address.rpartition(':')[2]}", "--include-dashboard=false", cpus=cpus)

    def add_node(self, *, cpus: int) -> subprocess.Popen[bytes]:
        """Start another node."""
        return self._start(f"--address={self.address}", cpus=cpus)

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """End a node as losing its power would: all its processes at once."""
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        if node.stdout is not None:
            node.stdout.close()

    def stop(self) -> None:
        """End all that is left of it."""
        for node in reversed(self._nodes):
            if node.poll() is None:
                self.kill(node)

    def _start(self, *arguments: str, cpus: int) -> subprocess.Popen[bytes]:
        options = (f"--num-cpus={cpus}", f"--node-ip-address={_HOST}", f"--object-store-memory={_STORE_BYTES}")
        node = subprocess.Popen(
            [_RAY, "start", "--block", "--disable-usage-stats", *options, *arguments],
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._nodes.append(node)
        assert node.stdout is not None
        said = []
        for line in node.stdout:
            said.append(line)
            if b"Ray runtime started" in line:
                return node
        raise RuntimeError(b"".join(said).decode())


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """A cluster without nodes, stopped at the end. Its folder has a short name: sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="ray"))
    cluster = RayCluster(folder)
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
