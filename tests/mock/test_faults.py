from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from mockserver.faults import (
    UnknownName,
    apis,
    breaking_classes,
    fault,
    faults_of,
    find_api,
    package_of,
    with_faults,
)
from mockserver.model import Answer, Api, Fault

from .conftest import Echo

MakeApi = Callable[..., Api]


@fault("echo.say.shouted", "shape")
class Shouted(Echo):
    """What is said comes back in capitals.

    More about it stands below.
    """

    def shout(self, word: str, said: bytes) -> Answer:
        answer = super().shout(word, said)
        return Answer(answer.status, answer.body_bytes().upper(), answer.headers)


@fault("echo.say.twice", "state")
class Twice(Echo):
    """What is said comes back twice."""

    def shout(self, word: str, said: bytes) -> Answer:
        return super().shout(word, said + said)


@fault("echo.say.four_times", "state")
class FourTimes(Twice):
    """What is said comes back four times."""

    def shout(self, word: str, said: bytes) -> Answer:
        return super().shout(word, said + said)


def ending_with(letter: bytes) -> type[Api]:
    class Ending(Echo):
        def shout(self, word: str, said: bytes) -> Answer:
            return super().shout(word, said + letter)

    name = letter.decode()
    return fault(f"echo.say.ends_with_{name}", "shape", f"There is an {name} at the end.")(Ending)


FAMILY = [ending_with(b"x"), ending_with(b"o")]


def module(name: str, **values: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(values)
    return made


def combined(*faults: type[Api]) -> type[Api]:
    """Combine faults of Echo as `with_faults` combines those that a module defines."""
    return with_faults(Echo, [one.fault.id for one in faults if one.fault])


@pytest.fixture
def echo_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{package_of(Echo)}.faults"
    monkeypatch.setitem(sys.modules, name, module(name, all=[*FAMILY, Twice, Shouted, FourTimes]))


def said(make_api: MakeApi, change: type[Api]) -> bytes:
    api = make_api(change)
    assert isinstance(api, Echo)
    return api.shout("a", b"b").body_bytes()


# A fault's name.


def test_fault_is_named_by_the_first_line_of_its_docstring() -> None:
    assert Shouted.fault == Fault(
        "echo.say.shouted", "What is said comes back in capitals.", "shape"
    )
    assert Echo.fault is None


def test_member_of_a_family_is_named_by_its_sentence_and_called_after_its_id() -> None:
    assert [one.fault for one in FAMILY] == [
        Fault("echo.say.ends_with_x", "There is an x at the end.", "shape"),
        Fault("echo.say.ends_with_o", "There is an o at the end.", "shape"),
    ]
    assert [one.__name__ for one in FAMILY] == ["SayEndsWithX", "SayEndsWithO"]
    assert FAMILY[0].__doc__ == "There is an x at the end."


# Finding them.


def test_faults_are_found_alone_in_lists_and_in_modules_of_the_api() -> None:
    package = "mockserver.apis.echo"
    deeper = module(f"{package}.deeper", Twice=Twice, package="a text")
    faults = module(
        f"{package}.faults", Echo=Echo, FAMILY=FAMILY, deeper=deeper, Shouted=Shouted, odd=[1]
    )
    assert list(breaking_classes(faults, package)) == [
        "echo.say.ends_with_x",
        "echo.say.ends_with_o",
        "echo.say.twice",
        "echo.say.shouted",
    ]


def test_faults_of_modules_from_elsewhere_are_not_found() -> None:
    other = module("mockserver.apis.other.faults", Twice=Twice)
    faults = module("mockserver.apis.echo.faults", other=other)
    assert breaking_classes(faults, "mockserver.apis.echo") == {}


def test_class_that_is_seen_twice_is_one_fault() -> None:
    faults = module("mockserver.apis.echo.faults", Twice=Twice, again=[Twice])
    assert breaking_classes(faults, "mockserver.apis.echo") == {"echo.say.twice": Twice}


def test_two_classes_with_one_id_are_refused() -> None:
    @fault("echo.say.twice", "state")
    class AlsoTwice(Echo):
        """What is said comes back twice in another way."""

    faults = module("mockserver.apis.echo.faults", Twice=Twice, AlsoTwice=AlsoTwice)
    with pytest.raises(ValueError, match=r"two faults have the id echo\.say\.twice"):
        breaking_classes(faults, "mockserver.apis.echo")


# Combining them.


def test_no_fault_is_the_api_itself() -> None:
    assert with_faults(Echo, []) is Echo


@pytest.mark.usefixtures("echo_faults")
def test_one_fault_breaks_what_it_says(make_api: MakeApi) -> None:
    assert said(make_api, combined(Shouted)) == b"A:B"
    assert said(make_api, combined(Shouted, Shouted)) == b"A:B"


@pytest.mark.usefixtures("echo_faults")
@pytest.mark.parametrize("turned", [False, True])
def test_two_faults_of_one_step_both_break(make_api: MakeApi, turned: bool) -> None:
    two = (Twice, Shouted) if turned else (Shouted, Twice)
    assert said(make_api, combined(*two)) == b"A:BB"
    assert issubclass(combined(*two), Echo)


@pytest.mark.usefixtures("echo_faults")
def test_members_of_a_family_combine(make_api: MakeApi) -> None:
    assert said(make_api, combined(*FAMILY)) == b"a:bxo"


@pytest.mark.usefixtures("echo_faults")
@pytest.mark.parametrize("turned", [False, True])
def test_fault_that_goes_further_stands_for_the_one_it_builds_on(
    make_api: MakeApi, turned: bool
) -> None:
    two = (FourTimes, Twice) if turned else (Twice, FourTimes)
    assert said(make_api, combined(*two)) == b"a:bbbb"


# Names that are not known.


@pytest.mark.usefixtures("echo_faults")
@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("echo.say.twise", "did you mean echo.say.twice?"),
        ("echo.say.shout", "did you mean echo.say.shouted?"),
        ("say.four_times", "did you mean echo.say.four_times?"),
    ],
)
def test_unknown_fault_names_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(UnknownName) as caught:
        with_faults(Echo, ["echo.say.twice", asked])
    assert str(caught.value) == f"unknown fault {asked!r}; {near}"


