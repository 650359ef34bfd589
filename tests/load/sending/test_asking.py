"""What is open is counted right, whatever becomes of a request. In a process of its own, since gevent patches it."""

import json
import os
import subprocess
import sys

from tests.conftest import ROOT

PROGRAM = """
import json
from locust.env import Environment
from conformance.redact import Redactor
from conformance.target import Target
from load.client import Request
from load.client.endpoint import Endpoint
from load.options import Settings
from load.plan import Plan
from load.scenarios.scenario import Scenario
from load.sending.asking import Asker
from load.session import SESSION

def asks(plan, rng):
    yield Request("POST", "/chat/completions", "no bytes", "chat stream")

plan = Plan(Endpoint.of(Target(base_url="http://127.0.0.1:9/v1")), Redactor(()), Settings(), {})
asker = Asker(Environment(), plan, lambda: False)
try:
    asker.ask(Scenario("broken", "", asks, frozenset(), ()), "seed")
except TypeError:
    SESSION.settle()
    print(json.dumps([SESSION.active, SESSION.metrics.summary()["unfinished"]]))
"""


def test_a_request_that_ends_in_a_fault_of_ours_is_not_open_any_more() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0, 1]
