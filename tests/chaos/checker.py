# checker.py - judges a history: what was answered, dialled, told and delivered must fit together
#
# check(history) is a pure function of what history.gather() made.  It returns
# the violations, each (rule, text), and a report of what is counted only.
# Times are seconds since 1970, except where Kafka's records have microseconds.
import collections

ANSWERED = {"completed", "busy", "noAnswer", "declined", "noSuchNumber", "network", "unreachable"}
TAKEOVER_SECONDS = 10
SLACK = 0.005  # s, between the clocks of two processes of one machine: rounding

RULES = {}


def rule(name):
    def keep(function):
        RULES[name] = function
        return function
    return keep


class View:
    """The history, sorted the ways that the rules need."""

    def __init__(self, history):
        self.history = history
        self.commands = history["commands"]
        self.records = sorted(history["events"], key=lambda e: (e["partition"], e["offset"]))
        self.first = {}  # (call, seq): the record that counts
        self.again = []  # later ones of the same seq
        for e in self.records:
            key = (e["callLegId"], e["seq"])
            if key in self.first:
                self.again.append(e)
            else:
                self.first[key] = e
        self.events = collections.defaultdict(list)  # call: its events in the order of the topic
        for e in self.first.values():
            self.events[e["callLegId"]].append(e)
        self.created = {c["callLegId"] for c in self.commands if c["kind"] == "create"}
        self.good = [r for r in history["requests"] if r["status"] is not None and r["status"] < 300]
        self.accepted = {r["call"] for r in self.good if r["kind"] == "create"}
        self.dials = collections.defaultdict(list)  # call: what its phones heard of
        for d in history["dials"]:
            self.dials[d["dial"].split(".")[0]].append(d)
        self.posts = collections.defaultdict(list)  # call: posts in the order of arrival
        for p in sorted(history["posts"], key=lambda p: p["at"]):
            self.posts[p["call"]].append(p)
        self.taken = {(t["partition"], t["epoch"]): t for t in history["takeovers"]}

    def calls(self):
        return sorted(self.created | self.accepted | set(self.events))

    def finals(self, call):
        return [e for e in self.events[call] if e["final"]]

    def numbered(self, call):
        return [e for e in self.events[call] if e["number"]]


# ---- answers and commands ----

@rule("answered-in-log")
def answered_in_log(v):
    ids = {c["commandId"] for c in v.commands}
    kinds = collections.defaultdict(set)
    for c in v.commands:
        kinds[c["callLegId"], c["kind"]].add(c["commandId"])
    asked = collections.defaultdict(set)
    for r in v.good:
        if r["kind"] == "create" and r["call"] not in v.created:
            yield f"create of {r['call']} was answered {r['status']}, its command is not in the log"
        elif r["kind"] == "play" and r["operation"] not in ids:
            yield f"play {r['operation']} of {r['call']} was answered {r['status']}, its command is not in the log"
        elif r["kind"] in ("hangup", "delete"):
            asked[r["call"], r["kind"]].add(r["request"])
    for key, requests in asked.items():
        if len(requests) > len(kinds[key]):
            yield f"{len(requests)} {key[1]} of {key[0]} were answered, {len(kinds[key])} are in the log"


@rule("refused-not-in-log")
def refused_not_in_log(v):
    tries = collections.defaultdict(list)
    for r in v.history["requests"]:
        tries[r["request"]].append(r)
    markers = {c.get("subject") or c.get("operationContext") for c in v.commands}
    for entries in tries.values():
        refused = all(r["status"] == 503 and r["code"] == "notAccepted" for r in entries)
        if refused and entries[0].get("marker") in markers - {None}:
            yield f"{entries[0]['marker']} was answered notAccepted, and is in the log"


@rule("same-request-same-answer")
def same_request(v):
    answers = collections.defaultdict(set)
    for r in v.good:
        if r["kind"] in ("create", "play"):
            answers[r["request"]].add((r["call"], r["operation"] if r["kind"] == "play" else None))
    for request, values in answers.items():
        if len(values) > 1:
            yield f"request {request} was answered as {sorted(values, key=str)}"


@rule("known-call")
def known_call(v):
    for r in v.history["requests"]:
        if r["kind"] != "create" and r["status"] == 404:
            yield f"{r['kind']} of the accepted call {r['call']} was answered 404"


# ---- events ----

@rule("one-final")
def one_final(v):
    for call in v.calls():
        finals = v.finals(call)
        if len(finals) != 1:
            yield f"{call} has {len(finals)} final events: seqs {[e['seq'] for e in finals]}"


@rule("nothing-after-final")
def nothing_after_final(v):
    for call in v.calls():
        for final in v.finals(call):
            for e in v.events[call]:
                if e["seq"] > final["seq"] or e["offset"] > final["offset"]:
                    yield f"{call}: seq {e['seq']} at offset {e['offset']} after the final one, {final['seq']}"


