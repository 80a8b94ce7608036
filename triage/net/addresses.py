"""WHICH ADDRESSES MAY WE REACH? The URL rule, the address rule, and the one resolution of a name.

Source of both rules: the 36 inputs of the SSRF corpus (tests/unit/test_net_addresses.py). `ipaddress` alone is not
enough: `is_global` is true for NAT64, 6to4, site-local, multicast and other forms that reach private machines.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, urlsplit

from triage.domain.errors import AddressRefused, SettingsError
from triage.domain.urls import MAX_URL_CHARS, split_authority

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from triage.net.wire import Deadline

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NEVER_IN_A_URL: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\s]")
_KEPT_IN_TARGET: Final = "!$%&'()*+,/:;=?@[]~"
_MOST_ADDRESSES: Final = 4

_CLOSED_V4: Final = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10")))
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
_CLOSED_V6: Final = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


class Resolver(Protocol):
    """Answers with the numeric addresses of a name; raises `OSError` when there are none."""

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return addresses as text, such as `93.184.216.34` or `2606:4700::1111`."""


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Ask the operating system, as every other program on this machine does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL points, in checked spelling; nothing is resolved yet.

    `host` is ASCII and without brackets, `authority` is what the Host header carries, `target` is path and query.
    """

    secure: bool
    host: str
    port: int
    authority: str
    target: str

    @property
    def url(self) -> str:
        """The normalised URL, without fragment."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.target}"


def place_of(url: str) -> Place:
    """Apply the URL rule; raises `AddressRefused` with the reason.

    http and https only; no backslash, control character, space or user-info, because readers of URLs disagree about
    what these mean; the host in its one ASCII spelling, so that what is checked is what is resolved.
    """
    if len(url) > MAX_URL_CHARS:
        raise AddressRefused(f"this address is longer than {MAX_URL_CHARS:,} characters")
    if _NEVER_IN_A_URL.search(url):
        raise AddressRefused("this address holds a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise AddressRefused("this address cannot be read: check the part after //") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise AddressRefused("only addresses that begin with http:// or https:// are read")
    if "@" in parts.netloc:
        raise AddressRefused("this address holds a user name: leave out the part before the @")
    authority = split_authority(parts.netloc)
    if authority is None:
        raise AddressRefused("this address has no valid host name or port")
    host, port = authority
    default = _DEFAULT_PORTS[parts.scheme]
    target = quote(parts.path or "/", safe=_KEPT_IN_TARGET, errors="replace")
    if parts.query:
        target += "?" + quote(parts.query, safe=_KEPT_IN_TARGET, errors="replace")
    return Place(
        secure=parts.scheme == "https",
        host=host.strip("[]"),
        port=port or default,
        authority=host if port in (None, default) else f"{host}:{port}",
        target=target,
    )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address belongs to the public internet.

    IPv4: `is_global`, not multicast, not a protocol, 6to4-relay or carrier-grade-NAT range. IPv6: global unicast
    (2000::/3) without the ranges that carry IPv4 or documentation. Mapped and NAT64 forms lie outside 2000::/3.
    """
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in closed for closed in _CLOSED_V4)
    return address in _GLOBAL_UNICAST and not any(address in closed for closed in _CLOSED_V6)


class AllowList:
    """Private places that this installation opens on purpose: networks, or single address:port pairs."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Read entries like `10.0.0.0/8`, `fd00::/8`, `127.0.0.1:8901`, `[::1]:8901`; raises `SettingsError`."""
        self._networks = []
        self._pairs = set()
        for entry in entries:
            authority = split_authority(entry)
            try:
                if authority and authority[1]:
                    self._pairs.add((ip_address(authority[0].strip("[]")), authority[1]))
                else:
                    self._networks.append(ip_network(entry))
            except ValueError as error:
                raise SettingsError(
                    f"allowed private address {entry!r} is neither a network such as 10.0.0.0/8 "
                    "nor an address with a port such as 127.0.0.1:8901"
                ) from error

    def permits(self, address: IPv4Address | IPv6Address, port: int) -> bool:
        """Say whether this address at this port was opened."""
        return (address, port) in self._pairs or any(address in network for network in self._networks)


class Guard:
    """Turns a place into the addresses that may be connected to; keeps no answer, so it may be shared by threads."""

    def __init__(self, resolver: Resolver, allowed: AllowList) -> None:
        self._resolver = resolver
        self._allowed = allowed

    def addresses(self, place: Place, deadline: Deadline) -> list[str]:
        """Resolve once and check every answer; the caller connects to exactly what is returned.

        One private address refuses the whole name. Raises `AddressRefused` (with the same words whatever listens
        there), `OSError` when the name is unknown, `TimeoutError` when the resolver is too slow.
        """
        try:
            found = [ip_address(text) for text in self._answers(place, deadline)]
        except ValueError as error:
            raise AddressRefused from error
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "the resolver gave an empty answer")
        if not all(is_public(address) or self._allowed.permits(address, place.port) for address in found):
            raise AddressRefused
        return list(dict.fromkeys(map(str, found)))[:_MOST_ADDRESSES]

    def _answers(self, place: Place, deadline: Deadline) -> Sequence[str]:
        try:
            return [str(ip_address(place.host))]
        except ValueError:
            return _before(deadline, self._resolver, place)


def _before(deadline: Deadline, resolver: Resolver, place: Place) -> Sequence[str]:
    """Ask in a thread of its own: getaddrinfo has no time limit and cannot be interrupted."""
    outcome: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(resolver(place.host, place.port))
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that waits
            outcome.put(error)

    threading.Thread(target=ask, name="net-resolve", daemon=True).start()
    try:
        answer = outcome.get(timeout=deadline.remaining())
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer
