"""Web addresses: gives each page one form of address, and says which machines may be contacted at all."""

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
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
"""All addresses that were ever assigned for the internet.

An address that leads to an IPv4 address is judged by that one.
"""
# IPv6 networks whose last 32 bits are an IPv4 address: compatible, mapped, translated, NAT64 (RFC 4291, 2765, 6052).
_IPV4_AT_END = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""NAT64 inside one network (RFC 8215). It is not public, and each network chooses where the IPv4 address stands."""
# Addresses at which clouds answer with secrets, beside the link-local ones, which are never contacted: Alibaba, Azure,
# Oracle, Amazon (two), Google, Scaleway.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
            "fd00:42::42",
        ),
    )
)  # fmt: skip

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def normal(url: str, base: str = "") -> str | None:
    """Returns the one form of a page's address. Returns None if it is no http address, or has a password in it.

    The form is absolute. It has no fragment, tracking parameters, default port, dot segments or needless escapes.
    """
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
    """Returns the host of a normal address. The port follows if it is not the default port."""
    return urlsplit(url).netloc


def path_of(url: str) -> str:
    """Returns the path and the query of a normal address, as they stand in a request line."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def resolve(host: str, port: int, *, private: bool) -> list[str]:
    """Returns the addresses of a host that may be contacted.

    With `private`, addresses of this machine and of the local network are allowed too. Raises DocumentError
    `address_refused` if the host has only other addresses, OSError if it has none.
    """
    found = [host] if is_numeric(host) else _looked_up(host, port)
    allowed = [address for address in dict.fromkeys(found) if may_speak_to(address, private=private)]
    if not allowed:
        if private:
            raise DocumentError(
                "address_refused",
                f"{host} is an address that no page is read from: link-local, multicast or a cloud's metadata.",
                "Exclude it from the source.",
            )
        raise DocumentError(
            "address_refused",
            f"{host} is an address of this machine or of a private network.",
            "If it is meant, set allow_private = true for this source.",
        )
    return allowed


def is_numeric(host: str) -> bool:
    """Returns True if the host is already a numeric address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def may_speak_to(address: str, *, private: bool) -> bool:
    """Returns True if a numeric address may be contacted.

    If it leads to other addresses, each of them must be allowed.
    """
    try:
        given = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    embedded = _embedded(given)
    if any(map(_is_forbidden, (given, *embedded))):
        return False
    return private or (_is_public(given) and all(map(_is_public, embedded)))


def _is_forbidden(address: Address) -> bool:
    """Returns True if the address is never contacted, even if private addresses are allowed."""
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global
    if address.sixtofour or address.teredo or any(address in network for network in _IPV4_AT_END[1:]):
        return True  # allowed if the address that it leads to is
    return address.is_global and address in _PUBLIC_IPV6


def _looked_up(host: str, port: int) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _embedded(address: Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Returns the IPv4 addresses that an IPv6 address leads to: those of its end, its relay and its server."""
    if isinstance(address, ipaddress.IPv4Address) or address == ipaddress.IPv6Address("::1"):
        return ()
    bits = int(address)
    if any(address in network for network in _IPV4_AT_END):
        return (ipaddress.IPv4Address(bits & 0xFFFFFFFF),)
    if address in _LOCAL_NAT64:
        # RFC 6052: the 32 bits begin at bit 48, 56 or 64 and skip the eight bits from 64 on, or they are the last 32
        # bits.
        packed = address.packed
        places = (packed[6:8] + packed[9:11], packed[7:8] + packed[9:12], packed[9:13], packed[12:])
        return tuple(found for found in map(ipaddress.IPv4Address, places) if int(found))
    if address.teredo:
        return address.teredo
    return (address.sixtofour,) if address.sixtofour else ()


def _escaped(text: str) -> str:
    def shortest(found: re.Match[str]) -> str:
        character = chr(int(found[1], 16))
        return character if character in _UNRESERVED else f"%{found[1].upper()}"

    return _ESCAPE.sub(shortest, quote(text, safe=_SAFE))


def _without_dots(path: str) -> str:
    """Returns the path with `.` and `..` resolved (RFC 3986, 5.2.4)."""
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
