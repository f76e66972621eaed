from __future__ import annotations

import random
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from mockserver.chances import happens
from mockserver.journal import Entry, Journal
from mockserver.model import Api, Chance
from mockserver.store import MemoryStore

from .conftest import LOUD, TWICE, Mock, say

MakeApi = Callable[..., Api]


def said(client: FlaskClient, session: str, times: int) -> str:
    """What comes back in one session: `x` for each request that broke, `.` for each other."""
    heard = [say(client, **{"Counterfoil-Session": session}) for _ in range(times)]
    return "".join("x" if text == "A:B" else "." for text in heard)


# One after the other.


def test_fault_happens_about_as_often_as_its_chance_says(mock: Mock) -> None:
    for chance in (0.1, 0.25, 0.75):
        broken = said(mock(f"{LOUD}@{chance}"), "s", 400).count("x")
        assert abs(broken / 400 - chance) < 0.08


def test_chance_of_nothing_never_happens_and_of_one_always(mock: Mock) -> None:
    assert said(mock(f"{LOUD}@0"), "s", 50) == "." * 50
    assert said(mock(f"{LOUD}@1"), "s", 50) == "x" * 50
    assert said(mock(f"{LOUD}@1e-300"), "s", 50) == "." * 50


def test_same_seed_repeats_the_schedule_and_another_has_another(mock: Mock) -> None:
    first = said(mock(f"{LOUD}@0.5"), "s", 64)
    assert said(mock(f"{LOUD}@0.5"), "s", 64) == first
    assert said(mock(f"{LOUD}@0.5", seed=1), "s", 64) != first
    assert said(mock(f"{LOUD}@0.5"), "t", 64) != first


def test_reset_begins_the_schedule_again(mock: Mock) -> None:
    client = mock(f"{LOUD}@0.5")
    first = said(client, "s", 32)
    assert said(client, "s", 32) != first
    client.post("/_counterfoil/reset")
    assert said(client, "s", 32) == first


def test_higher_chance_breaks_all_that_a_lower_one_does_and_more(mock: Mock) -> None:
    seldom, often = (said(mock(f"{LOUD}@{chance}"), "s", 100) for chance in (0.2, 0.6))
    assert seldom.count("x") < often.count("x")
    assert all(high == "x" for low, high in zip(seldom, often, strict=True) if low == "x")


def test_two_faults_happen_independently(mock: Mock, journal: Journal) -> None:
    said(mock(f"{LOUD}@0.5", f"{TWICE}@0.5"), "s", 200)
    seen = defaultdict(int)
    for entry in journal.entries():
        seen[entry.faults] += 1
    assert set(seen) == {(), (LOUD,), (TWICE,), (LOUD, TWICE)}
    assert min(seen.values()) > 25


def test_header_and_chance_come_together(mock: Mock, journal: Journal) -> None:
    client = mock(f"{LOUD}@0.5")
    alone = said(mock(f"{LOUD}@0.5"), "s", 40)
    heard = [say(client, TWICE, **{"Counterfoil-Session": "s"}) for _ in range(40)]
    assert heard == ["A:BB" if one == "x" else "a:bb" for one in alone]


def test_request_that_is_refused_for_its_header_does_not_count(mock: Mock) -> None:
    first = said(mock(f"{LOUD}@0.5"), "s", 32)
    client = mock(f"{LOUD}@0.5")
    seen = ""
    for _ in range(32):
        assert "unknown fault" in say(client, "nothing", **{"Counterfoil-Session": "s"})
        seen += said(client, "s", 1)
    assert seen == first


def test_session_is_the_credential_unless_the_header_says_otherwise(mock: Mock) -> None:
    def heard(client: FlaskClient, **headers: str) -> list[str]:
        return [say(client, **headers) for _ in range(32)]

    client = mock(f"{LOUD}@0.5")
    one, two = heard(client, Authorization="one"), heard(client, Authorization="two")
    assert one != two
    other = mock(f"{LOUD}@0.5")
    named = {"Counterfoil-Session": "mine"}
    mine = heard(other, Authorization="one", **named)
    assert mine not in (one, two)
    assert heard(other, Authorization="one") == one
    other = mock(f"{LOUD}@0.5")
    both = [say(other, Authorization=name, **named) for name in ("one", "two") * 16]
    assert both == mine


def test_store_does_not_hold_the_credential(mock: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    count = MemoryStore.count

    def noted(store: MemoryStore, scope: tuple[str, ...], key: str) -> int:
        seen.append((scope, key))
        return count(store, scope, key)

    monkeypatch.setattr(MemoryStore, "count", noted)
    say(mock(f"{LOUD}@0.5"), Authorization="Bearer echo-key")
    assert len(seen) == 1 and "echo-key" not in repr(seen)
    assert repr(seen).startswith("[(('echo', ")


# In many threads.

SESSIONS = [f"session-{number}" for number in range(6)]
EACH = 40


@pytest.fixture
def hasty() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(client: FlaskClient, orders: list[list[str]]) -> None:
    """Let each thread send one request for every session that its order lists."""
    app = client.application
    ready = threading.Barrier(len(orders))

    def run(order: list[str]) -> None:
        mine = app.test_client()
        ready.wait()
        for session in order:
            mine.post(f"/say/{session}", headers={"Counterfoil-Session": session})

    threads = [threading.Thread(target=run, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def by_session(entries: list[Entry]) -> dict[str, list[bool]]:
    found = defaultdict(list)
    for entry in entries:
        found[entry.path.removeprefix("/say/")].append(bool(entry.faults))
    return found


@pytest.fixture
def expected(make_api: MakeApi) -> Callable[[int], dict[str, list[bool]]]:
    """The decisions of each session as they are defined, without any server."""

    def decide(seed: int) -> dict[str, list[bool]]:
        world = replace(make_api().world, seed=seed)
        chance = Chance(LOUD, 0.5)
        return {
            session: [happens(world, chance, session, place) for place in range(EACH)]
            for session in SESSIONS
        }

    return decide


Expected = Callable[[int], dict[str, list[bool]]]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("seed", [0, 1])
def test_schedule_of_each_session_is_the_same_whatever_the_threads_do(
    mock: Mock, journal: Journal, expected: Expected, seed: int
) -> None:
    draw = random.Random(seed)
    one_session_a_thread = [[session] * EACH for session in SESSIONS]
    half = [SESSIONS[part::2] * EACH for part in (0, 1)]
    for order in half:
        draw.shuffle(order)
    for orders in (one_session_a_thread, half, [half[0] + half[1]]):
        journal.clear()
        in_threads(mock(f"{LOUD}@0.5", seed=seed), orders)
        assert by_session(journal.entries()) == expected(seed)
    assert expected(0) != expected(1)


@pytest.mark.usefixtures("hasty")
def test_threads_that_share_sessions_break_as_many_requests_of_each(
    mock: Mock, journal: Journal, expected: Expected
) -> None:
    orders = [SESSIONS * (EACH // 8) for _ in range(8)]
    for number, order in enumerate(orders):
        random.Random(number).shuffle(order)
    in_threads(mock(f"{LOUD}@0.5"), orders)
    seen = {name: sorted(broken) for name, broken in by_session(journal.entries()).items()}
    assert seen == {name: sorted(broken) for name, broken in expected(0).items()}
