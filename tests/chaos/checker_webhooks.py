# checker_webhooks.py - rules about what the receiver was sent, and when
from checker_view import SLACK, rule


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
    by_marker = {}
    for r in v.good:
        if r["kind"] == "invite":
            key = r["call"], r["marker"]
            by_marker[key] = min(r["received"], by_marker.get(key, r["received"]))
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
            if not c or c["kind"] not in ("create", "play", "invite"):
                continue
            answer = received.get(call) if c["kind"] == "create" else \
                by_operation.get(c["commandId"]) or by_marker.get((call, c["operationContext"]))
            if answer is None or p["at"] < answer:
                yield p, e["answerBy"] / 1e6, answer


@rule("answer-first")
def answer_first(v):
    for p, answer_by, _ in early_posts(v):
        if p["at"] < answer_by - SLACK:
            yield f"webhook {p['id']} came {(answer_by - p['at']) * 1000:.1f} ms before answerBy, unanswered"
