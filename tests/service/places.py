"""Where a service under test keeps things: a database and a Redis of its own, on whichever servers the suite uses."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from redis import Redis

REDIS_NUMBERS = range(10, 16)  # logical databases that tests may take; the suite itself uses a lower one
LOCK = "authsvc-test-owner"


def _other_name(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def database_of_its_own() -> Iterator[dict[str, str]]:
    """The environment of a service: a new database where `DATABASE_URL` names a server, else nothing (SQLite)."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    name = f"authsvc_stack_{secrets.token_hex(4)}"
    with psycopg.connect(_other_name(url, "postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield {"DATABASE_URL": _other_name(url, name)}
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def redis_of_its_own() -> Iterator[dict[str, str]]:
    """A logical database nobody else uses where `REDIS_URL` names a server, else nothing (`up` starts its own)."""
    url = os.environ.get("REDIS_URL", "")
    if not url.startswith("redis"):
        yield {"REDIS_URL": ""}
        return
    for number in REDIS_NUMBERS:
        own = _other_name(url, str(number))
        with Redis.from_url(own) as redis:
            if not redis.set(LOCK, str(os.getpid()), nx=True, ex=3600):
                continue
            try:
                yield {"REDIS_URL": own}
            finally:
                redis.flushdb()
            return
    raise RuntimeError("every logical Redis database for tests is taken")


def database_rows(env: dict[str, str], data_dir: Path) -> str:
    """Every value of every table as text: what a dump would show."""
    if url := env.get("DATABASE_URL"):
        with psycopg.connect(url) as server:
            tables = [name for (name,) in server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            return "\n".join(
                repr(row)
                for table in tables
                for row in server.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            )
    database = sqlite3.connect(data_dir / "authsvc.sqlite3")
    try:
        names: list[Any] = database.execute("select name from sqlite_master where type='table'").fetchall()
        return "\n".join(repr(row) for (name,) in names for row in database.execute('select * from "' + name + '"'))
    finally:
        database.close()


def redis_dump(env: dict[str, str], data_dir: Path) -> str:
    """Everything the broker and the channel layer hold."""
    url = env.get("REDIS_URL") or f"unix://{next(data_dir.rglob('*.sock'))}"
    with Redis.from_url(url) as redis:
        return "".join(f"{key!r}{redis.dump(key)!r}" for key in redis.scan_iter())


def audit_times(env: dict[str, str], data_dir: Path, *, action: str, connection_id: str) -> list[datetime]:
    """When the audit log has `action` for this connection."""
    if url := env.get("DATABASE_URL"):
        query = "SELECT at FROM vault_auditrecord WHERE action = %s AND details->>'connection_id' = %s"
        with psycopg.connect(url) as server:
            return [at for (at,) in server.execute(query, (action, connection_id))]
    database = sqlite3.connect(data_dir / "authsvc.sqlite3")
    try:
        query = "select at from vault_auditrecord where action = ? and details ->> '$.connection_id' = ?"
        found = database.execute(query, (action, connection_id)).fetchall()
        return [datetime.fromisoformat(at).replace(tzinfo=UTC) for (at,) in found]
    finally:
        database.close()
