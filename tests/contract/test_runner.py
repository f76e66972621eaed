from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from contracts.driver import Driver
from contracts.model import (
    Basis,
    Broken,
    Clause,
    Contract,
    ContractError,
    Credential,
    Exchange,
    NotReached,
    Request,
    Unreachable,
    Verdict,
    clause,
    expect,
)
from contracts.runner import (
    PROFILES,
    Event,
    Judged,
    Judging,
    Outcome,
    Plan,
    Started,
    choose,
    judge,
    run,
)
from contracts.target import Budget, Target

DOCUMENT = """
openapi: 3.1.0
info: {title: Echo, version: "1"}
paths:
  /:
    get: {operationId: knock, responses: {"200": {description: yes}}}
  /say:
    post: {operationId: say, responses: {"200": {description: yes}}}
"""


class Echo:
    """An application that answers what it is told, and keeps what it was asked.

    `refuse` are the texts that it turns down; before the call of that number `before` is done.
    """

    def __init__(
        self,
        refuse: Callable[[str], bool] = lambda text: False,
        before: Callable[[int], None] = lambda calls: None,
    ) -> None:
        self.refuse = refuse
        self.before = before
        self.asked: list[str] = []

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        said = environ["wsgi.input"].read()
        self.before(len(self.asked))
        self.asked.append(said.decode())
        start_response("403 No" if self.refuse(said.decode()) else "200 OK", [])
        return [said or b"welcome"]


class EchoDriver(Driver):
    def accepted(self, exchange: Exchange) -> bool:
        return exchange.status == 200

    def probe(self) -> Exchange:
        return self.send(Request("GET", "/", operation="knock"))

    def tell(self, value: object) -> Exchange:
        body = json.dumps(value).encode()
        return self.send(Request("POST", "/say", (), body, operation="say"))


def promise(**options: Any) -> Callable[[Callable[..., Any]], Clause]:
    return clause(
        options.pop("id", "echo.say.same"),
        basis=options.pop("basis", Basis.DOCUMENTED),
        source="Say",
        **options,
    )


@pytest.fixture
def contract(tmp_path: Path) -> Callable[..., Contract]:
    document = tmp_path / "openapi.yaml"
    document.write_text(DOCUMENT)

    def made(*clauses: Clause) -> Contract:
        key = Credential("key", "a key", required=False)
        return Contract("echo", "Echo", None, (key,), document, EchoDriver, clauses)

    return made


@pytest.fixture
def judged(contract):
    """Judge one clause: the finding, and the application with what it was asked."""

    def judged_(one: Clause, app: Any = None, profile: str = "standard", **options: Any) -> Any:
        app = app or Echo()
        seed = options.pop("seed", 0)
        target = Target("http://echo.test", app=app, budget=Budget(**options))
        driver = EchoDriver(contract(one), target, {})
        return judge(one, driver, Plan((one,), PROFILES[profile], seed)), app

    return judged_


def events(contract: Contract, app: Any, seed: int = 0, **options: Any) -> list[Event]:
    target = Target("http://echo.test", app=app, budget=Budget(**options))
    plan = Plan(contract.clauses, PROFILES["standard"], seed)
    return list(run(contract, target, {}, plan))


@promise(n=st.integers(0, 1000))
def same(driver: EchoDriver, n: int) -> None:
    """What is said is answered."""
    expect(driver.must(driver.tell(n)).json() == n, f"{n} was said")


@promise(n=st.integers(0, 1000), id="echo.say.small")
def small(driver: EchoDriver, n: int) -> None:
    """What is answered is less than 37."""
    driver.tell("before")
    found = driver.must(driver.tell(n)).json()
    expect(found < 37, f"{found} is not less than 37")


def test_a_promise_that_is_kept_is_kept_with_as_many_cases_as_the_profile_has(judged):
    for name, cases in (("quick", 4), ("standard", 20)):
        finding, app = judged(same, profile=name)
        assert (finding.verdict, finding.reason, finding.failure) == (Verdict.KEPT, "", None)
        assert finding.examples == finding.calls == len(app.asked) == cases
        assert finding.duration > 0


def test_a_clause_whose_cases_are_dear_has_fewer(judged):
    one = promise(n=st.integers(0, 1000), most=3)(same.test)
    assert judged(one)[0].examples == 3


