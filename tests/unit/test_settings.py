"""Does a wrong or missing setting end in one sentence that names it and the fix?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import Settings, load_settings
from triage.domain.errors import SettingsError

PASSWORD = "hunter2canary"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    """No setting of the machine that runs the tests."""
    for name in list(os.environ):
        if name.startswith("TOCSIN_") or name.removesuffix("_FILE") in {"DATABASE_URL", "REDIS_URL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))


def test_without_any_setting_all_of_it_is_in_the_home_folder(tmp_path):
    settings = load_settings()
    assert settings.embedded_database
    assert settings.database() == f"sqlite:///{tmp_path / 'home' / 'tocsin.db'}"
    assert settings.broker() == f"redis+socket://{tmp_path / 'home' / 'valkey.sock'}"


def test_the_home_folder_follows_the_desktop_convention(monkeypatch, tmp_path):
    monkeypatch.delenv("TOCSIN_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert load_settings().home == tmp_path / "tocsin"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings().home == tmp_path / ".local" / "share" / "tocsin"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgresql_url_reaches_the_one_driver(monkeypatch, scheme):
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://u:p@h:5432/d")
    assert load_settings().database() == "postgresql+psycopg://u:p@h:5432/d"


def test_a_socket_path_that_is_too_long_for_the_system_moves_to_a_short_one(monkeypatch, tmp_path):
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / ("long" * 30)))
    socket = load_settings().broker_socket
    assert len(os.fsencode(socket)) < 104
    assert socket == load_settings().broker_socket


WRONG = [
    ("TOCSIN_BIND", "8080", "127.0.0.1:8080"),
    ("TOCSIN_BIND", "localhost:http", "127.0.0.1:8080"),
    ("TOCSIN_BIND", "localhost:70000", "127.0.0.1:8080"),
    ("TOCSIN_BIND", "localhost:²", "127.0.0.1:8080"),
    ("TOCSIN_SWEEP_SECONDS", "60", "less than or equal to 15"),
    ("TOCSIN_SWEEP_SECONDS", "often", "valid integer"),
    ("TOCSIN_POLL_MIN_SECONDS", "1", "greater than or equal to 5"),
    ("TOCSIN_POLL_MIN_SECONDS", "90000", "longer than the longest, 21600 seconds"),
    ("TOCSIN_LOG_FORMAT", "xml", "'console' or 'json'"),
    ("TOCSIN_HTTPS", "perhaps", "boolean"),
    ("TOCSIN_TRUSTED_PROXIES", "-1", "greater than or equal to 0"),
    ("TOCSIN_LANGUAGES", "en,xx", "'xx' is not among the languages that can be read: en, fr"),
    ("DATABASE_URL", f"mysql://u:{PASSWORD}@h/d", "postgresql://user:password@host/database"),
    ("DATABASE_URL", f"postgresql://u:{PASSWORD}@h:port/d", "postgresql://user:password@host/database"),
    ("DATABASE_URL", "sqlite:///", "the path of a file"),
    ("REDIS_URL", f"amqp://u:{PASSWORD}@h", "redis://:password@host:6379/0"),
]


@pytest.mark.parametrize(("variable", "value", "expected"), WRONG)
def test_a_wrong_setting_is_one_sentence_that_names_it_and_what_is_expected(monkeypatch, variable, value, expected):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    sentence = str(refused.value)
    assert sentence.startswith(f"The setting {variable} is wrong: ")
    assert expected in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(("variable", "value", "expected"), [case for case in WRONG if PASSWORD in case[1]])
def test_s15_the_sentence_about_a_wrong_secret_does_not_repeat_it(monkeypatch, variable, value, expected):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert PASSWORD not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("home", ["file", "file/below", "file/far/below"])
def test_a_home_that_is_a_file_or_below_one_is_refused(monkeypatch, tmp_path, home):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / home))
    with pytest.raises(SettingsError, match=r"TOCSIN_HOME is wrong: .* is a file; expected a folder"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("TOCSIN_ALOW_PRIVATE", "TOCSIN_ALLOW_PRIVATE"),
        ("TOCSIN_HOST", "TOCSIN_HOSTS"),
        ("TOCSIN_DATABASE_URL", "DATABASE_URL"),
        ("TOCSIN_REDIS_URL", "REDIS_URL"),
    ],
)
def test_o12_a_misspelt_setting_is_refused_and_not_silently_ignored(monkeypatch, given, meant):
    monkeypatch.setenv(given, "x")
    with pytest.raises(SettingsError, match=f"There is no setting {given}; did you mean {meant}\\?"):
        load_settings()


@pytest.mark.parametrize("name", ["TOCSIN_VERSION", "TOCSIN_PORT", "TOCSIN_TEST_DATABASE_URL"])
def test_variables_of_compose_and_of_the_tests_are_no_slips(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert load_settings().bind == "127.0.0.1:8080"


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "TOCSIN_PROCESS_FILE", "TOCSIN_ALLOW_PRIVATE"])
def test_an_empty_variable_counts_as_unset(monkeypatch, name):
    plain = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == plain


def test_a_brokers_address_is_no_database(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"redis://:{PASSWORD}@h")
    with pytest.raises(SettingsError, match="DATABASE_URL is wrong: expected postgresql://") as refused:
        load_settings().database()
    assert PASSWORD not in str(refused.value)


def test_lists_are_written_with_commas(monkeypatch):
    monkeypatch.setenv("TOCSIN_HOSTS", "a.example, b.example ,")
    monkeypatch.setenv("TOCSIN_ALLOW_PRIVATE", "10.0.0.0/8,127.0.0.1:80")
    settings = load_settings()
    assert settings.hosts == ("a.example", "b.example")
    assert settings.allow_private == ("10.0.0.0/8", "127.0.0.1:80")


def test_secrets_come_from_files_and_the_file_wins(monkeypatch, tmp_path):
    for name, value in (
        ("DATABASE_URL", "postgresql://u:x@h/d"),
        ("REDIS_URL", "redis://h"),
        ("TOCSIN_SECRET_KEY", "k"),
    ):
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    monkeypatch.setenv("REDIS_URL", "redis://other")
    settings = load_settings()
    assert settings.database() == "postgresql+psycopg://u:x@h/d"
    assert settings.broker() == "redis://h"
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == "k"


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "cannot be read"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "cannot be read")],
)
def test_a_secret_file_that_is_missing_empty_or_no_text_is_one_sentence(monkeypatch, tmp_path, content, expected):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("DATABASE_URL_FILE", str(path))
    with pytest.raises(SettingsError, match=f"The setting DATABASE_URL_FILE names a file that .*{expected}"):
        load_settings()


def test_s15_settings_do_not_show_their_secrets():
    settings = load_settings(DATABASE_URL=f"postgresql://u:{PASSWORD}@h/d", secret_key=PASSWORD)
    assert PASSWORD not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_settings_cannot_be_changed_after_they_were_read():
    with pytest.raises(ValidationError):
        load_settings().home = Path("/elsewhere")


def test_what_the_caller_gives_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("TOCSIN_BIND", "0.0.0.0:1")
    assert load_settings(bind="127.0.0.1:2").bind == "127.0.0.1:2"


def test_every_setting_says_what_it_is_for():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
