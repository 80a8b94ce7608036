"""Which settings does an installation have? One frozen object, read from the environment, units in names."""

from __future__ import annotations

import os
from difflib import get_close_matches
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from triage.domain.errors import SettingsError

_ALIASES: Final = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}
_SECRETS: Final = ("DATABASE_URL", "REDIS_URL", "TOCSIN_SECRET_KEY")
_PREFIX: Final = "TOCSIN_"
_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgres://", "postgresql://", "postgresql+psycopg://")
_EXPECTED_DATABASE: Final = f"expected postgresql://user:password@host/database, or {_SQLITE} and the path of a file"
_BROKERS: Final = ("redis://", "rediss://", "redis+socket://")
_ALIKE: Final = 0.8
"""How alike (0 to 1) an unknown variable is to a setting when we take it for a slip of the pen."""


def _default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "tocsin"


class Settings(BaseSettings):
    """Everything an installation may set; `tocsin config` shows the effective values without secrets."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

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

    @field_validator("home")
    @classmethod
    def _is_folder(cls, value: Path) -> Path:
        existing = next((folder for folder in (value, *value.absolute().parents) if folder.exists()), Path("/"))
        if not existing.is_dir():
            raise ValueError(f"{existing} is a file; expected a folder, which is made when it is missing")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: SecretStr | None) -> SecretStr | None:
        # A broker's address here, from two secrets that were swapped, is refused by `database`.
        if value is not None and not _is_url(value.get_secret_value(), (_SQLITE, *_POSTGRES, *_BROKERS)):
            raise ValueError(_EXPECTED_DATABASE)
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_broker(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_url(value.get_secret_value(), _BROKERS):
            raise ValueError("expected redis://:password@host:6379/0, rediss://… or redis+socket:///path/to/socket")
        return value

    @field_validator("bind")
    @classmethod
    def _is_bind(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004  # the last port
            raise ValueError("expected host:port, for instance 127.0.0.1:8080")
        return value

    @field_validator("languages")
    @classmethod
    def _are_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        shipped = sorted(
            file.name.removesuffix(".yaml") for file in files("triage.language").joinpath("lexicons").iterdir()
        )
        for language in value:
            if language not in shipped:
                raise ValueError(f"{language!r} is not among the languages that can be read: {', '.join(shipped)}")
        return value

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.poll_min_seconds > self.poll_max_seconds:
            raise ValueError(f"the shortest interval is longer than the longest, {self.poll_max_seconds} seconds")
        return self

    @property
    def embedded_database(self) -> bool:
        """Is the database our own file in TOCSIN_HOME?"""
        return self.database_url is None

    def database(self) -> str:
        """Return the database's URL, with the password. Raises SettingsError when it is not one."""
        if self.database_url is None:
            return f"{_SQLITE}{self.home / 'tocsin.db'}"
        url = self.database_url.get_secret_value()
        for scheme in _POSTGRES:
            if url.startswith(scheme):
                return _POSTGRES[-1] + url.removeprefix(scheme)
        if not url.startswith(_SQLITE):
            raise SettingsError(f"The setting DATABASE_URL is wrong: {_EXPECTED_DATABASE}.")
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
    """Read the settings from the environment; `changes` win over it, and an empty variable counts as unset.

    A variable `NAME_FILE` names a file that holds the value of the secret `NAME`.

    Raises:
        SettingsError: one sentence that names the first wrong setting and what is expected.
    """
    _refuse_misspelt()
    try:
        return Settings(**{**_secrets_from_files(), **changes})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = str(fault["loc"][0]) if fault["loc"] else "poll_min_seconds"
        message = fault["msg"].removeprefix("Value error, ")
        raise SettingsError(f"The setting {_variable(name)} is wrong: {message}.") from None


def _variable(name: str) -> str:
    return _ALIASES.get(name) or (name if name.isupper() else _PREFIX + name.upper())


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        _ = urlsplit(text).port
    except ValueError:
        return False
    return text.startswith(schemes) and not any(text == scheme for scheme in schemes)


def _refuse_misspelt() -> None:
    """Refuse a variable that is nearly a setting: silently ignored, it would leave the default in force."""
    variables = {*map(_variable, Settings.model_fields), *(f"{secret}_FILE" for secret in _SECRETS)}
    known = {variable.removeprefix(_PREFIX): variable for variable in sorted(variables)}
    given = {name.removeprefix(_PREFIX): name for name in os.environ if name.startswith(_PREFIX)}
    for short, variable in given.items():
        if variable in variables or short.startswith("TEST"):
            continue
        if alike := get_close_matches(short, known, n=1, cutoff=_ALIKE):
            raise SettingsError(f"There is no setting {variable}; did you mean {known[alike[0]]}?")


def _secrets_from_files() -> dict[str, str]:
    found = {}
    for variable in _SECRETS:
        path = os.environ.get(f"{variable}_FILE")
        if not path:
            continue
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise SettingsError(f"The setting {variable}_FILE names a file that cannot be read: {error}.") from None
        if not value:
            raise SettingsError(f"The setting {variable}_FILE names a file that is empty: {path}.")
        found[variable if variable in _ALIASES.values() else variable.removeprefix(_PREFIX).lower()] = value
    return found
