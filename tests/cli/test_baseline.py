import json
from xml.etree import ElementTree

import pytest
import yaml

FAULT = "genesis.signature.truncated_accepted"
ID = "genesis.signature.truncated"
CHECK = ("check", "genesis", "--mock", "--profile", "quick", "--only", "genesis.signature.t*",
         "--only", "genesis.id.unique")  # fmt: skip


@pytest.fixture
def known(tmp_path):
    """Write a baseline: `known(clause=…)` is its path."""

    def write(**other: str):
        entry = {"clause": ID, "target": "mock", "reason": "They know.", "date": "2024-05-31"}
        path = tmp_path / "known.yaml"
        path.write_text(yaml.safe_dump([{**entry, **other}]), "utf-8")
        return path

    return write


def test_an_accepted_deviation_is_shown_apart_and_does_not_fail_the_run(counterfoil, known):
    done = counterfoil(
        *CHECK, "--fault", FAULT, "--baseline", known(), "--report", "r.json", "--report", "r.xml"
    )
    assert done.code == 0
    before, accepted = done.out.split("accepted by the baseline:")
    assert "broken:" not in before and ID in accepted
    assert "accepted: They know. (since 2024-05-31)" in accepted
    assert "genesis: kept (1 kept, 1 accepted; " in accepted
    with open("r.json", encoding="utf-8") as file:
        report = json.load(file)
    [broken] = [one for one in report["clauses"] if one["id"] == ID]
    assert report["verdict"] == "kept" and broken["verdict"] == "broken"
    assert broken["baseline"]["reason"] == "They know."
    suite = ElementTree.parse("r.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    [skipped] = suite.iter("skipped")
    assert skipped.get("message") == "accepted since 2024-05-31: They know."


def test_an_entry_for_what_is_kept_has_to_go(counterfoil, known):
    done = counterfoil(*CHECK, "--baseline", known(), "--report", "r.xml", "--report", "r.json")
    assert done.code == 1
    assert f"{ID} is kept, and the baseline accepts" in done.out and "remove the entry" in done.out
    suite = ElementTree.parse("r.xml").getroot()[0]
    assert suite.get("failures") == "1" and "remove" in next(suite.iter("failure")).get("message")
    with open("r.json", encoding="utf-8") as file:
        assert json.load(file)["baseline"]["outdated"][0]["clause"] == ID


def test_an_entry_for_what_was_not_judged_is_left_alone(counterfoil, known):
    done = counterfoil(*CHECK, "--baseline", known(clause="genesis.signature.wrong"))
    assert done.code == 0
    assert "genesis.signature.wrong was not judged, so its entry" in done.out


def test_an_entry_for_another_target_accepts_nothing(counterfoil, known):
    done = counterfoil(*CHECK, "--fault", FAULT, "--baseline", known(target="https://a.test"))
    assert done.code == 1 and "genesis: broken" in done.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- clause: genesis.signature.truncatd\n", "there is no target and no reason and no date"),
        ("{}", "a baseline is a list of entries"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_baseline_that_is_none_is_said_in_a_line_before_anything_is_called(
    counterfoil, tmp_path, text, said
):
    path = tmp_path / "known.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = counterfoil(*CHECK, "--baseline", path)
    assert done.code == 2 and done.out == ""
    assert done.err.count("\n") == 1 and said in done.err and "known.yaml" in done.err


def test_a_baseline_that_is_not_there_is_said_in_a_line(counterfoil):
    done = counterfoil(*CHECK, "--baseline", "nowhere.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == "counterfoil: nowhere.yaml: No such file or directory\n"


def test_a_baseline_is_drafted_refused_as_it_is_and_read_when_its_reasons_are_there(
    counterfoil, tmp_path
):
    path = tmp_path / "new.yaml"
    faulty = (*CHECK, "--fault", FAULT)
    assert counterfoil(*faulty, "--write-baseline", path).code == 1
    refused = counterfoil(*faulty, "--baseline", path)
    assert refused.code == 2 and "reason is empty; say in a sentence why" in refused.err
    path.write_text(path.read_text("utf-8").replace("''", "Known.", 1), "utf-8")
    assert counterfoil(*faulty, "--baseline", path).code == 0
    again = counterfoil(*faulty, "--write-baseline", path)
    assert again.code == 2 and "is there already" in again.err
