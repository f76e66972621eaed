import pytest

from contracts.model import ContractError
from contracts.recipes import changed


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ((), "aB c/é"),
        ((("upper",),), "AB C/É"),
        ((("other_case",),), "Ab C/É"),
        ((("backwards",),), "é/c Ba"),
        ((("twice",),), "aB c/éaB c/é"),
        ((("cut", 2),), "aB"),
        ((("cut", 99),), "aB c/é"),
        ((("from", 2),), " c/é"),
        ((("but_last", 1),), "aB c/"),
        ((("but_last", 99),), ""),
        ((("append", "x"),), "aB c/éx"),
        ((("url",),), "aB%20c%2F%C3%A9"),
        ((("form",),), "aB+c%2F%C3%A9"),
        ((("json",),), '"aB c/\\u00e9"'),
        ((("json_utf8",),), '"aB c/é"'),
        ((("cut", 2), ("upper",)), "AB"),
    ],
)
def test_a_text_is_changed_step_by_step(steps, found):
    assert changed("aB c/é", steps) == found


@pytest.mark.parametrize(
    "step",
    [(), ("rot13",), ("upper", 1), ("cut",), ("cut", "2"), ("cut", -1), ("append", 1), (7,)],
)
def test_a_change_that_nobody_knows_is_refused(step):
    with pytest.raises(ContractError, match="there is no change"):
        changed("a", [step])


def test_a_text_does_not_grow_without_end():
    with pytest.raises(ContractError, match="more than"):
        changed("a" * 1024, [("twice",)] * 40)
