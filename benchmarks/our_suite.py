"""Our suite against a server, in a process of its own: `python -m benchmarks.our_suite API URL`.

It tells each complaint as a line of JSON, as benchmarks/plain_schemathesis.py does.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import contracts
from contracts.model import Verdict
from contracts.runner import PROFILES, Judged, Outcome, Plan, run
from contracts.target import Target
from counterfoil import wiring

CAUGHT = (Verdict.BROKEN, Verdict.DEVIATION)


def main(api: str, url: str) -> None:
    contract = contracts.load(api)
    profile = replace(PROFILES["standard"], shrink_calls=0)
    plan = Plan(contract.clauses, profile, int(os.environ["BENCHMARK_SEED"]))
    with os.fdopen(int(os.environ["BENCHMARK_TELL"]), "w", buffering=1) as told:
        for event in run(contract, Target(url), wiring.all_credentials(api), plan):
            if isinstance(event, Judged) and event.finding.verdict in (*CAUGHT, Verdict.ERROR):
                finds = event.finding.verdict in CAUGHT
                print(json.dumps({"what": [event.finding.clause.id], "finds": finds}), file=told)
            elif isinstance(event, Outcome) and event.trouble:
                print(json.dumps({"what": [event.trouble], "finds": False}), file=told)


if __name__ == "__main__":
    main(*sys.argv[1:])
