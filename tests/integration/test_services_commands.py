"""Do the commands do what they say, and does every refusal end in one sentence and the right exit code?"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import free_port
from tests.fakes import STARTER
from workers.cli import main

PASSWORD = "correct horse battery"
BROKEN = """
<opml version="2.0"><body><outline text="x" xmlUrl="http://93.184.216.34/a"></body></opml>
"""
OPML = """
<opml version="2.0"><body>
  <outline text="One" xmlUrl="http://93.184.216.34/one"/>
  <outline text="Two" xmlUrl="HTTP://93.184.216.34:80/two"/>
  <outline text="One again" xmlUrl="http://93.184.216.34/one"/>
  {more}
</body></opml>
"""
FEED = """
<rss version="2.0"><channel><title>Paper</title>
  <item><guid>1</guid><title>Acme charger caught fire</title><description>The Acme charger caught fire in my kitchen.</description></item>
  <item><guid>2</guid><title>Weather</title><description>Sunny.</description></item>
</channel></rss>
"""


@pytest.fixture
def tocsin(monkeypatch, tmp_path, capsys):
    """A function that runs one command in this process and returns (exit code, output, errors)."""
    for name in list(os.environ):
        if name.startswith("TOCSIN_") or name.removesuffix("_FILE") in {"DATABASE_URL", "REDIS_URL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    root = logging.getLogger()
    before = (root.handlers[:], root.level)

    def run(*arguments, given=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        output, errors = capsys.readouterr()
        return ended.value.code or 0, output, errors

    yield run
    root.handlers[:], root.level = before


@pytest.fixture
def migrated(tocsin):
    """The same, on a migrated database."""
    assert tocsin("migrate")[0] == 0
    return tocsin


def sentence(errors):
    """The one line that a refusal consists of."""
    (line,) = errors.strip().splitlines()
    assert "Traceback" not in line
    return line


def test_migrate_makes_the_schema_and_may_run_again(tocsin, tmp_path):
    assert tocsin("migrate") == (0, "The schema is at revision 0001.\n", "")
    assert tocsin("migrate")[0] == 0
    assert (tmp_path / "home" / "tocsin.db").is_file()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_migrate_works_on_both_databases(tocsin, monkeypatch, database_url):
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert tocsin("migrate") == (0, "The schema is at revision 0001.\n", "")
    assert tocsin("source", "list")[0] == 0


NEEDS_SCHEMA = [
    ("run-once",),
    ("brand", "add", "Acme"),
    ("source", "add", "http://93.184.216.34/feed"),
    ("source", "list"),
    ("user", "add", "ana@example.org", "--name", "Ana"),
    ("process", "apply", str(STARTER)),
]


@pytest.mark.parametrize("command", NEEDS_SCHEMA, ids=" ".join)
def test_a_command_before_migrate_says_what_to_run_first(tocsin, command):
    code, output, errors = tocsin(*command)
    assert (code, output) == (2, "")
    assert sentence(errors) == "tocsin: The database's schema is not up to date. Run `tocsin migrate` first."


@pytest.mark.parametrize(
    "wrong",
    [
        ("TOCSIN_BIND", "everywhere", "The setting TOCSIN_BIND is wrong: expected host:port"),
        ("TOCSIN_SWEEP_SECONDS", "often", "The setting TOCSIN_SWEEP_SECONDS is wrong"),
        ("DATABASE_URL", "mysql://x", "The setting DATABASE_URL is wrong"),
        ("DATABASE_URL_FILE", "/no/such/file", "The setting DATABASE_URL_FILE names a file that cannot be read"),
        ("TOCSIN_HOME", "/dev/null", "The setting TOCSIN_HOME is wrong"),
        ("TOCSIN_ALOW_PRIVATE", "x", "did you mean TOCSIN_ALLOW_PRIVATE?"),
    ],
)
@pytest.mark.parametrize("command", [("migrate",), ("doctor",), ("source", "list")], ids=" ".join)
def test_a_wrong_setting_is_one_sentence_and_exit_2(tocsin, monkeypatch, command, wrong):
    variable, value, expected = wrong
    monkeypatch.setenv(variable, value)
    code, output, errors = tocsin(*command)
    assert (code, output) == (2, "")
    assert expected in sentence(errors)


def test_a_wrong_setting_ends_a_real_process_with_2(tmp_path):
    environment = {**os.environ, "TOCSIN_HOME": str(tmp_path), "TOCSIN_LOG_FORMAT": "xml"}
    done = subprocess.run(
        [sys.executable, "-m", "workers.cli", "migrate"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        sentence(done.stderr) == "tocsin: The setting TOCSIN_LOG_FORMAT is wrong: Input should be 'console' or 'json'."
    )


@pytest.mark.parametrize("command", [("migrate",), ("source", "list"), ("run-once",)], ids=" ".join)
def test_f08_a_database_that_does_not_answer_is_one_sentence_without_its_password(tocsin, monkeypatch, command):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hunter2canary@127.0.0.1:{free_port()}/d")
    code, output, errors = tocsin(*command)
    assert (code, output) == (1, "")
    assert "The database does not answer" in sentence(errors)
    assert "hunter2canary" not in errors


def test_user_add_shows_a_password_once_with_which_the_person_can_log_in(migrated):
    code, output, _ = migrated("user", "add", "Ana@Example.org", "--name", "Ana", "--role", "manager")
    assert code == 0
    (password,) = re.findall(r"Password, shown once: (\S+)$", output.strip())
    assert len(password) >= 12
    assert migrated("user", "add", "ana@example.org", "--name", "Ana")[0] == 1


def test_user_add_takes_a_password_from_standard_input_and_does_not_show_it(migrated):
    arguments = ("user", "add", "ana@example.org", "--name", "Ana", "--password-stdin")
    code, output, errors = migrated(*arguments, given="short\n")
    assert (code, output) == (1, "")
    assert sentence(errors) == "tocsin: A password needs at least 12 characters."
    code, output, _ = migrated(*arguments, given=f"{PASSWORD}\n")
    assert (code, output) == (0, "Ana may log in as ana@example.org.\n")


@pytest.mark.parametrize(("role", "code"), [("admin", 0), ("emperor", 2)])
def test_user_add_knows_the_roles(migrated, role, code):
    got, _, errors = migrated("user", "add", "ana@example.org", "--name", "Ana", "--role", role)
    assert got == code
    assert ("community_manager" in errors) == bool(code)


def test_brand_add_watches_a_name_once(migrated):
    assert migrated("brand", "add", "Brévane")[:2] == (0, "Brévane is watched.\n")
    code, _, errors = migrated("brand", "add", "Brévane")
    assert (code, sentence(errors)) == (1, "tocsin: There is already a brand named brevane.")


def test_brand_add_refuses_a_query_that_cannot_be_read_and_says_where(migrated):
    code, _, errors = migrated("brand", "add", "Acme", "--query", "acme AND (")
    assert code == 1
    assert re.search(r"at character \d+", sentence(errors))
    assert migrated("brand", "add", "Acme")[0] == 0


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/feed", "http://localhost:6379/", "http://[::1]/", "http://169.254.169.254/", "ftp://a/"],
)
def test_s01_source_add_refuses_what_is_private_and_adds_nothing_of_its_list(migrated, address):
    code, output, errors = migrated("source", "add", "http://93.184.216.34/feed", address)
    assert (code, output) == (1, "")
    assert address in sentence(errors)
    assert "No sources yet" in migrated("source", "list")[1]


def test_source_add_watches_addresses_and_files_once(migrated, tmp_path):
    feed = tmp_path / "feed.xml"
    feed.write_text(FEED)
    arguments = ("source", "add", "http://93.184.216.34/feed", str(feed), "--medium", "news", "--tier", "1")
    assert migrated(*arguments)[:2] == (0, "2 of 2 sources are new; they are polled within seconds.\n")
    assert migrated(*arguments)[1].startswith("0 of 2 sources are new")
    listed = migrated("source", "list")[1]
    assert "http://93.184.216.34/feed" in listed
    assert "feed.xml" in listed


def test_source_add_says_what_it_takes(migrated):
    code, _, errors = migrated("source", "add", "no-such-file.xml")
    assert code == 2
    assert "is neither an address (https://…) nor a file" in errors


def test_source_import_watches_every_feed_of_a_file_once(migrated, tmp_path):
    path = tmp_path / "feeds.opml"
    path.write_text(OPML.format(more=""))
    code, output, _ = migrated("source", "import", str(path))
    assert code == 0
    assert output.startswith("2 of ")
    assert migrated("source", "import", str(path))[1].startswith("0 of ")


def test_source_import_names_the_address_that_it_refuses_and_adds_none(migrated, tmp_path):
    path = tmp_path / "feeds.opml"
    path.write_text(OPML.format(more='<outline text="x" xmlUrl="http://127.0.0.1/x"/>'))
    code, output, errors = migrated("source", "import", str(path))
    assert (code, output) == (1, "")
    assert "http://127.0.0.1/x" in sentence(errors)
    assert "No sources yet" in migrated("source", "list")[1]


@pytest.mark.parametrize("content", [BROKEN, "", "not xml", "<html/>"])
def test_source_import_of_a_file_that_is_no_opml_says_where_and_what_to_do(migrated, tmp_path, content):
    path = tmp_path / "feeds.opml"
    path.write_text(content)
    code, output, errors = migrated("source", "import", str(path))
    assert (code, output) == (1, "")
    assert re.search(r"opml:\d+:\d+: this .* — export ", errors)
    assert "was refused whole; nothing was changed." in errors
    assert "Traceback" not in errors


def test_process_check_accepts_the_starter_with_its_examples(tocsin):
    code, output, errors = tocsin("process", "check", str(STARTER))
    assert (code, errors) == (0, "")
    assert re.search(r"starter\.yaml: 21 categories, \d+ examples pass\.", output)


@pytest.fixture
def broken(tmp_path):
    """The starter with one mistake on a known line."""
    lines = STARTER.read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "queue: emergency" in line)
    lines[number - 1] = lines[number - 1].replace("emergency", "emergencee")
    path = tmp_path / "ours.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path, number


def test_process_check_refuses_a_broken_file_with_line_and_column_and_goes_on_to_the_next(tocsin, broken):
    path, number = broken
    code, output, errors = tocsin("process", "check", str(path), str(STARTER))
    assert code == 1
    assert re.search(rf"{re.escape(str(path))}:{number}:\d+: .*emergencee", errors)
    assert "was refused" in errors
    assert "examples pass" in output


def test_process_apply_puts_a_file_into_force_once(migrated):
    assert migrated("process", "apply", str(STARTER))[1].endswith("is in force.\n")
    assert migrated("process", "apply", str(STARTER))[1].endswith("was in force already.\n")


def test_process_apply_refuses_a_broken_file_whole_and_the_running_one_stays(migrated, broken):
    path, number = broken
    migrated("process", "apply", str(STARTER))
    code, output, errors = migrated("process", "apply", str(path))
    assert (code, output) == (1, "")
    assert f"{path}:{number}:" in errors
    assert "was refused whole; nothing was changed" in errors
    assert migrated("process", "apply", str(STARTER))[1].endswith("was in force already.\n")


def test_process_try_says_where_facts_lead_and_why_not_earlier(tocsin):
    code, output, _ = tocsin("process", "try", "--flag", "complaint", "--sentiment", "-0.5", "--json")
    answer = json.loads(output)
    assert (code, answer["category"], answer["queue"]) == (0, "unhappy_customer", "care")
    assert answer["rules"][-1] == ["unhappy_customer", True, ""]
    assert all(reason for _, matched, reason in answer["rules"][:-1] if not matched)


def test_process_try_shows_it_to_people_too(tocsin):
    code, output, _ = tocsin("process", "try", "--flag", "fire")
    assert code == 0
    assert "safety_harm → queue emergency" in output


def test_process_try_reads_a_text_first(tocsin):
    code, output, _ = tocsin("process", "try", "--json", "--text", "The charger caught fire in my kitchen")
    assert code == 0
    assert json.loads(output)["category"] == "safety_harm"


def test_process_starter_prints_what_process_check_accepts(tocsin, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(tocsin("process", "starter")[1], encoding="utf-8")
    assert tocsin("process", "check", str(path))[0] == 0


def test_doctor_names_everything_that_is_missing_and_then_that_all_is_well(tocsin):
    code, output, _ = tocsin("doctor")
    assert code == 1
    assert "Run `tocsin migrate`" in output
    tocsin("migrate")
    code, output, _ = tocsin("doctor")
    assert code == 1
    for fix in ("tocsin brand add NAME", "tocsin user add EMAIL --name NAME", "No response process is in force"):
        assert fix in output
    tocsin("process", "apply", str(STARTER))
    tocsin("brand", "add", "Acme")
    assert "no source yet. Run `tocsin source add ADDRESS`" in tocsin("doctor")[1]
    tocsin("source", "add", "http://93.184.216.34/feed")
    tocsin("user", "add", "ana@example.org", "--name", "Ana")
    code, output, _ = tocsin("doctor")
    assert (code, "All is well." in output, "✗" in output) == (0, True, False)


def test_doctor_says_that_a_configured_server_does_not_answer(tocsin, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hunter2canary@127.0.0.1:{free_port()}/d")
    monkeypatch.setenv("REDIS_URL", f"redis://:hunter2canary@127.0.0.1:{free_port()}/0")
    code, output, errors = tocsin("doctor")
    assert code == 1
    assert "Check DATABASE_URL" in output
    assert "Check REDIS_URL" in output
    assert "hunter2canary" not in output + errors


def test_s15_config_shows_that_a_secret_is_set_and_not_what_it_is(tocsin, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2canary@h/d")
    monkeypatch.setenv("TOCSIN_SECRET_KEY", "hunter2canary")
    code, output, errors = tocsin("config")
    assert code == 0
    assert re.search(r"DATABASE_URL\s+\(set\)", output)
    assert "hunter2canary" not in output + errors


def test_run_once_brings_a_file_to_its_queues_and_says_so_as_json(migrated, tmp_path):
    feed = tmp_path / "feed.xml"
    feed.write_text(FEED)
    migrated("process", "apply", str(STARTER))
    migrated("brand", "add", "Acme")
    migrated("source", "add", str(feed))
    code, output, _ = migrated("run-once", "--json")
    report = json.loads(output)
    assert code == 0
    assert (report["polled"], report["new_entries"], report["assessed"]) == (1, 2, 1)
    assert report["ledger"] == {
        "entries": 2,
        "mentions": 1,
        "received": 0,
        "queued": 1,
        "duplicates": 0,
        "dead": 0,
        "items": 1,
    }
    assert migrated("run-once")[1].startswith("Polled 0 sources")


def test_run_once_without_a_process_in_force_says_how_to_get_one_and_loses_nothing(migrated, tmp_path):
    feed = tmp_path / "feed.xml"
    feed.write_text(FEED)
    migrated("brand", "add", "Acme")
    migrated("source", "add", str(feed))
    for _ in range(4):
        code, _, errors = migrated("run-once", "--json")
        assert code == 1
        assert "tocsin process apply FILE" in errors.strip().splitlines()[-1]
        let_nudges_age(tmp_path)
    migrated("process", "apply", str(STARTER))
    ledger = json.loads(migrated("run-once", "--json")[1])["ledger"]
    assert (ledger["queued"], ledger["received"], ledger["dead"]) == (1, 0, 0)


def let_nudges_age(tmp_path):
    """What a minute does: a sweep takes the nudges of the last run for lost."""
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "tocsin.db")) as connection, connection:
        connection.execute("UPDATE mention SET nudged_at = NULL")


def test_the_home_of_the_tests_is_not_the_home_of_the_machine(tocsin, tmp_path):
    assert str(tmp_path) in tocsin("config")[1]
    assert Path(os.environ["TOCSIN_HOME"]).parent == tmp_path