@pytest.mark.usefixtures("echo_faults")
def test_unknown_fault_that_is_like_none_names_all() -> None:
    with pytest.raises(UnknownName, match=r"known are echo\.say\.ends_with_o, .*echo\.say\.twice"):
        with_faults(Echo, ["zzz"])


def test_of_many_names_some_are_told_and_the_rest_counted() -> None:
    said = str(UnknownName("fault", "zzz", [f"name_{number:03}" for number in range(100)]))
    assert said.endswith("name_018, name_019, and 80 more")


def test_unknown_api_names_the_nearest() -> None:
    name = sorted(apis())[0]
    with pytest.raises(UnknownName, match=f"unknown API '{name}x'; did you mean {name}?"):
        find_api(f"{name}x")


# What every API owes.


@pytest.mark.parametrize("name", sorted(apis()))
def test_every_api_is_an_emulator_of_its_own_name(name: str) -> None:
    api = find_api(name)
    assert apis()[name] is api
    assert issubclass(api, Api)
    assert api.name == name
    assert api.title
    assert api.operations
    assert api.fault is None
    first, other = api.identities
    assert set(first) == set(other)
    assert api.secrets <= {*first, *api.optional_credentials}
    names = [operation.name for operation in api.operations]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", sorted(apis()))
def test_every_fault_has_an_id_a_sentence_and_a_group(name: str) -> None:
    faults = faults_of(name)
    for id, change in faults.items():
        assert issubclass(change, find_api(name))
        assert change is not find_api(name)
        said = change.fault
        assert said is not None
        assert said.id == id
        assert id.split(".")[0] == name
        assert len(id.split(".")) == 3
        assert said.sentence.endswith(".")
        assert said.group.isidentifier()
    sentences = [change.fault.sentence for change in faults.values() if change.fault]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("name", sorted(apis()))
def test_no_breaking_class_is_forgotten(name: str) -> None:
    found = set(faults_of(name).values())
    here = f"mockserver.apis.{name}"

    def beneath(api: type[Api]) -> set[type[Api]]:
        children = {one for one in api.__subclasses__() if one.__module__.startswith(here)}
        return children.union(*map(beneath, children))

    assert {one for one in beneath(find_api(name)) if "fault" in vars(one)} <= found
