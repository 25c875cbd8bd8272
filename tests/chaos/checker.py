# checker.py - judges a history: what was answered, dialled, told and delivered must fit together
#
# check(history) is a pure function of what history.gather() made.  It returns
# the violations, each (rule, text), and a report of what is counted only.
# The rules stand in checker_*.py by subject; those of the run itself are here.
import collections

import checker_calls
import checker_left
import checker_participants  # its rules only
import checker_unknown as unknown
import checker_webhooks
from checker_roster import roster
from checker_view import RULES, View, rule


def place(record):
    return record["partition"], record["offset"]


@rule("dead")
def dead(v):
    poisoned = {place(r): v.poison[r["sha256"]] for r in v.history["commands"] if r["sha256"] in v.poison}
    letters = collections.defaultdict(list)
    for d in v.history["dead"]:
        letters[d.get("from"), d.get("fromOffset")].append(d)
        if (d.get("from"), d.get("fromOffset")) not in poisoned or not d.get("topic", "").endswith("calls.commands"):
            yield f"calls.dead has {d.get('reason')} from {d.get('topic')} {d.get('from')}@{d.get('fromOffset')}"
    for at, p in poisoned.items():
        if not any(d.get("reason") for d in letters[at]):
            yield f"{p['kind']} at {at[0]}@{at[1]} is not in calls.dead with a reason"
    for d in v.history["webhooksDead"]:
        yield f"webhooks.dead has {d.get('reason')}: {d.get('lastStatus')} {d.get('lastError')}"


@rule("poison-in-log")
def poison_in_log(v):
    there = {r["sha256"] for r in v.history["commands"]}
    for p in v.poison.values():
        if p["acknowledged"] and p["sha256"] not in there:
            yield f"{p['kind']} for partition {p['partition']} was acknowledged, and is not in the log"


@rule("misfit-fails")
def misfit_fails(v):
    there = {r["sha256"] for r in v.history["commands"]}
    for p in v.poison.values():
        outcomes = [e["outcome"] for e in v.finals(p["call"])] if p["kind"] == "create" else []
        if p["kind"] == "create" and p["sha256"] in there and outcomes != ["failed"]:
            yield f"{p['call']}, which can't be carried out, ended as {outcomes or 'nothing'}"
    for c in v.commands:
        if c["kind"] != "create" and c["sha256"] in v.poison and c["commandId"] in v.taken_in:
            yield f"{c['callLegId']}: {c['kind']} {c['commandId']}, which is empty, was taken into account"


def found_no_broker(v, e):
    """A program that is started and finds no Kafka for a while ends, and says so: somebody starts it again."""
    return e["status"] == 1 and e.get("silent") and any(i["kind"] == "broker restart" and i["from"] <= e["at"]
                                                        for i in v.history["interruptions"])


def too_early(e):
    """Asked in the very moment it was started: nobody heard, and it has not said a word yet."""
    return e["status"] == -15 and not e.get("begun", True)


@rule("exit")
def exits(v):
    for e in v.history["exits"]:
        if e["asked"] == "term" and e["status"] != 0 and not too_early(e):
            yield f"{e['name']} was asked to end, and ended with {e['status']}"
        elif e["asked"] is None and not found_no_broker(v, e):
            yield f"{e['name']} ended by itself with {e['status']}"


@rule("settled")
def settled(v):
    for text in v.history["unsettled"]:
        yield text


@rule("harness")
def harness(v):
    for text in v.history["harnessFaults"] + v.history["receiverFaults"]:
        yield text


# ---- the whole ----

def late_seconds(metrics, quantile):
    """The bound below which that part of the steps was late against the phones' schedule; of workers that were left."""
    buckets = []
    for series, value in metrics.items():
        if series.startswith("worker callcast_step_late_seconds_bucket"):
            bound = series.split('le="')[1].split('"')[0]
            buckets.append((float("inf") if bound == "+Inf" else float(bound), value))
    buckets.sort()
    total = buckets[-1][1] if buckets else 0
    return next((b for b, n in buckets if n >= quantile * total), None) if total else None


def report_of(v):
    outcomes = collections.Counter(e["outcome"] for call in v.calls() for e in v.finals(call))
    numbers = {(p["call"], p["number"], p["endpoint"]) for p in v.history["posts"]}
    early = checker_webhooks.early_posts(v)
    invites = [result for call in v.calls() for result in v.results(call, "InviteParticipantResult")]
    metrics = v.history.get("metrics", {})
    return {
        "calls": len(v.calls()),
        "accepted": len(v.accepted),
        "requests": len(v.history["requests"]),
        "unanswered": sum(r["status"] is None for r in v.history["requests"]),
        "dials": len(v.history["dials"]),
        "events": len(v.first),
        "records told again": len(v.again),
        "webhooks": len(numbers),
        "webhooks again": len(v.history["posts"]) - len(numbers),
        "invited": len(invites),
        "came": sum(e["data"].get("status") == "completed" for e in invites),
        "removed": sum(bool(leg.removed) for call in v.calls() for leg in roster(v, call).legs.values()),
        "left": len(checker_left.left_calls(v)),
        "outcomes": dict(outcomes),
        "unknown by cause": unknown.causes(v),
        "might be unknown": unknown.might_be_unknown(v),
        "rang after unknown": sum(1 for _ in checker_calls.late_dials(v)),
        "webhook before a late answer": sum(answer is not None for _, _, answer in early),
        "points": dict(collections.Counter(f"{p['point']} {p['how']}" for p in v.history["points"])),
        "late p99 s": late_seconds(metrics, 0.99),
        "poison": sum(r["sha256"] in v.poison for r in v.history["commands"]),
        "takeovers": len(v.history["takeovers"]),
        "stood still s": v.history.get("stoodStill"),
    }


def check(history):
    v = View(history)
    violations = [(name, text) for name, function in RULES.items() for text in function(v)]
    return violations, report_of(v)