def test_a_broken_promise_is_shown_by_its_smallest_case_with_every_exchange_of_it(judged):
    finding, app = judged(small)
    assert finding.verdict is Verdict.BROKEN
    assert finding.reason == finding.failure.message == "37 is not less than 37"
    bodies = [exchange.request.body for exchange in finding.failure.exchanges]
    assert bodies == [b'"before"', b"37"]
    assert finding.calls == len(app.asked) > 2


def test_what_was_only_ever_observed_is_a_deviation(judged):
    observed = promise(n=st.integers(0, 1000), basis=Basis.OBSERVED)(small.test)
    finding, _ = judged(observed)
    assert (finding.verdict, finding.reason) == (Verdict.DEVIATION, "37 is not less than 37")


def test_what_is_implied_can_be_broken(judged):
    implied = promise(n=st.integers(0, 1000), basis=Basis.IMPLIED)(small.test)
    assert judged(implied)[0].verdict is Verdict.BROKEN


def test_examples_are_tried_first_and_as_they_are(judged):
    one = promise(n=st.integers(0, 9), examples=({"n": 500}, {"n": 20}))(same.test)
    _, app = judged(one, profile="quick")
    assert app.asked[:2] == ["500", "20"]


def test_an_example_that_breaks_is_made_smaller_where_the_clause_knows_how(judged):
    one = promise(
        n=st.integers(0, 9),
        examples=({"n": 20}, {"n": 400}),
        smaller=lambda case: ({"n": n} for n in (case["n"] // 2, case["n"] - 1)),
    )
    finding, app = judged(one(small.test))
    assert finding.reason == "37 is not less than 37"
    assert [text for text in app.asked if text.isdigit()][:3] == ["20", "400", "200"]
    kept, app = judged(one(same.test), profile="quick")
    assert (kept.verdict, kept.examples, app.asked[:2]) == (Verdict.KEPT, 6, ["20", "400"])


def test_a_clause_without_draws_is_tried_once(judged):
    @promise()
    def once(driver: EchoDriver) -> None:
        """It is tried once."""
        expect(driver.tell(1).status == 200, "it is not")

    assert (judged(once)[0].verdict, judged(once)[0].calls) == (Verdict.KEPT, 1)
    refusing = judged(once, Echo(refuse=lambda text: True))[0]
    # What broke is tried again before it is said.
    assert (refusing.verdict, refusing.calls) == (Verdict.BROKEN, 2)


def test_a_clause_without_the_credential_that_it_needs_costs_nothing(judged):
    one = promise(needs=("key",), n=st.integers())(same.test)
    finding, app = judged(one)
    assert finding.verdict is Verdict.UNTESTED
    assert finding.reason == "it needs COUNTERFOIL_ECHO_KEY"
    assert (finding.calls, app.asked) == (0, [])


def test_what_is_always_turned_down_is_untested_and_costs_eight_calls(judged):
    finding, app = judged(same, Echo(refuse=lambda text: True), profile="thorough")
    assert finding.verdict is Verdict.UNTESTED
    assert finding.reason.startswith("say was turned down: HTTP 403 ")
    assert (finding.examples, finding.calls, len(app.asked)) == (0, 8, 8)


def test_what_is_sometimes_turned_down_is_judged_by_the_rest(judged):
    finding, _ = judged(same, Echo(refuse=lambda text: int(text) % 2 == 1))
    assert finding.verdict is Verdict.KEPT
    assert 0 < finding.examples < finding.calls


def test_no_case_that_applies_is_untested_even_without_a_reason(judged):
    @promise(n=st.integers())
    def never(driver: EchoDriver, n: int) -> None:
        """No case applies."""
        raise NotReached("no")

    finding, app = judged(never)
    assert (finding.verdict, finding.reason) == (
        Verdict.UNTESTED, "no case applies to this target"
    )  # fmt: skip
    assert app.asked == []


def test_what_breaks_once_and_not_when_repeated_is_untested_with_the_evidence(judged):
    @promise(n=st.integers(0, 1000))
    def third(driver: EchoDriver, n: int) -> None:
        """The third answer is like the others."""
        expect(len(app.asked) != 3 or driver.tell(n) is None, f"{n} came third")
        driver.tell(n)

    app = Echo()
    finding, _ = judged(third, app)
    assert finding.verdict is Verdict.UNTESTED
    assert finding.reason.startswith("seen once, and not when repeated: ")
    assert finding.failure.message in finding.reason
    assert [exchange.request.body.decode() for exchange in finding.failure.exchanges] == [
        app.asked[3]
    ]


@pytest.mark.parametrize(
    "tried",
    [
        {},
        {"examples": ({"n": 5},), "n": st.integers(0, 9)},
        {"cases": lambda plan: [{"n": n} for n in range(4)]},
        {"cases": lambda plan: [{"n": 5}], "smaller": lambda case: [{"n": 3}, {"n": 2}]},
    ],
    ids=["plain", "example", "case", "smaller case"],
)
def test_a_case_that_was_not_drawn_is_repeated_before_it_is_called_broken(judged, tried):
    @promise(**tried)
    def steady(driver: EchoDriver, n: int = 0) -> None:
        """It is accepted."""
        driver.tell(n)
        expect(driver.tell(n).status == 200, f"{n} was turned down")

    once = Echo(refuse=lambda text: len(once.asked) == 2)
    finding, _ = judged(steady, once)
    assert finding.verdict is Verdict.UNTESTED
    assert finding.reason.startswith("seen once, and not when repeated: ")
    assert len(finding.failure.exchanges) == 2
    always = Echo(refuse=lambda text: True)
    assert judged(steady, always)[0].verdict is Verdict.BROKEN


def test_what_breaks_once_and_is_turned_down_when_repeated_is_untested_with_the_evidence(judged):
    app = Echo(refuse=lambda text: len(app.asked) > 3)

    @promise(n=st.integers(0, 1000))
    def third(driver: EchoDriver, n: int) -> None:
        """The third answer is like the others."""
        driver.must(driver.tell(n))
        expect(len(app.asked) != 3, f"{n} came third")

    finding, _ = judged(third, app)
    assert finding.verdict is Verdict.UNTESTED
    assert finding.reason.startswith("seen once, and not when repeated: ")
    assert len(finding.failure.exchanges) == 1


@pytest.mark.parametrize("other", [st.text(), st.integers(0, 5)])
def test_what_is_drawn_from_answers_that_vary_is_untested_and_no_mistake_of_ours(judged, other):
    @promise(data=st.data())
    def varying(driver: EchoDriver, data: Any) -> None:
        """What is drawn depends on what was answered."""
        driver.tell(1)
        data.draw(st.integers(0, len(app.asked)))
        data.draw(st.integers(0, len(app.asked)) if len(app.asked) % 2 else other)
        expect(len(app.asked) < 9, "it was asked nine times")

    app = Echo()
    finding, _ = judged(varying, app)
    assert finding.verdict is Verdict.UNTESTED
    assert finding.reason.startswith(("the same case went another way when", "seen once, and not"))


def test_a_mistake_of_ours_is_an_error_with_its_place_and_costs_no_more_calls(judged):
    @promise(n=st.integers(0, 1000))
    def mistaken(driver: EchoDriver, n: int) -> None:
        """It is written wrongly."""
        driver.tell(n)
        {}[f"member {n}"]

    finding, app = judged(mistaken)
    line = mistaken.test.__code__.co_firstlineno + 4
    assert finding.verdict is Verdict.ERROR
    assert (
        finding.reason == f"KeyError in mistaken (test_runner.py:{line}): 'member {app.asked[0]}'"
    )
    assert (finding.calls, finding.failure) == (1, None)


def test_the_place_of_a_mistake_is_in_our_code_even_when_a_library_raises(judged):
    @promise(n=st.integers(0, 1000))
    def unwritable(driver: EchoDriver, n: int) -> None:
        """It says what JSON cannot say."""
        driver.tell({n})

    finding, _ = judged(unwritable)
    assert finding.reason.startswith("TypeError in tell (test_runner.py:")


@pytest.mark.parametrize("kind", ["cases", "once", "machine"])
def test_a_mistake_of_ours_is_an_error_whatever_makes_the_cases(judged, kind):
    def mistaken(driver: EchoDriver, n: int = 0) -> None:
        """It is written wrongly."""
        driver.tell(n)
        raise ZeroDivisionError("n")

    def machine(driver: EchoDriver) -> Any:
        """It is written wrongly."""

        class Machine(RuleBasedStateMachine):
            @rule()
            def step(self) -> None:
                mistaken(driver)

        return Machine

    one = {
        "cases": promise(cases=lambda plan: ({"n": n} for n in range(9)))(mistaken),
        "once": promise()(mistaken),
        "machine": promise(machine=True)(machine),
    }[kind]
    finding, app = judged(one)
    assert finding.verdict is Verdict.ERROR
    assert finding.reason.startswith("ZeroDivisionError in mistaken (test_runner.py:")
    assert len(app.asked) == 1


def test_a_mistake_while_a_case_is_made_smaller_does_not_hide_that_it_broke(judged):
    @promise(n=st.integers(0, 1000))
    def mistaken(driver: EchoDriver, n: int) -> None:
        """It is less than 500, and not 500 at all."""
        found = driver.tell(n).json()
        if seen and found < 900:
            raise ZeroDivisionError
        if found >= 900:
            seen.append(found)
            raise Broken(f"{found} is much")

    seen: list[int] = []
    for seed in range(20):
        seen.clear()
        finding, _ = judged(mistaken, seed=seed)
        if seen:
            assert finding.verdict is Verdict.BROKEN
            assert finding.reason.endswith("is much")
            return
    raise AssertionError("no seed broke it")


def test_a_request_that_http_cannot_say_is_a_mistake_of_ours_and_breaks_nothing(judged):
    @promise(n=st.integers(0, 1000))
    def unsendable(driver: EchoDriver, n: int) -> None:
        """A header with two lines is answered."""
        found = driver.send(Request("GET", "/", (("X-A", "b\nc"),)))
        expect(found.response is not None, "no answer")

    finding, app = judged(unsendable)
    assert (finding.verdict, app.asked) == (Verdict.ERROR, [])
    assert finding.reason.startswith("ContractError in _line (target.py:")


def test_the_budget_spent_while_a_case_is_made_smaller_still_shows_the_best_case(judged):
    app = Echo()
    whole, _ = judged(small)
    for calls in range(4, whole.calls, 2):
        finding, app = judged(small, calls=calls)
        if finding.verdict is Verdict.BROKEN:
            break
    else:
        raise AssertionError("it never broke")
    assert len(app.asked) == calls
    assert finding.failure.message == finding.reason
    shown = [exchange.request.body.decode() for exchange in finding.failure.exchanges]
    assert shown[0] == '"before"' and shown[1] in app.asked and int(shown[1]) >= 37


def test_the_more_is_spent_on_it_the_smaller_is_the_case(judged):
    whole, _ = judged(small)
    sizes = []
    for calls in range(2, whole.calls + 1, 2):
        try:
            finding, _ = judged(small, calls=calls)
        except BaseException as stopped:
            assert str(stopped) == f"the budget of {calls} calls is spent"
        else:
            sizes.append(int(finding.failure.exchanges[-1].request.body))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1] == 37


def test_making_a_case_smaller_costs_no_more_calls_than_the_profile_has(judged):
    @promise(numbers=st.lists(st.integers(), min_size=8, max_size=30))
    def alike(driver: EchoDriver, numbers: list[int]) -> None:
        """Some of the numbers are alike."""
        driver.tell(numbers)
        expect(len(set(numbers)) < 8, f"{len(set(numbers))} numbers")

    finding, _ = judged(alike, profile="quick")
    assert finding.verdict is Verdict.BROKEN
    assert 0 <= finding.calls - PROFILES["quick"].shrink_calls <= 5


def test_tries_in_vain_to_make_a_case_smaller_cost_no_more_calls_either(judged):
    @promise(n=st.integers(0, 10**9))
    def only(driver: EchoDriver, n: int) -> None:
        """It is only ever broken by what broke it first."""
        driver.tell(n)
        first.append(n)
        expect(n != first[0], f"{n} it is")

    first: list[int] = []
    finding, app = judged(only, profile="quick")
    assert finding.failure.message == f"{first[0]} it is"
    first.clear()
    one = promise(
        cases=lambda plan: [{"n": 5}],
        smaller=lambda case: ({"n": n} for n in range(6, 10**9)),
    )(only.test)
    finding, app = judged(one, profile="quick")
    assert (finding.verdict, finding.reason) == (Verdict.BROKEN, "5 it is")
    assert 0 <= len(app.asked) - PROFILES["quick"].shrink_calls <= 3


def test_a_server_that_dies_while_a_case_is_made_smaller_was_seen_to_break(contract):
    def before(calls: int) -> None:
        if len(app.asked) > 3 and any(text.isdigit() and int(text) >= 37 for text in app.asked):
            raise Unreachable("nobody answers at http://echo.test")

    app = Echo()
    app.before = before
    *_, outcome = events(contract(small, same), app)
    assert [finding.verdict for finding in outcome.findings] == ["broken", "untested"]
    assert outcome.findings[0].failure.exchanges[-1].request.body.isdigit()
    assert outcome.trouble == "nobody answers at http://echo.test"
    assert outcome.verdict is Verdict.BROKEN


def test_cases_that_are_made_are_all_tried_and_those_that_do_not_apply_passed_over(judged):
    one = promise(cases=lambda plan: ({"n": n} for n in range(plan.profile.examples)))(same.test)
    finding, app = judged(one, Echo(refuse=lambda text: text in "135"), profile="quick")
    assert (finding.verdict, finding.examples) == (Verdict.KEPT, 2)
    assert app.asked == ["0", "1", "2", "3"]


def test_a_made_case_that_breaks_is_made_smaller_boldest_first(judged):
    one = promise(
        cases=lambda plan: ({"n": n} for n in (3, 400, 500)),
        smaller=lambda case: ({"n": n} for n in (case["n"] // 4, case["n"] // 2, case["n"] - 1)),
    )(small.test)
    finding, app = judged(one)
    assert finding.reason == "37 is not less than 37"
    assert [text for text in app.asked if text.isdigit()][:4] == ["3", "400", "100", "25"]
    assert "500" not in app.asked


def counting(driver: EchoDriver) -> Any:
    """After a rest no number is greater than 17."""

    class Counting(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.rested = False

        @rule(n=st.integers(0, 30))
        def add(self, n: int) -> None:
            found = driver.must(driver.tell(n)).json()
            expect(found < 18 or not self.rested, f"{found} after a rest")

        @rule()
        def rest(self) -> None:
            driver.must(driver.tell("rest"))
            self.rested = True

    return Counting


def test_a_machine_is_made_smaller_and_keeps_the_exchanges_of_its_smallest_run(judged):
    finding, app = judged(promise(machine=True)(counting))
    assert finding.verdict is Verdict.BROKEN
    said = [exchange.request.body.decode() for exchange in finding.failure.exchanges]
    assert (finding.reason, said) == ("18 after a rest", ['"rest"', "18"])
    assert finding.calls == len(app.asked)


def test_a_machine_that_keeps_its_promise_is_kept_and_one_that_is_turned_down_untested(judged):
    def restful(driver: EchoDriver) -> Any:
        """Rest is granted."""

        class Resting(RuleBasedStateMachine):
            @rule()
            def rest(self) -> None:
                driver.must(driver.tell("rest"))

        return Resting

    one = promise(machine=True)(restful)
    assert judged(one)[0].verdict is Verdict.KEPT
    finding, app = judged(one, Echo(refuse=lambda text: True))
    assert (finding.verdict, len(app.asked)) == (Verdict.UNTESTED, 8)
    assert finding.reason.startswith("say was turned down: HTTP 403 ")


def test_the_same_seed_asks_the_same_and_another_seed_something_else(judged):
    for one in (small, same, promise(machine=True)(counting)):
        first, again, other = (judged(one, None, "quick", seed=n)[1].asked for n in (5, 5, 6))
        assert first == again != other


def test_clauses_of_one_run_do_not_draw_alike(judged):
    twin = promise(n=st.integers(0, 1000), id="echo.say.twin")(same.test)
    assert judged(same)[1].asked != judged(twin)[1].asked


def kept_and_broken(contract: Callable[..., Contract]) -> Contract:
    return contract(same, small)


def test_a_run_is_told_event_by_event_and_ends_with_its_outcome(contract):
    app = Echo()
    one = kept_and_broken(contract)
    found = events(one, app)
    assert [type(event) for event in found] == [
        Started, Judging, Judged, Judging, Judged, Outcome
    ]  # fmt: skip
    outcome = found[-1]
    assert [finding.verdict for finding in outcome.findings] == ["kept", "broken"]
    assert [event.finding for event in found if isinstance(event, Judged)] == outcome.findings
    assert (outcome.verdict, outcome.trouble, outcome.interrupted) == (Verdict.BROKEN, "", False)
    assert outcome.calls == len(app.asked) == sum(outcome.accepted.values())
    assert set(outcome.accepted) == {"knock", "say"}
    assert outcome.target == "http://echo.test"


def test_a_run_whose_promises_are_kept_is_kept(contract):
    assert events(contract(same), Echo())[-1].verdict is Verdict.KEPT


def test_a_deviation_alone_breaks_no_run(contract):
    observed = promise(n=st.integers(0, 1000), basis=Basis.OBSERVED, id="echo.a.b")(small.test)
    outcome = events(contract(same, observed), Echo())[-1]
    assert [finding.verdict for finding in outcome.findings] == ["kept", "deviation"]
    assert outcome.verdict is Verdict.KEPT


def test_a_mistake_of_ours_is_no_success(contract):
    @promise(id="echo.a.b")
    def mistaken(driver: EchoDriver) -> None:
        """It is written wrongly."""
        raise ZeroDivisionError

    assert events(contract(same, mistaken), Echo())[-1].verdict is Verdict.ERROR
    assert events(contract(small, mistaken), Echo())[-1].verdict is Verdict.BROKEN


def test_a_target_that_turns_the_first_request_down_is_not_judged(contract):
    app = Echo(refuse=lambda text: True)
    (outcome,) = events(kept_and_broken(contract), app)
    assert outcome.trouble == "the target turned our first request down: HTTP 403 welcome"
    assert {finding.reason for finding in outcome.findings} == {outcome.trouble}
    assert {finding.verdict for finding in outcome.findings} == {Verdict.UNTESTED}
    assert (outcome.verdict, outcome.calls, len(app.asked)) == (Verdict.UNTESTED, 1, 1)


def test_a_target_that_does_not_speak_http_is_not_judged(contract):
    def babble(calls: int) -> None:
        raise ValueError("220 mail.example")

    (outcome,) = events(contract(same), Echo(before=babble))
    assert outcome.trouble == (
        "http://echo.test does not answer as a web server does: "
        "not HTTP: the application raised ValueError('220 mail.example')"
    )


def test_a_budget_that_ends_in_the_middle_leaves_what_is_known_and_says_why_not_more(contract):
    app = Echo()
    outcome = events(contract(same, small), app, calls=25)[-1]
    assert len(app.asked) == outcome.calls == 25
    assert [finding.verdict for finding in outcome.findings][0] == "kept"
    late = promise(n=st.integers(0, 9), id="echo.say.late")(same.test)
    outcome = events(contract(same, late), Echo(), calls=25)[-1]
    assert [finding.verdict for finding in outcome.findings] == ["kept", "untested"]
    assert outcome.trouble == outcome.findings[1].reason == "the budget of 25 calls is spent"
    assert outcome.verdict is Verdict.UNTESTED


def test_nobody_who_answers_ends_the_run_with_what_is_known(contract):
    def before(calls: int) -> None:
        if calls >= 30:
            raise Unreachable("nobody answers any more")

    late = promise(n=st.integers(0, 9), id="echo.say.late")(same.test)
    later = promise(n=st.integers(0, 9), id="echo.say.later")(same.test)
    outcome = events(contract(same, late, later), Echo(before=before))[-1]
    assert [finding.verdict for finding in outcome.findings] == ["kept", "untested", "untested"]
    assert outcome.trouble == outcome.findings[2].reason == "nobody answers any more"
    assert outcome.verdict is Verdict.UNTESTED


def running(contract: Contract, app: Any) -> Iterator[Event]:
    plan = Plan(contract.clauses, PROFILES["standard"], 0)
    return run(contract, Target("http://echo.test", app=app), {}, plan)


def test_an_interrupt_between_two_events_gives_the_outcome(contract):
    for steps in range(5):
        stream = running(kept_and_broken(contract), Echo())
        for _ in range(steps + 1):
            next(stream)
        outcome = stream.throw(KeyboardInterrupt())
        assert isinstance(outcome, Outcome) and outcome.interrupted
        verdicts = [finding.verdict for finding in outcome.findings]
        assert verdicts == (["kept", "broken"][: steps // 2] + ["untested"] * 2)[:2]
        assert list(stream) == []


def test_an_interrupt_within_a_clause_gives_the_outcome(contract):
    def before(calls: int) -> None:
        if calls == 12:
            raise KeyboardInterrupt

    *_, outcome = running(contract(same), Echo(before=before))
    assert outcome.interrupted and outcome.verdict is Verdict.UNTESTED
    assert [finding.reason for finding in outcome.findings] == ["the run was interrupted"]
    assert (outcome.calls, outcome.trouble) == (13, "")


def test_an_interrupt_while_a_case_is_made_smaller_keeps_what_was_seen_to_break(contract):
    def before(calls: int) -> None:
        if not pressed and any(text.isdigit() and int(text) >= 37 for text in app.asked):
            pressed.append(calls)
            raise KeyboardInterrupt

    pressed: list[int] = []
    app = Echo(before=before)
    *_, outcome = running(contract(small, same), app)
    assert outcome.interrupted and outcome.verdict is Verdict.BROKEN
    assert [finding.verdict for finding in outcome.findings] == ["broken", "untested"]
    assert outcome.findings[0].reason.endswith("is not less than 37")


def test_an_operation_that_never_accepted_a_request_is_trouble(contract):
    @promise(id="echo.say.refused")
    def refused(driver: EchoDriver) -> None:
        """What is said is turned down."""
        driver.must_not(driver.tell("secret"))

    outcome = events(contract(refused), Echo(refuse=lambda text: "secret" in text))[-1]
    assert [finding.verdict for finding in outcome.findings] == ["kept"]
    assert outcome.trouble == ('these operations never accepted a request: say (HTTP 403 "secret")')
    assert outcome.verdict is Verdict.UNTESTED


def test_an_operation_that_was_never_called_is_trouble_where_all_clauses_were_judged(contract):
    @promise(id="echo.knock.opens")
    def opens(driver: EchoDriver) -> None:
        """Who knocks is let in."""
        driver.must(driver.probe())

    whole = contract(opens)
    assert events(whole, Echo())[-1].trouble == (
        "these operations never accepted a request: say (never called)"
    )
    both = contract(opens, same)
    target = Target("http://echo.test", app=Echo())
    *_, outcome = run(both, target, {}, Plan((opens,)))
    assert (outcome.trouble, outcome.verdict) == ("", Verdict.KEPT)


def test_no_clause_is_chosen_twice_and_their_order_is_kept():
    ids = ["a.x.one", "a.x.two", "a.y.one", "b.x.one"]
    clauses = [promise(id=id)(same.test) for id in ids]

    def chosen(*only: str) -> list[str]:
        return [one.id for one in choose(clauses, only)]

    assert chosen() == ids
    assert chosen("*") == ids
    assert chosen("a.y.one", "a.x.*", "a.*.one") == ["a.x.one", "a.x.two", "a.y.one"]
    assert chosen("b.x.one") == ["b.x.one"]
    assert chosen("*.[xy].on?") == ["a.x.one", "a.y.one", "b.x.one"]


@pytest.mark.parametrize("only", [["nope"], ["a.*", "nope*"], ["A.X.ONE"], [""]])
def test_a_pattern_that_fits_nothing_is_refused(only):
    clauses = [promise(id="a.x.one")(same.test)]
    with pytest.raises(ContractError, match=f"no clause is called {only[-1]!r}".replace("*", ".")):
        choose(clauses, only)


def test_a_clause_is_its_functions_name_sentence_and_place():
    assert small.sentence == "What is answered is less than 37."
    file, _, line = small.where.rpartition(":")
    assert file == Path(__file__).as_posix() and int(line) > 1


def test_what_a_run_costs_is_what_its_clauses_cost_and_the_knock(contract):
    outcome = events(kept_and_broken(contract), Echo())[-1]
    assert outcome.calls == 1 + sum(finding.calls for finding in outcome.findings)
