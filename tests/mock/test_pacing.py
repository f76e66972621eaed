import asyncio
import time

import pytest

from mockserver.asked import Gone
from mockserver.draining import Ending
from mockserver.model import Chunk
from mockserver.pacing import Pacer
from mockserver.server import new_loop


class Out:
    """A stream that notes what is sent, and when; `most` is how much the client takes."""

    gone = False

    def __init__(self, most: int = 1000) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.most = most
        self.held = 0

    def send_bytes(self, data: bytes) -> None:
        if len(self.sent) >= self.most:
            raise Gone
        self.sent.append((asyncio.get_running_loop().time(), data))
        self.held += 1

    def flush(self) -> None:
        self.held = 0


def paced(outs: list[Out], schedules: list[tuple[Chunk, ...]], over_after: float | None = None):
    """Pace all streams at once; return how long it took."""

    async def run() -> float:
        ending = Ending()
        pacer, loop = Pacer(ending), asyncio.get_running_loop()
        began = loop.time()
        if over_after is not None:
            loop.call_later(over_after, setattr, ending, "over", True)
        await asyncio.gather(*map(pacer.pace, outs, schedules))
        return loop.time() - began

    return asyncio.run(run())


def test_streams_of_different_paces_leave_side_by_side_each_in_time_and_in_order():
    outs = [Out() for _ in range(20)]
    delays = [0.002 * (1 + number) for number in range(20)]
    schedules = [tuple(Chunk(delay, b"%d" % n) for n in range(6)) for delay in delays]
    paced(outs, schedules)
    for out, delay in zip(outs, delays, strict=True):
        assert [data for _, data in out.sent] == [b"%d" % n for n in range(6)]
        first = out.sent[0][0]
        for place, (at, _) in enumerate(out.sent):
            assert at - first >= place * delay - 0.02  # one that was late does not delay the next


def test_chunks_without_a_delay_leave_at_once_and_each_by_itself():
    out = Out()
    paced([out], [(Chunk(0.0, b"a"), Chunk(0.0, b"b"), Chunk(0.0, b""))])
    assert [data for _, data in out.sent] == [b"a", b"b", b""]


def test_a_stream_of_nothing_is_over_at_once():
    assert paced([Out()], [()]) < 1


def test_a_client_that_leaves_ends_its_stream_and_no_other():
    gone, there = Out(most=2), Out()
    paced([gone, there], [tuple(Chunk(0.01, b"x") for _ in range(5))] * 2)
    assert (len(gone.sent), len(there.sent)) == (2, 5)


@pytest.mark.parametrize("delay", [0.01, 3600.0])
def test_when_all_is_over_what_was_not_due_yet_is_not_sent(delay):
    out = Out()
    chunks = (Chunk(0.0, b"first"), *(Chunk(delay, b"x") for _ in range(1000)))
    assert paced([out], [chunks], over_after=0.05) < 5
    assert out.sent[0][1] == b"first" and len(out.sent) < 20


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, new_loop])
def test_what_is_due_now_keeps_the_loop_from_nothing(loop_factory):
    """A loop may answer with no timer when it is told to wake up at once."""
    outs = [Out() for _ in range(50)]

    async def run() -> None:
        pacer, over = Pacer(Ending()), []
        for out in outs:
            pacer.start(out, (Chunk(0.0, b"a"), Chunk(0.001, b"b")), lambda: over.append(1))
            time.sleep(0.0012)  # what was begun before is due by now
        while len(over) < len(outs):
            await asyncio.sleep(0.001)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(run(), 10))
    assert all([data for _, data in out.sent] == [b"a", b"b"] for out in outs)
