from __future__ import annotations

import builtins
import os
import socket
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockserver.redis_store import RedisStore
from mockserver.sqlite_store import SqliteStore
from mockserver.store import MemoryStore, Record, StoreError
from mockserver.stores import FORMS, open_store

MINE = ("echo", "mine")


def add_one(record: Record | None) -> Record:
    return {"value": (record or {"value": 0})["value"] + 1}


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """Expect one StoreError that says `words`, and in whose text nothing of a password is."""
    with pytest.raises(StoreError) as caught:
        yield
    said = str(caught.value)
    assert [word for word in words if word not in said] == [], said
    assert "se.cret" not in said and "\n" not in said
    assert ". " in said, "what is wrong, and the mend"


def test_open_store_opens_what_is_named(tmp_path: Path) -> None:
    assert isinstance(open_store("memory"), MemoryStore)
    with closing(open_store(f"sqlite:{tmp_path}/a")) as store:
        assert isinstance(store, SqliteStore)
        assert (tmp_path / "a").is_file()


def test_open_store_opens_a_redis_server(redis_url: str) -> None:
    with closing(open_store(redis_url)) as store:
        assert isinstance(store, RedisStore)


@pytest.mark.parametrize(
    "text",
    ["", "Memory", "memory:", "sqlite", "sqlite:", "redis", "redis:", "redis:a", "a.sqlite",
     "postgres://me:se.cret@here/", "me:se.cret@here", "\0", "\ud800"],
)  # fmt: skip
def test_open_store_names_its_forms_to_who_names_another(text: str) -> None:
    with refused(FORMS):
        open_store(text)


# Files


def test_a_file_without_a_folder_is_refused(tmp_path: Path) -> None:
    with refused("no folder", str(tmp_path / "none"), "Make it"):
        SqliteStore(tmp_path / "none" / "a")
    assert not (tmp_path / "none").exists()


def test_a_folder_and_what_is_no_name_are_refused(tmp_path: Path) -> None:
    with refused("is a folder", str(tmp_path)):
        SqliteStore(tmp_path)
    with refused("NUL"):
        SqliteStore(f"{tmp_path}/a\0b")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"a" * 5000, b"\0" * 9])
