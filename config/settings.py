"""Which settings does an installation have? One frozen object, read from the environment, units in names."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from triage.domain.errors import SettingsError

_ALIASES: Final = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}
_SECRETS: Final = ("DATABASE_URL", "REDIS_URL", "TOCSIN_SECRET_KEY")


def _default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "tocsin"


class Settings(BaseSettings):
    """Everything an installation may set; `tocsin config` shows the effective values without secrets."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_", frozen=True, extra="ignore", populate_by_name=True)

    home: Path = Field(
        default_factory=_default_home, description="Folder of the embedded default: database, broker, logs."
    )
    database_url: SecretStr | None = Field(
        None, alias="DATABASE_URL", description="PostgreSQL or SQLite; SQLite in TOCSIN_HOME when unset."
    )
    redis_url: SecretStr | None = Field(
        None, alias="REDIS_URL", description="Redis or Valkey; our own Valkey in TOCSIN_HOME when unset."
    )
    secret_key: SecretStr | None = Field(None, description="Signs forms; made once in TOCSIN_HOME when unset.")
    process_file: Path | None = Field(
        None, description="Response process put into force at start; the starter when unset."
    )
    bind: str = Field("127.0.0.1:8080", description="host:port of the dashboard.")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("localhost", "127.0.0.1"), description="Host names the dashboard answers to."
    )
    https: bool = Field(default=False, description="The dashboard is reached by https: secure cookies and HSTS.")
    trusted_proxies: int = Field(0, ge=0, le=5, description="Number of reverse proxies in front of the dashboard.")
    allow_private: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Private networks (CIDR or host:port) that sources may be fetched from."
    )
    contact: str = Field(
        "https://tocsin.invalid/contact", description="Address publishers may write to; sent in the User-Agent."
    )
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        ("en", "fr"), description="Languages that are read; English is scored."
    )
    poll_min_seconds: int = Field(300, ge=5, description="Shortest interval between two polls of a source.")
    poll_max_seconds: int = Field(21_600, ge=60, description="Longest interval between two polls of a source.")
    sweep_seconds: int = Field(
        10, ge=1, le=15, description="How often rows are searched for work whose nudge was lost."
    )
    worker_concurrency: int = Field(2, ge=1, le=32, description="Pool processes of the main worker.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("hosts", "allow_private", "languages", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("bind")
    @classmethod
    def _is_bind(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65_535:  # noqa: PLR2004  # the range of ports
            raise ValueError("expected host:port, for instance 127.0.0.1:8080")
        return value

    @property
    def embedded_database(self) -> bool:
        """Is the database our own file in TOCSIN_HOME?"""
        return self.database_url is None

    def database(self) -> str:
        """Return the database's URL, with the password."""
        if self.database_url is None:
            return f"sqlite:///{self.home / 'tocsin.db'}"
        url = self.database_url.get_secret_value()
        for short in ("postgres://", "postgresql://"):
            if url.startswith(short):
                return "postgresql+psycopg://" + url.removeprefix(short)
        return url

    def broker(self) -> str:
        """Return the broker's URL, with the password."""
        return self.redis_url.get_secret_value() if self.redis_url else f"redis+socket://{self.broker_socket}"

    @property
    def broker_socket(self) -> Path:
        """The unix socket of our own Valkey; a path must stay below 104 characters (macOS)."""
        wanted = self.home / "valkey.sock"
        if len(os.fsencode(wanted)) < 100:  # noqa: PLR2004  # sun_path holds 104 bytes on macOS
            return wanted
        return Path("/tmp") / f"tocsin-{sha256(os.fsencode(self.home)).hexdigest()[:16]}.sock"  # noqa: S108  # 0700 socket


def load_settings(**changes: Any) -> Settings:
    """Read the settings from the environment; `changes` win over it.

    A variable `NAME_FILE` names a file that holds the value of the secret `NAME`.

    Raises:
        SettingsError: one sentence that names the first wrong setting and what is expected.
    """
    try:
        return Settings(**{**_secrets_from_files(), **changes})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = str(fault["loc"][0])
        variable = name if name.isupper() else f"TOCSIN_{name.upper()}"
        raise SettingsError(f"The setting {variable} is wrong: {fault['msg'].removeprefix('Value error, ')}.") from None


def _secrets_from_files() -> dict[str, str]:
    found = {}
    for variable in _SECRETS:
        path = os.environ.get(f"{variable}_FILE")
        if path is None:
            continue
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"The setting {variable}_FILE names a file that cannot be read: {error}.") from None
        found[variable if variable in _ALIASES.values() else variable.removeprefix("TOCSIN_").lower()] = value
    return found
