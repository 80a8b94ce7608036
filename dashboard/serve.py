"""How is the dashboard served? By gunicorn, started from our own program; parts are built after the fork."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from dashboard import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from gunicorn.config import Config

    from config.bootstrap import Container

DEFAULT_THREADS: Final = 8
_REQUEST_SECONDS: Final = 30
_GRACE_SECONDS: Final = 10


class _RootLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Hands gunicorn's records to the handlers of this program, so that there is one form of log line."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
        self.error_log.setLevel(logging.WARNING)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn with our settings and none of its files: no configuration file, no environment, no control socket."""

    def __init__(self, container_factory: Callable[[], Container], options: dict[str, Any]) -> None:
        self._container_factory = container_factory
        self._options = options
        self._container: Container | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", self._close)

    def load(self) -> Flask:
        """Build the parts and the application; gunicorn calls this in the worker, after the fork."""
        self._container = self._container_factory()
        return create_app(self._container)

    def _close(self, _arbiter: object, _worker: object) -> None:
        if self._container is not None:
            self._container.close()


def serve(
    container_factory: Callable[[], Container],
    bind: str,
    *,
    workers: int = 1,
    threads: int = DEFAULT_THREADS,
) -> None:
    """Serve the dashboard on `bind` (host:port) until SIGTERM or SIGINT; requests under way may end first (10 s).

    `container_factory` is called once in each worker process. `threads` requests are answered at the same time.
    """
    _Server(
        container_factory,
        {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "timeout": _REQUEST_SECONDS,
            "graceful_timeout": _GRACE_SECONDS,
            "keepalive": 15,  # longer than the two seconds between two polls of an open page
            "limit_request_line": 4094,
            "limit_request_fields": 60,
            "secure_scheme_headers": {},  # TOCSIN_TRUSTED_PROXIES decides whom we believe (dashboard/security.py)
            "forwarded_allow_ips": "127.0.0.1",
            "accesslog": None,
            "logger_class": _RootLogger,
            "control_socket_disable": True,
            "proc_name": "tocsin-web",
        },
    ).run()
