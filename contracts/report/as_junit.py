"""The report for CI servers: JUnit XML, a test suite an API and a test case a clause."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from ..model import Finding, Verdict
from ..runner import Outcome
from . import text


def render(outcomes: Sequence[Outcome]) -> str:
    """Return the report; what cannot be seen, and XML cannot write, is shown as an escape."""
    root = ElementTree.Element("testsuites", name="counterfoil")
    for outcome in outcomes:
        root.append(_suite(outcome))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(outcome: Outcome) -> ElementTree.Element:
    found = text.counts(outcome)
    trouble = outcome.trouble or ("the run was interrupted" if outcome.interrupted else "")
    suite = ElementTree.Element(
        "testsuite",
        name=outcome.contract.name,
        tests=str(found.total() + bool(trouble) + len(outcome.outdated)),
        failures=str(found[Verdict.BROKEN] + len(outcome.outdated)),
        errors=str(found[Verdict.ERROR] + bool(trouble)),
        skipped=str(found[Verdict.UNTESTED] + found[text.ACCEPTED]),
        timestamp=f"{outcome.began:%Y-%m-%dT%H:%M:%S}",  # the schema has no place for a zone
        time=f"{outcome.duration:.3f}",
    )
    for finding in outcome.findings:
        suite.append(_case(outcome, finding))
    for entry in outcome.outdated:
        case = ElementTree.SubElement(
            suite, "testcase", classname="baseline", name=entry.clause, time="0.000"
        )
        ElementTree.SubElement(case, "failure", message=text.outdated(entry), type="outdated")
    if trouble:
        # Skipped test cases alone would look like a run in which all is well.
        case = ElementTree.SubElement(
            suite, "testcase", classname=outcome.contract.name, name="judged", time="0.000"
        )
        said = text.visible(outcome.redact(trouble))
        ElementTree.SubElement(case, "error", message=said, type="not judged")
    return suite


def _case(outcome: Outcome, finding: Finding) -> ElementTree.Element:
    subject, _, rule = finding.clause.id.rpartition(".")
    case = ElementTree.Element(
        "testcase", classname=subject, name=rule, time=f"{finding.duration:.3f}"
    )
    said = text.visible(outcome.redact_failure(finding.failure)(finding.reason))
    if finding.baseline:
        since = f"accepted since {finding.baseline.date}: {text.visible(finding.baseline.reason)}"
        ElementTree.SubElement(case, "skipped", message=since, type="accepted")
        ElementTree.SubElement(case, "system-out").text = f"{finding.verdict}: {said}"
    elif finding.verdict is Verdict.BROKEN:
        failure = ElementTree.SubElement(case, "failure", message=said, type="broken")
        failure.text = "\n".join(text.details(outcome, finding))
    elif finding.verdict is Verdict.ERROR:
        ElementTree.SubElement(case, "error", message=said, type="error")
    elif finding.verdict is Verdict.UNTESTED:
        ElementTree.SubElement(case, "skipped", message=said)
    elif finding.verdict is Verdict.DEVIATION:
        ElementTree.SubElement(case, "system-out").text = f"deviation: {said}"
    return case
