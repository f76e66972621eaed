"""What a mock counts, as Prometheus reads it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from mockserver import create_app
from mockserver.journal import Journal
from mockserver.model import Api

PAGE = "/_counterfoil/metrics"
MakeApi = Callable[..., Api]


@pytest.fixture
def client(make_api: MakeApi) -> FlaskClient:
    return create_app({"": make_api()}, Journal()).test_client()


def scraped(client: FlaskClient) -> dict[tuple[str, ...], float]:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_operation_and_status(client: FlaskClient) -> None:
    for path in ("a", "a", "stream"):
        client.get(f"/say/{path}")
    client.get("/say/refuse")
    found = scraped(client)
    assert found["counterfoil_requests_total", "echo", "hear", "418"] == 1
    assert sum(v for k, v in found.items() if k[0] == "counterfoil_requests_total") == 4
    assert found["counterfoil_callers_total", "echo", "known"] == 4
    assert found["counterfoil_chunks_total", "echo"] == 5
    assert found["counterfoil_journal_entries",] == 4


def test_a_histogram_tells_how_long_answers_took(client: FlaskClient) -> None:
    for _ in range(5):
        client.get("/say/a")
    found = scraped(client)
    assert found["counterfoil_answer_seconds_count", "echo"] == 5
    assert 0 < found["counterfoil_answer_seconds_sum", "echo"] < 5
    buckets = [v for k, v in found.items() if k[0] == "counterfoil_answer_seconds_bucket"]
    assert buckets == sorted(buckets) and buckets[-1] == 5


def test_metrics_of_a_mock_that_was_never_asked_are_empty_and_well_formed(
    client: FlaskClient,
) -> None:
    assert scraped(client) == {("counterfoil_journal_entries",): 0}


def test_a_mock_does_not_load_the_library_that_writes_metrics() -> None:
    code = "import sys, counterfoil.wiring; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