def test_a_file_that_is_no_database_is_refused_and_stays_as_it_was(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with refused(str(path), "Name another file"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE records (a)")
    before = path.read_bytes()
    with refused(str(path), "another program"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_of_another_format_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 7")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with refused(str(path), "format 7", "format 1"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with closing(SqliteStore(tmp_path / "a")) as store:
        assert store.change(MINE, "a", add_one) == {"value": 1}


def test_a_name_that_means_something_to_sqlite_is_the_name_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:a?mode=ro", "a b%20"):
        with closing(SqliteStore(name)) as store:
            store.change(MINE, "a", add_one)
        assert (tmp_path / name).is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_file_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    SqliteStore(path).close()
    path.chmod(stat.S_IRUSR)
    with refused(str(path), "permissions"):
        SqliteStore(path)


def test_a_file_that_somebody_breaks_later_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with closing(SqliteStore(path)) as store:
        store.change(MINE, "a", add_one)
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE records SET value = X'FF'")
        with refused("clear the store"):
            store.read(MINE, "a")
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DROP TABLE records")
        with refused(str(path), "no such table"):
            store.read(MINE, "a")


def test_a_file_that_another_process_holds_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with closing(SqliteStore(path, patience=0.1)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with refused(str(path), "another process"):
                store.change(MINE, "a", add_one)
            assert store.read(MINE, "a") is None, "reading waits for nobody"
        assert store.change(MINE, "a", add_one) == {"value": 1}


def test_a_closed_file_is_told_of_in_every_thread(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a")
    store.close()
    said: list[str] = []

    def use() -> None:
        with refused("is closed"):
            store.read(MINE, "a")
        said.append("refused")

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    use()
    assert said == ["refused", "refused"]


def test_a_step_may_use_the_file_itself(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a")) as store:

        def step(record: Record | None) -> Record:
            store.change(MINE, "b", add_one)
            store.read(MINE, "b")
            return {"value": store.count(MINE, "a")}

        def failing(record: Record | None) -> Record:
            step(record)
            raise LookupError("no")

        assert store.change(MINE, "a", step) == {"value": 0}
        with pytest.raises(LookupError):
            store.change(MINE, "a", failing)
        assert store.read(MINE, "b") == {"value": 1}
        assert store.count(MINE, "a") == 1


def test_reading_writes_once_a_second_at_most(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a")) as store:
        store.change(MINE, "a", add_one)
        with closing(sqlite3.connect(tmp_path / "a")) as other:
            version = "PRAGMA data_version"
            before = other.execute(version).fetchone()
            start = time.monotonic()
            for _ in range(500):
                store.read(MINE, "a")
            if time.monotonic() - start < 1:
                assert other.execute(version).fetchone() == before
            store._touches_written -= 2
            store.read(MINE, "a")
            assert other.execute(version).fetchone() != before


def test_another_process_learns_of_what_was_read(tmp_path: Path) -> None:
    # Two stores on one file are to each other as two processes are.
    bounds = {"most_records": 2}
    with (
        closing(SqliteStore(tmp_path / "a", **bounds)) as reader,
        closing(SqliteStore(tmp_path / "a", **bounds)) as writer,
    ):
        for key in "ab":
            writer.change(MINE, key, add_one)
        reader._touches_written -= 2
        reader.read(MINE, "a")
        writer.change(MINE, "c", add_one)
        assert writer.read(MINE, "a") == {"value": 1}
        assert writer.read(MINE, "b") is None


def test_a_fork_opens_the_file_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteStore(tmp_path / "a")) as store:
        store.change(MINE, "a", add_one)
        parents = store._mine.opened
        real = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: real + 1)
        assert store.change(MINE, "a", add_one) == {"value": 2}
        assert store._mine.opened is not parents
        store._mine.opened.close()
        monkeypatch.undo()
        assert parents.connection.execute("SELECT 1").fetchone() == (1,)


# Servers


def test_nobody_who_answers_is_told_of() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with refused(f"redis://127.0.0.1:{port}/3 ", "fails", "start the server"):
            RedisStore(f"redis://me:se.cret@127.0.0.1:{port}/3")


def test_who_answers_but_is_no_redis_server_is_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with refused("redis://127.0.0.1", "fails"):
            RedisStore(f"redis://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize(
    "url",
    ["redis://a:port", "redis://me:se.cret/b@a", "redis://me:a/se.cret@b:1", "redis://a?db=b",
     "redis://[a", "redis://a?socket_timeout=se.cret", "redis://a?unknown_option=1"],
)  # fmt: skip
def test_what_is_no_address_is_told_of_without_its_password(url: str) -> None:
    with refused("redis://"):
        RedisStore(url)


def test_a_missing_package_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "redis":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with refused("needs the package redis", "counterfoil[redis]"):
        open_store("redis://localhost")


def test_the_package_is_imported_only_where_it_is_used() -> None:
    import subprocess

    script = (
        "import sys, mockserver.stores, mockserver.redis_store, mockserver.sqlite_store\n"
        "mockserver.stores.open_store('memory'); sys.exit('redis' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    import redis

    with redis.Redis.from_url(redis_url) as client:
        yield client


def test_what_is_not_ours_stays_and_ours_has_our_prefix(redis_url: str, client: Any) -> None:
    client.set("mine", "a")
    client.set("counterfoil", "b")
    with closing(RedisStore(redis_url)) as store:
        store.change(MINE, "a", add_one)
        store.count(MINE, "a")
        names = set(client.keys()) - {b"mine", b"counterfoil"}
        assert all(name.startswith(b"counterfoil:") for name in names)
        store.clear()
        store.restore({"format": 1, "records": [], "counters": []})
    assert client.get("mine") == b"a"
    assert client.get("counterfoil") == b"b"
    left = {b"mine", b"counterfoil", b"counterfoil:format", b"counterfoil:tick"}
    assert set(client.keys()) == left


def test_a_server_with_another_format_is_refused(redis_url: str, client: Any) -> None:
    client.set("counterfoil:format", "7")
    with refused("format b'7'", "format 1"):
        RedisStore(redis_url)


def test_a_server_where_our_names_are_taken_is_told_of(redis_url: str, client: Any) -> None:
    client.set("counterfoil:records", "a")
    with closing(RedisStore(redis_url)) as store, refused("WRONGTYPE"):
        store.change(MINE, "a", add_one)


def test_options_of_the_address_do_not_change_what_is_kept(redis_url: str) -> None:
    with closing(RedisStore(f"{redis_url}/0?decode_responses=True&protocol=3")) as store:
        store.change(MINE, "\ud800", add_one)
        assert store.read(MINE, "\ud800") == {"value": 1}
        assert store.snapshot()["records"][0]["key"] == "\ud800"


def test_a_server_that_has_forgotten_our_scripts_is_told_them_again(
    redis_url: str, client: Any
) -> None:
    with closing(RedisStore(redis_url)) as store:
        store.count(MINE, "a")
        client.script_flush()
        assert store.count(MINE, "a") == 1
        snapshot = store.snapshot()
        client.script_flush()
        store.restore(snapshot)
        assert store.count(MINE, "a") == 2


def test_a_connection_that_the_server_ended_is_made_anew(redis_url: str, client: Any) -> None:
    with closing(RedisStore(redis_url)) as store:
        store.count(MINE, "a")
        client.client_kill_filter(_type="normal", skipme=True)
        assert store.count(MINE, "a") == 1


def overtaken(store: RedisStore, other: RedisStore, times: int) -> Callable[[Any], Record]:
    """Make a step that another store overtakes so often."""
    left = [times]

    def step(record: Record | None) -> Record:
        if left[0]:
            left[0] -= 1
            other.change(MINE, "a", add_one)
        return add_one(record)

    return step


@pytest.mark.parametrize("times", [1, 3, 5])
def test_a_change_that_is_overtaken_is_made_anew(redis_url: str, times: int) -> None:
    with closing(RedisStore(redis_url)) as store, closing(RedisStore(redis_url)) as other:
        changed = store.change(MINE, "a", overtaken(store, other, times))
        assert changed == store.read(MINE, "a") == {"value": times + 1}


def test_who_was_overtaken_often_gets_a_turn_and_ends_it(redis_url: str, client: Any) -> None:
    with closing(RedisStore(redis_url)) as store, closing(RedisStore(redis_url)) as other:
        rounds: list[int] = []

        def step(record: Record | None) -> Record:
            rounds.append(1)
            if len(rounds) <= 5:
                other.change(MINE, "a", add_one)
            else:
                assert len(client.keys("counterfoil:turn:*")) == 1
                thread.start()
                time.sleep(0.1)
                assert thread.is_alive(), "it waits for the turn to end"
            return add_one(record)

        thread = threading.Thread(target=other.change, args=(MINE, "a", add_one))
        assert store.change(MINE, "a", step) == {"value": 6}
        thread.join()
        assert len(rounds) == 6
        assert store.read(MINE, "a") == {"value": 7}
        assert client.keys("counterfoil:turn:*") == []


def test_a_turn_ends_though_its_step_fails(redis_url: str, client: Any) -> None:
    with closing(RedisStore(redis_url)) as store, closing(RedisStore(redis_url)) as other:
        step = overtaken(store, other, 5)

        def failing(record: Record | None) -> Record:
            if record == {"value": 5}:
                raise LookupError("no")
            return step(record)

        with pytest.raises(LookupError):
            store.change(MINE, "a", failing)
        assert client.keys("counterfoil:turn:*") == []


def test_a_turn_of_a_process_that_died_ends_by_itself(redis_url: str, client: Any) -> None:
    with closing(RedisStore(redis_url)) as store:
        store.change(MINE, "a", add_one)
        client.set(b'counterfoil:turn:["echo","mine"]\n"a"', "dead", px=300)
        start = time.monotonic()
        assert store.change(MINE, "a", add_one) == {"value": 2}
        assert time.monotonic() - start >= 0.2
