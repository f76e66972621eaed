from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockserver import create_app
from mockserver.journal import Journal

from .caller import Build, Mock, Seen, chat, signed

Ask = Callable[[Mock], Seen]


def requests() -> list[Ask]:
    """Return calls that differ, some of them in nothing but how they are sent."""
    found: list[Ask] = []
    for place in range(12):
        for extra in ({}, {"Region": "r"}, {"SessionID": ""}):
            sent = signed(chat(f"q{place % 6}", **extra))
            if place < 6:
                found.append(lambda mock, sent=sent: mock.get(sent))  # type: ignore[misc]
                found.append(lambda mock, sent=sent: mock.form(sent))  # type: ignore[misc]
                found.append(lambda mock, sent=sent: mock.open(query_string=sent))  # type: ignore[misc]
            else:
                found.append(lambda mock, sent=sent: mock.json(sent))  # type: ignore[misc]
                wrong = {**sent, "Signature": "0" * 40}
                found.append(lambda mock, sent=wrong: mock.form(sent))  # type: ignore[misc]
                found.append(lambda mock, sent=wrong: mock.json(sent))  # type: ignore[misc]
    return found


def whole(seen: Seen) -> tuple[object, ...]:
    return (seen.status, seen.headers, seen.body)


def in_order(mock: Mock, asks: list[Ask], order: list[int]) -> list[tuple[object, ...]]:
    found = {place: whole(asks[place](mock)) for place in order}
    return [found[place] for place in range(len(asks))]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ids(build: Build) -> None:
    asks = requests()
    order = list(range(len(asks)))
    first, again, other = (in_order(build(seed=seed), asks, order) for seed in (7, 7, 8))
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("shuffle", range(3))
def test_the_order_of_different_requests_changes_nothing(build: Build, shuffle: int) -> None:
    asks = requests()
    order = list(range(len(asks)))
    expected = in_order(build(), asks, order)
    random.Random(shuffle).shuffle(order)
    assert in_order(build(), asks, order) == expected


def test_the_number_of_threads_changes_nothing(build: Build) -> None:
    asks = requests()
    expected = in_order(build(), asks, list(range(len(asks))))
    mock = build()
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda ask: whole(ask(mock)), asks)) == expected


def test_equal_requests_at_once_get_the_same_answers_as_one_after_the_other(build: Build) -> None:
    sent = signed(chat())
    one, many = build(), build()
    expected = Counter(whole(one.form(sent)) for _ in range(40))
    with ThreadPoolExecutor(8) as threads:
        found = Counter(threads.map(lambda _: whole(many.form(sent)), range(40)))
    assert found == expected
    assert set(found.values()) == {1}


def test_ids_do_not_depend_on_where_the_api_is_mounted(build: Build) -> None:
    alone, api = build(), build().api
    beside = Mock(api, create_app({"/genesis": api}, Journal()), Journal())
    sent = signed(chat())
    answer = beside.open("GET", "/genesis/", query_string=sent)
    assert whole(answer) == whole(alone.open("GET", "/", query_string=sent))
