# hooks.py - what a generator can't know: calls that exist, headers that belong together, what a 400 may be about
import email.utils
import os
import random
import re
import threading
import time
import uuid

import schemathesis
from hypothesis import strategies
from schemathesis.core.parameters import ParameterLocation

from client import BEARER, Client, create_body

WARM_SECONDS = 1  # until a call of ours is established
OLD_SECONDS = 20  # it may be over by then
POOL = 8  # calls
HOOKS = os.environ["OPENAPI_HOOKS"]  # where callbacks go

client = Client(os.environ["CALLCAST_ENDPOINT"], None, os.environ["CALLCAST_BEARER"])


class Calls:
    """Some that are established, some that ring, some that have ended."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = []  # (id, participants, when it was made)
        self.chance = random.Random(int(os.environ["OPENAPI_SEED"]))

    def make(self):
        script = self.chance.choice(("00", "00", "00", "00", "00", "00", "21", "23"))
        answer = client.post("/calls", create_body("+155599900" + script, HOOKS), scheme=BEARER)
        if answer.status == 200:
            self.calls.append((answer.json["callLegId"], [], time.monotonic()))

    def any(self, ends):
        """(id, participant id or None); None: there is none yet.  `ends`: nobody else gets this one."""
        with self.lock:
            self.calls = [c for c in self.calls if time.monotonic() - c[2] < OLD_SECONDS]
            if len(self.calls) < POOL:
                self.make()
            warm = [c for c in self.calls if time.monotonic() - c[2] > WARM_SECONDS]
            if not warm:
                return None
            call = self.chance.choice(warm)
            if ends:
                self.calls.remove(call)
            if not call[1]:
                seen = client.get(f"/calls/{call[0]}", scheme=BEARER)
                call[1].extend(t["participantId"] for t in (seen.json or {}).get("targets", []))
            return call[0], self.chance.choice(call[1]) if call[1] else None


calls = Calls()


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def is_negative(case, location):
    return case.meta is not None and case.meta.is_negative_at(location)


@schemathesis.hook
def before_call(context, case, **kwargs):
    headers = case.headers
    if headers is not None and (is_positive(case) or not is_negative(case, ParameterLocation.HEADER)):
        # the two belong together, and the time is about now: no schema can say so
        pair = ("Repeatability-Request-ID", "Repeatability-First-Sent")
        if any(n in headers for n in pair):
            headers.setdefault(pair[0], str(uuid.uuid4()))
            headers[pair[1]] = email.utils.formatdate(time.time() + calls.chance.randint(-3000, 800), usegmt=True)
    if is_positive(case) and isinstance(case.body, dict) and isinstance(case.body.get("callbackUri"), str):
        # any path and query, but here: nothing is sent elsewhere
        case.body["callbackUri"] = re.sub(r"^\w+://[^/?]*", HOOKS, case.body["callbackUri"])
    parameters = case.path_parameters
    if parameters and "callLegId" in parameters and not is_negative(case, ParameterLocation.PATH):
        known = calls.any(case.operation.label.startswith("DELETE") or "Hangup" in case.operation.label)
        if known and calls.chance.random() < 0.7:
            parameters["callLegId"] = known[0]
            if "participantId" in parameters and known[1]:
                parameters["participantId"] = known[1]


def has_large_number(value):
    """One that 64 bits don't hold."""
    if isinstance(value, dict):
        return any(has_large_number(v) for v in value.values())
    if isinstance(value, list):
        return any(has_large_number(v) for v in value)
    return isinstance(value, int) and not -2**63 <= value < 2**63


@schemathesis.check
def a_refusal_of_good_data_is_about_the_call(ctx, response, case):
    """What is well formed is refused for the call's state, or for what the document says in words only."""
    if not is_positive(case) or response.status_code != 400:
        return
    fault = response.json()
    if fault["code"] in ("8501", "8528") or ": the same as " in fault["message"] or has_large_number(case.body):
        return
    raise AssertionError(f"{fault}")


schemathesis.openapi.format("http-date", strategies.integers(0, 800).map(lambda s: email.utils.formatdate(time.time() + s, usegmt=True)))