@rule("gapless")
def gapless(v):
    for call in v.calls():
        seqs = [e["seq"] for e in v.events[call]]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"{call}: seqs in the topic's order: {seqs}"
        numbers = [e["number"] for e in v.numbered(call)]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{call}: numbers in the topic's order: {numbers}"


@rule("same-bytes")
def same_bytes(v):
    for e in v.again:
        if e["sha256"] != v.first[e["callLegId"], e["seq"]]["sha256"]:
            yield f"{e['callLegId']}: seq {e['seq']} again at offset {e['offset']} with other bytes"
    bodies = {}
    for p in v.history["posts"]:
        if bodies.setdefault(p["id"], p["sha256"]) != p["sha256"]:
            yield f"webhook {p['id']} came with two bodies"


@rule("undecodable")
def undecodable(v):
    for e in v.commands + v.records:
        if "undecodable" in e:
            yield f"partition {e['partition']} offset {e['offset']}: {e['undecodable']}"


# ---- dials ----

@rule("dialled-once")
def dialled_once(v):
    for call, dials in v.dials.items():
        ids = collections.Counter(d["dial"] for d in dials)
        numbers = collections.Counter(d["number"] for d in dials)
        for what, count in list(ids.items()) + list(numbers.items()):
            if count > 1:
                who = [d["worker"] for d in dials if what in (d["dial"], d["number"])]
                yield f"{call}: {what} was dialled {count} times, by {who}"


@rule("dial-announced")
def dial_announced(v):
    announced = {d["dial"]: (d["address"], e["at"] / 1e6) for e in v.first.values() for d in e["dials"]}
    for d in v.history["dials"]:
        if d["dial"] not in announced:
            yield f"{d['dial']} was dialled, but no event announced it"
        elif announced[d["dial"]][0] != d["number"]:
            yield f"{d['dial']} was dialled to another address than announced"
        elif announced[d["dial"]][1] > d["at"] + SLACK:
            yield f"{d['dial']} was dialled before its event was made"


def stood_still(v, worker, at):
    """Was that worker stopped, so that a packet may have left it late?"""
    for i in v.history["interruptions"]:
        if i["worker"] == worker and i["kind"] in ("SIGSTOP", "stop point") and i["from"] <= at <= i["to"] + 1:
            return True
    return False


def late_dials(v):
    """Phones that rang after their call's end had been told."""
    for call, dials in v.dials.items():
        for final in v.finals(call):
            for d in dials:
                if d["at"] > final["at"] / 1e6 + SLACK:
                    yield d, final


@rule("no-dial-after-final")
def no_dial_after_final(v):
    for d, final in late_dials(v):
        if not (final["outcome"] == "unknown" and stood_still(v, d["worker"], d["at"])):
            yield f"{d['dial']} was dialled {d['at'] - final['at'] / 1e6:.3f} s after the end ({final['outcome']})"


@rule("dialled-where-needed")
def dialled_where_needed(v):
    for call in v.calls():
        for final in v.finals(call):
            established = any(e["state"] == "established" for e in v.events[call])
            if (final["outcome"] in ANSWERED or established) and not v.dials[call]:
                yield f"{call} ended as {final['outcome']}{', established' * established}, and no phone rang"


# ---- unknown ----

def owner(v, event):
    return v.taken.get((event["partition"], event["epoch"]))


def unknown_cause(v, call):
    """What may explain that a call ended as unknown, and what is wrong with it; either may be None."""
    final = v.finals(call)[0]
    dial = next((e for e in v.events[call] if e["dials"]), None)
    if dial is None:
        return None, "no dial was announced"
    if dial["epoch"] == final["epoch"]:
        return None, "its partition never changed hands"
    before, after = owner(v, dial), owner(v, final)
    if not before or not after:
        return "an owner that left no log line", None
    # who had the dial in hand: who made it, or, if nobody did, who owned the partition until the last takeover
    owners = {d["worker"] for d in v.dials[call]} or \
        {t["worker"] for t in v.taken.values() if t["partition"] == dial["partition"]
         and before["at"] <= t["at"] < after["at"]}
    if final["at"] / 1e6 > after["at"] + TAKEOVER_SECONDS:
        return None, f"only {final['at'] / 1e6 - after['at']:.1f} s after the takeover"
    legs = [e for e in v.events[call] if not e["final"] and (e["legs"] or e["state"] == "established")]
    if legs and len(dial["dials"]) == 1:
        return None, f"its phone had been heard of (seq {legs[0]['seq']})"
    # the shortest first: a kill explains more than a time of trouble around it
    for i in sorted(v.history["interruptions"], key=lambda i: i["to"] - i["from"]):
        if i["kind"] == "term":  # it hands over: no leg is lost by that
            continue
        # worker None: whoever has it.  An intent saved in another Redis process is one that may have been dialled
        if i["worker"] in owners | {None} and i["from"] <= after["at"] and i["to"] >= dial["at"] / 1e6 - SLACK:
            return i["kind"], None
    return "a rebalance", None


