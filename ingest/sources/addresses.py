"""Web addresses: one form for each page, and which machines may be spoken to at all."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from ingest.errors import DocumentError

MAX_URL: Final = 2000
_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAFE = "%!$&'()*+,;=:@/?[]~"
_TRACKING = re.compile(r"(utm_\w+|gclid|fbclid|msclkid|yclid|mc_[ce]id)(=.*)?", re.I)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What clouds answer with secrets, beside the link-local address that is never spoken to.
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def normal(url: str, base: str = "") -> str | None:
    """The address of a page in the one form that stands for it: absolute, without fragment, tracking parameters,
    default port, dot segments and needless escapes. None if it is no http address, or has a password in it."""
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        host, port = parts.hostname, parts.port
        if parts.scheme not in _PORTS or not host or parts.username is not None:
            return None
        host = host if ":" in host else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return None
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS[parts.scheme]:
        authority = f"{authority}:{port}"
    query = "&".join(part for part in parts.query.split("&") if not _TRACKING.fullmatch(part))
    path = _without_dots(_escaped(parts.path)) or "/"
    whole = urlunsplit(SplitResult(parts.scheme, authority, path, _escaped(query), ""))
    return whole if len(whole) <= MAX_URL else None


def site(url: str) -> str:
    """The host of a normal address, with its port where that is not the default."""
    return urlsplit(url).netloc


def path_of(url: str) -> str:
    """Path and query of a normal address, as a request line has them."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def resolve(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses of a host that may be spoken to; `private`: also this machine's and the local network's.

    Raises DocumentError `address_refused` where there are others only, OSError where there are none.
    """
    found = [host] if is_numeric(host) else _looked_up(host, port)
    allowed = [address for address in dict.fromkeys(found) if may_speak_to(address, private=private)]
    if not allowed:
        raise DocumentError(
            "address_refused",
            f"{host} is an address of this machine or of a private network.",
            "If it is meant, set allow_private = true for this source.",
        )
    return allowed


def is_numeric(host: str) -> bool:
    """Whether a host is an address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def may_speak_to(address: str, *, private: bool) -> bool:
    """Whether a numeric address may be connected to."""
    try:
        real = _embedded(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if real.is_link_local or real.is_multicast or real.is_unspecified or real in _METADATA:
        return False
    return private or real.is_global


def _looked_up(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _escaped(text: str) -> str:
    def shortest(found: re.Match[str]) -> str:
        character = chr(int(found[1], 16))
        return character if character in _UNRESERVED else f"%{found[1].upper()}"

    return _ESCAPE.sub(shortest, quote(text, safe=_SAFE))


def _without_dots(path: str) -> str:
    """The path with `.` and `..` resolved (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)
