"""Does the private PostgreSQL start, forget nothing when it is killed, and leave nothing behind?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.databases import NoPostgres, PrivatePostgres, find_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def cluster() -> Iterator[PrivatePostgres]:
    try:
        binaries = find_binaries()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with PrivatePostgres(durable=True, binaries=binaries) as started:
        yield started


def run(cluster: PrivatePostgres, database: str, statement: str) -> list[tuple[object, ...]]:
    dsn = cluster.url(database).replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_the_server_never_runs_as_root(cluster):
    assert Path(f"/proc/{cluster.pid}").stat().st_uid != 0
    assert (cluster.folder / "data").stat().st_uid != 0


def test_a_database_copied_from_a_template_has_the_templates_tables(cluster):
    template = cluster.create_database("schema_once")
    run(cluster, template, "CREATE TABLE mention (id int)")
    copy = cluster.create_database("copied", template=template)
    assert run(cluster, copy, "SELECT count(*) FROM mention") == [(0,)]
    cluster.drop_database(copy)
    assert run(cluster, "postgres", "SELECT 1 FROM pg_database WHERE datname = 'copied'") == []


@pytest.mark.parametrize("ending", ["stop", "stop_immediate", "kill"])
def test_committed_rows_survive_every_kind_of_ending_and_the_url_stays(cluster, ending):
    database = cluster.create_database()
    run(cluster, database, "CREATE TABLE kept AS SELECT generate_series(1, 100) AS id")
    url_before, pid_before = cluster.url(database), cluster.pid
    getattr(cluster, ending)()
    with pytest.raises(psycopg.OperationalError):
        run(cluster, database, "SELECT 1")
    cluster.start()
    assert run(cluster, database, "SELECT count(*) FROM kept") == [(100,)]
    assert cluster.url(database) == url_before
    assert cluster.pid != pid_before


def test_removing_a_cluster_leaves_no_process_and_no_file():
    try:
        cluster = PrivatePostgres()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with cluster:
        folder, pid = cluster.folder, cluster.pid
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_missing_binaries_are_told_in_one_line(tmp_path: Path):
    with pytest.raises(NoPostgres) as caught:
        find_binaries([tmp_path])
    assert "\n" not in str(caught.value)
    assert "initdb" in str(caught.value)


def test_a_server_that_is_too_old_is_refused_with_its_version(tmp_path: Path):
    for program in ("initdb", "postgres"):
        script = tmp_path / program
        script.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 12.4'\n")
        script.chmod(0o755)
    with pytest.raises(NoPostgres, match="PostgreSQL 12 is older than 15"):
        find_binaries([tmp_path])
