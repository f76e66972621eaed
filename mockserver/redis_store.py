"""Conversations and sessions in a Redis server that several processes and machines share."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import stored
from .store import Record, Scope, StoreError

if TYPE_CHECKING:
    import redis

PREFIX = "counterfoil:"

# Every script is atomic. They make names of keys themselves, so one server holds all, no cluster.
# An id is a written scope, a newline, and a written key; no newline is within either.
SHARED = """
local prefix = 'counterfoil:'
local RECORDS, USED, SCOPES = prefix .. 'records', prefix .. 'used', prefix .. 'scopes'
local COUNTERS, COUNTED = prefix .. 'counters', prefix .. 'counted'

local function tick() return redis.call('INCR', prefix .. 'tick') end

local function shelf(scope) return prefix .. 'scope:' .. scope end

local function scope_of(id) return string.sub(id, 1, string.find(id, '\\n', 1, true) - 1) end

local function within(scope, beginning)
  if string.sub(scope, 1, #beginning) ~= beginning then return false end
  local after = string.sub(scope, #beginning + 1, #beginning + 1)
  return beginning == '[' or after == ',' or after == ']'
end

local function forget(id)
  local scope = scope_of(id)
  redis.call('HDEL', RECORDS, id)
  redis.call('ZREM', USED, id)
  redis.call('ZREM', shelf(scope), id)
  if redis.call('EXISTS', shelf(scope)) == 0 then redis.call('SREM', SCOPES, scope) end
end

local function keep(id, value, most)
  local now = tick()
  if redis.call('HSET', RECORDS, id, value) == 1 then
    local scope = scope_of(id)
    redis.call('ZADD', shelf(scope), now, id)
    redis.call('SADD', SCOPES, scope)
  end
  redis.call('ZADD', USED, now, id)
  while redis.call('HLEN', RECORDS) > most do
    forget(redis.call('ZRANGE', USED, 0, 0)[1])
  end
end

local function count(id, calls, most)
  local now = redis.call('HINCRBY', COUNTERS, id, calls)
  redis.call('ZADD', COUNTED, tick(), id)
  while redis.call('HLEN', COUNTERS) > most do
    redis.call('HDEL', COUNTERS, redis.call('ZPOPMIN', COUNTED)[1])
  end
  return now
end
"""

READ = """
local value = redis.call('HGET', RECORDS, ARGV[1])
if value then redis.call('ZADD', USED, tick(), ARGV[1]) end
return value
"""
CHANGE = """
local id, before, after, most, mine = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local turn = prefix .. 'turn:' .. id
local whose = redis.call('GET', turn)
if whose and whose ~= mine then return 0 end
if (redis.call('HGET', RECORDS, id) or '') ~= before then return 0 end
keep(id, after, most)
return 1
"""
LIST = """
local found = {}
for i, id in ipairs(redis.call('ZRANGE', shelf(ARGV[1]), 0, -1)) do
  found[i] = redis.call('HGET', RECORDS, id)
end
return found
"""
LATEST = """
local found, from, most = {}, 0, tonumber(ARGV[2])
while #found < 2 * most do
  local ids = redis.call('ZREVRANGE', USED, from, from + 999)
  if #ids == 0 then break end
  for _, id in ipairs(ids) do
    if #found < 2 * most and within(scope_of(id), ARGV[1]) then
      found[#found + 1] = id
      found[#found + 1] = redis.call('HGET', RECORDS, id)
    end
  end
  from = from + #ids
end
return found
"""
COUNT = "return count(ARGV[1], 1, tonumber(ARGV[2])) - 1"
CLEAR = """
for _, scope in ipairs(redis.call('SMEMBERS', SCOPES)) do
  if within(scope, ARGV[1]) then
    for _, id in ipairs(redis.call('ZRANGE', shelf(scope), 0, -1)) do forget(id) end
  end
end
for _, id in ipairs(redis.call('HKEYS', COUNTERS)) do
  if within(scope_of(id), ARGV[1]) then
    redis.call('HDEL', COUNTERS, id)
    redis.call('ZREM', COUNTED, id)
  end
end
"""
SNAPSHOT = """
local found = {}
for _, scope in ipairs(redis.call('SMEMBERS', SCOPES)) do
  for _, id in ipairs(redis.call('ZRANGE', shelf(scope), 0, -1)) do
    found[#found + 1] = id
    found[#found + 1] = redis.call('HGET', RECORDS, id)
  end
end
return {found, redis.call('HGETALL', COUNTERS)}
"""
END_TURN = """
local turn = prefix .. 'turn:' .. ARGV[1]
if redis.call('GET', turn) == ARGV[2] then redis.call('DEL', turn) end
"""
KEEP = "for i = 2, #ARGV, 2 do keep(ARGV[i], ARGV[i + 1], tonumber(ARGV[1])) end"
KEEP_COUNTERS = "for i = 2, #ARGV, 2 do count(ARGV[i], ARGV[i + 1], tonumber(ARGV[1])) end"

SHARE = 1000
"""Records of a snapshot that are sent at once: scripts have so many arguments at most."""

PATIENT_ROUNDS = 5
"""How often a change is begun anew before it asks for a turn of its own."""

TURN_LASTS = 2000
"""Milliseconds after which a turn is over: a process that dies holds nobody up for longer."""


class RedisStore:
    """Records in a Redis server; the least recently used one goes when there are too many.

    The order of use is exact, reads included. What a change returned is as safe as the server's
    own persistence makes it.
    """

    def __init__(
        self,
        url: str,
        most_records: int = stored.MOST_RECORDS,
        most_counters: int = stored.MOST_COUNTERS,
    ) -> None:
        self._where = _shown(url)
        self._most_records = most_records
        self._most_counters = most_counters
        self._client = _connect(url, self._where)
        register = self._client.register_script
        self._read, self._change = register(SHARED + READ), register(SHARED + CHANGE)
        self._list, self._count = register(SHARED + LIST), register(SHARED + COUNT)
        self._clear, self._snapshot = register(SHARED + CLEAR), register(SHARED + SNAPSHOT)
        self._keep, self._keep_counters = register(SHARED + KEEP), register(SHARED + KEEP_COUNTERS)
        self._end_turn, self._latest = register(SHARED + END_TURN), register(SHARED + LATEST)
        try:
            self._check_format()
        except StoreError:
            self.close()
            raise

    def read(self, scope: Scope, key: str) -> Record | None:
        """Return the record, or None where there is none."""
        with self._told():
            value: Any = self._read(args=[_id(scope, key)])
        return None if value is None else stored.from_bytes(value)

    def change(
        self, scope: Scope, key: str, step: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Replace the record by what `step` makes of it; None leaves things as they are.

        The server takes the change only while the record is what `step` was given; otherwise all
        is begun anew. Whoever is refused was overtaken by one who was not, so somebody always
        gets on; and whoever was overtaken often takes the turn, in which nobody else can change
        the record: so everybody does.
        """
        name = _id(scope, key)
        mine = f"{random.SystemRandom().getrandbits(128):x}"
        rounds = 0
        try:
            while True:
                value, before = self._find(name)
                after = step(before)
                if after is None:
                    return before
                written = stored.to_bytes(after)
                with self._told():
                    if self._change(args=[name, value, written, self._most_records, mine]):
                        return after
                rounds += 1
                self._wait(name, mine, rounds)
        finally:
            if rounds >= PATIENT_ROUNDS:
                with self._told():
                    self._end_turn(args=[name, mine])

    def records(self, scope: Scope) -> list[Record]:
        """Return all records of the scope, oldest first."""
        with self._told():
            values: Any = self._list(args=[stored.to_bytes(scope)])
        return [stored.from_bytes(value) for value in values]

    def latest(self, within: Scope, most: int) -> list[tuple[Scope, str, Record]]:
        """Return the last used records of all scopes that begin with `within`, the last first."""
        with self._told():
            found: Any = self._latest(args=[stored.under(within), most])
        ids = ((_read_id(name), value) for name, value in _pairs(found))
        return [(tuple(scope), key, stored.from_bytes(value)) for (scope, key), value in ids]

    def count(self, scope: Scope, key: str) -> int:
        """Return how often this was called before for the scope and key."""
        with self._told():
            calls: Any = self._count(args=[_id(scope, key), self._most_counters])
        return int(calls)

    def clear(self, within: Scope = ()) -> None:
        """Forget every scope that begins with `within`, and nothing that is not ours."""
        with self._told():
            self._clear(args=[stored.under(within)])

    def snapshot(self) -> dict[str, Any]:
        """Return everything as of one moment as a JSON value that any store can restore."""
        with self._told():
            found: Any = self._snapshot()
        records, counters = found
        return stored.snapshot_of(
            ((*_read_id(name), stored.from_bytes(value)) for name, value in _pairs(records)),
            ((*_read_id(name), int(calls)) for name, calls in _pairs(counters)),
        )

    def restore(self, snapshot: object) -> None:
        """Hold what the snapshot says and nothing else; a snapshot that is none changes nothing."""
        contents = stored.contents_of(snapshot, self._most_records, self._most_counters)
        records = [
            (_id(scope, key), stored.to_bytes(kept)) for scope, key, kept in contents.records
        ]
        counters = [(_id(scope, key), calls) for scope, key, calls in contents.counters]
        with self._told(), self._client.pipeline(transaction=True) as steps:
            self._clear(args=[stored.under(())], client=steps)
            for share in _shares(records):
                self._keep(args=[self._most_records, *share], client=steps)
            for share in _shares(counters):
                self._keep_counters(args=[self._most_counters, *share], client=steps)
            steps.execute()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._client.connection_pool.disconnect()

    def _find(self, name: bytes) -> tuple[bytes, Record | None]:
        with self._told():
            value: Any = self._client.hget(f"{PREFIX}records", name)
        return (b"", None) if value is None else (value, stored.from_bytes(value))

    def _wait(self, name: bytes, mine: str, rounds: int) -> None:
        if rounds >= PATIENT_ROUNDS:
            with self._told():
                turn = PREFIX.encode() + b"turn:" + name
                if self._client.set(turn, mine, nx=True, px=TURN_LASTS):
                    return
        # Not all at once again.
        time.sleep(random.uniform(0, 0.0005 * min(rounds, 10)))

    def _check_format(self) -> None:
        ours = str(stored.FORMAT).encode()
        with self._told():
            self._client.set(f"{PREFIX}format", ours, nx=True)
            found: Any = self._client.get(f"{PREFIX}format")
        if found != ours:
            raise StoreError(
                f"The Redis server at {self._where} holds a store of format {found!r}, and this "
                f"program reads format {stored.FORMAT}. Name another database of it, "
                "or use the program that wrote it"
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        from redis.exceptions import RedisError

        try:
            yield
        except (RedisError, OSError) as error:
            raise StoreError(
                f"The Redis server at {self._where} fails: {error or type(error).__name__}. "
                "Mend or start the server, or name another one"
            ) from error


def _connect(url: str, where: str) -> redis.Redis:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.connection import parse_url
        from redis.retry import Retry
    except ImportError as error:
        raise StoreError(
            "A store in Redis needs the package redis. Install it: pip install 'counterfoil[redis]'"
        ) from error
    try:
        options: dict[str, Any] = {"socket_connect_timeout": 5, "socket_timeout": 30}
        options.update(parse_url(url))  # type: ignore[no-untyped-call]
        # Bytes as they are, in the form of answers that the scripts were written for. Nothing is
        # sent again by itself: a count or a change that was done but not confirmed is done twice.
        options.update(decode_responses=False, protocol=2, retry=Retry(NoBackoff(), 0))
        pool = redis.ConnectionPool(**options)
        # Not connected yet: it only finds out whether there are such options.
        pool.connection_class(**pool.connection_kwargs)
        return redis.Redis(connection_pool=pool)
    except (ValueError, TypeError) as error:
        # What is wrong is not repeated: it may be a piece of a password.
        raise StoreError(
            f"{where} is no address of a Redis server. Write it like redis://localhost:6379/0, "
            "and characters of a password that have a meaning in a URL as %40"
        ) from error


def _shown(url: str) -> str:
    """Return where the server is, without user, password and options."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _id(scope: Scope, key: str) -> bytes:
    return stored.to_bytes(scope) + b"\n" + stored.to_bytes(key)


def _read_id(name: bytes) -> tuple[list[str], str]:
    scope, _, key = name.partition(b"\n")
    return stored.from_bytes(scope), stored.from_bytes(key)


def _pairs(flat: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _shares(pairs: list[tuple[bytes, Any]]) -> Iterator[list[Any]]:
    for start in range(0, len(pairs), SHARE):
        yield [part for pair in pairs[start : start + SHARE] for part in pair]