@rule("unknown-explained")
def unknown_explained(v):
    for call in v.calls():
        if [e["outcome"] for e in v.finals(call)] == ["unknown"]:
            cause, fault = unknown_cause(v, call)
            if fault:
                yield f"{call} ended as unknown: {fault}"
            elif cause == "a rebalance":
                yield f"{call} ended as unknown, though its worker was neither killed nor stopped"


# ---- webhooks ----

@rule("delivered")
def delivered(v):
    for call in v.calls():
        there = {(p["number"], p["endpoint"]) for p in v.posts[call] if p["status"] < 300}
        for e in v.numbered(call):
            path = "/" + (e["callbackUri"] or "").split("/", 3)[-1]
            if (e["number"], path) not in there:
                yield f"{call}: number {e['number']} ({e['type']}) was never delivered to {path}"


@rule("delivered-is-told")
def delivered_is_told(v):
    for call, posts in v.posts.items():
        told = {e["number"]: e for e in v.numbered(call)}
        for p in posts:
            e = told.get(p["number"])
            if not e:
                yield f"{call}: webhook {p['number']} is no event on the topic"
            elif (e["type"], e["data"].get("callState")) != (p["type"], p["state"]):
                yield f"{call}: webhook {p['number']} is another event than the topic's"


@rule("order")
def order(v):
    for call, posts in v.posts.items():
        arrived, safe = {}, {}  # (endpoint, number): first arrival, first arrival that was answered 2xx
        for p in posts:
            arrived.setdefault((p["endpoint"], p["number"]), p["at"])
            if p["status"] < 300:
                safe.setdefault((p["endpoint"], p["number"]), p["at"])
        for endpoint in {p["endpoint"] for p in posts}:
            numbers = sorted(n for e, n in arrived if e == endpoint)
            for a, b in zip(numbers, numbers[1:]):
                if safe.get((endpoint, a), float("inf")) > arrived[endpoint, b]:
                    yield f"{call}: at {endpoint} webhook {b} came before {a} was taken"


def early_posts(v):
    """(post, event, answerBy, when the answer was there): webhooks that came before the API had answered."""
    received = {}
    by_operation = {r["operation"]: r["received"] for r in v.good if r["kind"] == "play"}
    for r in v.good:
        if r["kind"] == "create":
            received[r["call"]] = min(r["received"], received.get(r["call"], r["received"]))
    commands = {}
    for c in v.commands:
        known = commands.setdefault((c["callLegId"], c["answerBy"]), c)
        if known is not c and known["kind"] != "create":
            commands[c["callLegId"], c["answerBy"]] = c
    for call, posts in v.posts.items():
        told = {e["number"]: e for e in v.numbered(call)}
        for p in posts:
            e = told.get(p["number"])
            c = e and commands.get((call, e["answerBy"]))
            if not c or c["kind"] not in ("create", "play"):
                continue
            answer = received.get(call) if c["kind"] == "create" else by_operation.get(c["commandId"])
            if answer is None or p["at"] < answer:
                yield p, e["answerBy"] / 1e6, answer


@rule("answer-first")
def answer_first(v):
    for p, answer_by, _ in early_posts(v):
        if p["at"] < answer_by - SLACK:
            yield f"webhook {p['id']} came {(answer_by - p['at']) * 1000:.1f} ms before answerBy, unanswered"


# ---- the rest ----

@rule("dead")
def dead(v):
    for d in v.history["dead"]:
        yield f"calls.dead has {d.get('reason')} from {d.get('topic')} {d.get('from')}@{d.get('fromOffset')}"
    for d in v.history["webhooksDead"]:
        yield f"webhooks.dead has {d.get('reason')}: {d.get('lastStatus')} {d.get('lastError')}"


@rule("exit")
def exits(v):
    for e in v.history["exits"]:
        if e["asked"] == "term" and e["status"] != 0:
            yield f"{e['name']} was asked to end, and ended with {e['status']}"
        elif e["asked"] is None:
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

def causes(v):
    counts = collections.Counter()
    for call in v.calls():
        if [e["outcome"] for e in v.finals(call)] == ["unknown"]:
            cause, fault = unknown_cause(v, call)
            counts[cause or fault] += 1
    return dict(counts)


def late_seconds(metrics, quantile):
    """The bound below which that part of the steps was late against the phones' schedule; only of workers that were left."""
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
        "outcomes": dict(outcomes),
        "unknown by cause": causes(v),
        "rang after unknown": sum(1 for _ in late_dials(v)),
        "webhook before a late answer": sum(1 for p, _, answer in early_posts(v) if answer is not None),
        "points": dict(collections.Counter(f"{p['point']} {p['how']}" for p in v.history["points"])),
        "late p99 s": late_seconds(metrics, 0.99),
        "takeovers": len(v.history["takeovers"]),
        "stood still s": v.history.get("stoodStill"),
    }


def check(history):
    v = View(history)
    violations = [(name, text) for name, function in RULES.items() for text in function(v)]
    return violations, report_of(v)
