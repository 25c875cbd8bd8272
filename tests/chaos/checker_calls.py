# checker_calls.py - rules about answers, commands, events and dials
import collections

from checker_view import SLACK, rule

ANSWERED = {"completed", "busy", "noAnswer", "declined", "noSuchNumber", "network", "unreachable"}


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
        elif r["kind"] in ("play", "cancel") and r["operation"] not in ids:
            yield f"{r['kind']} {r['operation']} of {r['call']} was answered {r['status']}, its command is not in the log"
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
        if r["kind"] in ("create", "play", "cancel"):
            answers[r["request"]].add((r["call"], r["operation"] if r["kind"] != "create" else None))
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


@rule("one-result")
def one_result(v):
    for call in v.calls():
        results = collections.Counter(e["data"].get("operationContext") for e in v.numbered(call)
                                      if e["type"] == "PlayAudioResult")
        taken = {e["data"]["commandId"] for e in v.events[call] if e["data"].get("command") == "play"}
        names = {c["operationContext"] for c in v.commands if c["commandId"] in taken}
        for context in names | set(results):
            if results[context] != 1:
                yield f"{call}: {results[context]} results of {context}"


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
    for e in v.unreadable:
        if e["sha256"] not in v.poison:
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
