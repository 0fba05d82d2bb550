"""Forbids connections that leave this machine, in every Python process that the tests start.

It is an audit hook, so no library can go round it, and it is on the path of child processes by PYTHONPATH.
"""

import ipaddress
import sys


def _is_loopback(host: object) -> bool:
    if host in ("localhost", "", None, "0.0.0.0", "::"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise PermissionError(f"tests may not reach the network: {event} {address}")
    elif event == "socket.getaddrinfo" and not _is_loopback(arguments[0]):
        raise PermissionError(f"tests may not reach the network: {event} {arguments[0]}")


sys.addaudithook(_guard)
