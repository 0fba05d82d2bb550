"""Real file servers on loopback: S3 (moto), WebDAV (wsgidav), SFTP (asyncssh), SMB (Debian's samba, where it is).

Each is a context that gives a `FileServer`, whose files are written behind its back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

USER, PASSWORD = "reader", "hush-hush-7"
SMBD = shutil.which("smbd") or shutil.which("/usr/sbin/smbd")


@dataclass(frozen=True)
class FileServer:
    """Where it is and how to get in, and `write(path, bytes)` and `remove(path)` below that place."""

    url: str
    options: dict[str, Any]
    write: Callable[[str, bytes], object]
    remove: Callable[[str], object]
    stop: Callable[[], object] = field(default=lambda: None)


def _in_folder(folder: Path) -> tuple[Callable[[str, bytes], None], Callable[[str], None]]:
    def write(path: str, content: bytes) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)

    return write, lambda path: (folder / path).unlink()


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[FileServer]:
    """moto's S3, with a bucket of its own: what is in its buckets, all servers of this process have."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=USER, aws_secret_access_key=PASSWORD, region_name="us-east-1"
    )
    bucket = f"bucket-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket)
    try:
        yield FileServer(
            f"s3://{bucket}/docs",
            {"key": USER, "secret": PASSWORD, "client_kwargs": {"endpoint_url": endpoint, "region_name": "us-east-1"}},
            lambda path, content: client.put_object(Bucket=bucket, Key=f"docs/{path}", Body=content),
            lambda path: client.delete_object(Bucket=bucket, Key=f"docs/{path}"),
            server.stop,
        )
    finally:
        client.close()
        with contextlib.suppress(Exception):
            server.stop()


@contextlib.contextmanager
def webdav(folder: Path) -> Iterator[FileServer]:
    """wsgidav behind cheroot, with a user and a password."""
    from cheroot import wsgi
    from wsgidav.wsgidav_app import WsgiDAVApp

    logging.getLogger("wsgidav").setLevel(logging.ERROR)
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/share": str(folder)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), app)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        url = f"webdav://127.0.0.1:{server.bind_addr[1]}/share"
        yield FileServer(url, {"username": USER, "password": PASSWORD}, *_in_folder(folder), server.stop)
    finally:
        server.stop()
        thread.join()


def _door(open_now: list[Any]) -> Any:
    """What lets the one user in, and adds the connection to `open_now`."""
    import asyncssh

    class Door(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            open_now.append(conn)

        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

    return Door()


@contextlib.contextmanager
def sftp(folder: Path) -> Iterator[FileServer]:
    """asyncssh's SFTP server, with a user and a password; its key is in the given known_hosts."""
    import asyncssh

    open_now: list[Any] = []
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _door(open_now),
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder)),
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    port = server.get_port()
    known = folder.parent / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")

    async def close() -> None:
        server.close()
        for connection in open_now:
            connection.abort()
            await connection.wait_closed()
        await server.wait_closed()
        await asyncio.sleep(0.1)

    def stop() -> None:
        asyncio.run_coroutine_threadsafe(close(), loop).result(10)

    try:
        options = {"password": PASSWORD, "known_hosts": str(known)}
        yield FileServer(f"sftp://{USER}@127.0.0.1:{port}/", options, *_in_folder(folder), stop)
    finally:
        stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def smb(folder: Path) -> Iterator[FileServer]:
    """Debian's samba with one share, and a user who is a user of this machine."""
    home = Path(tempfile.mkdtemp(prefix="smb"))  # the names of its sockets must be short
    for name in ("", "private", "lock", "state", "cache", "pid", "ncalrpc"):
        (home / name).mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = home / "smb.conf"
    config.write_text(
        f"[global]\nserver role = standalone server\nmap to guest = never\nsmb ports = {port}\n"
        "interfaces = 127.0.0.1\nbind interfaces only = yes\ndisable spoolss = yes\nload printers = no\n"
        f"passdb backend = tdbsam:{home}/private/passdb.tdb\nprivate dir = {home}/private\n"
        f"lock directory = {home}/lock\n"
        f"state directory = {home}/state\ncache directory = {home}/cache\npid directory = {home}/pid\n"
        f"ncalrpc dir = {home}/ncalrpc\nlog file = {home}/log\n[share]\npath = {folder}\nread only = yes\n"
    )
    subprocess.run(
        ["smbpasswd", "-c", config, "-L", "-a", "-s", "root"],
        input=f"{PASSWORD}\n{PASSWORD}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    assert SMBD is not None
    process = subprocess.Popen(
        [SMBD, "-s", config, "-F", "--no-process-group"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # at its end it ends its whole process group
    )
    try:
        _wait_for(port)
        options = {"username": "root", "password": PASSWORD}
        yield FileServer(f"smb://127.0.0.1:{port}/share", options, *_in_folder(folder), process.terminate)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(home)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the server did not start")
