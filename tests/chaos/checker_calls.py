# checker_calls.py - rules about answers, commands, events and dials
import collections

from checker_roster import invited, roster
from checker_view import SLACK, rule, told_at

ANSWERED = {"completed", "busy", "noAnswer", "declined", "noSuchNumber", "network", "unreachable"}
UNKNOWN = 8500  # a result's subcode


# ---- answers and commands ----

def named(thing):
    """What tells a request or command of its kind from others of the call, where no id was answered."""
    if thing["kind"] == "invite":
        return thing.get("marker") or thing.get("operationContext")
    return (thing.get("participant") or thing.get("participantId")) if thing["kind"] == "remove" else None


@rule("answered-in-log")
def answered_in_log(v):
    ids = {c["commandId"] for c in v.commands}
    kinds = collections.defaultdict(set)
    for c in v.commands:
        kinds[c["callLegId"], c["kind"], named(c)].add(c["commandId"])
    asked = collections.defaultdict(set)
    for r in v.good:
        if r["kind"] == "create" and r["call"] not in v.created:
            yield f"create of {r['call']} was answered {r['status']}, its command is not in the log"
        elif r["kind"] in ("play", "cancel") and r["operation"] not in ids:
            yield f"{r['kind']} {r['operation']} of {r['call']} was answered {r['status']}, and is not in the log"
        elif r["kind"] in ("hangup", "delete", "invite", "remove"):
            asked[r["call"], r["kind"], named(r)].add(r["request"])
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
    names = collections.defaultdict(set)  # an invite's answer has no id
    for c in v.commands:
        if c["kind"] == "invite" and c["operationContext"]:
            names[c["callLegId"], c["operationContext"]].add(c["commandId"])
    for (call, context), ids in names.items():
        if len(ids) > 1:
            yield f"{call}: {context} is {len(ids)} commands"


@rule("known-call")
def known_call(v):
    for r in v.history["requests"]:
        if r["kind"] not in ("create", "remove") and r["status"] == 404:
            yield f"{r['kind']} of the accepted call {r['call']} was answered 404"


# ---- events ----

@rule("one-final")
def one_final(v):
    for call in v.calls():
        finals = v.finals(call)
        if len(finals) != 1:
            yield f"{call} has {len(finals)} final events: seqs {[e['seq'] for e in finals]}"


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
        names = {c["operationContext"] for c in v.of_kind(call, "play") if c["commandId"] in v.taken_in}
        for context in names | set(results):
            if results[context] != 1:
                yield f"{call}: {results[context]} results of {context}"


@rule("taken-in-turn")
def taken_in_turn(v):
    """A play or an invite has its results, unless the call had ended, or it was set aside."""
    for call in v.calls():
        final = min((e["seq"] for e in v.finals(call)), default=0)
        taken = [c["offset"] for name, c in v.orders[call].items()
                 if name in v.taken_in and v.taken_in[name]["seq"] <= final]
        for c in v.of_kind(call, "play") + v.of_kind(call, "invite"):
            passed = c["offset"] < max(taken, default=-1)
            if passed and c["commandId"] not in v.taken_in and not v.is_set_aside(c):
                yield f"{call}: {c['kind']} {c['operationContext']} at offset {c['offset']} was passed over"


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
        command = {str(leg.number): leg.command for leg in roster(v, call).legs.values()}
        ids = collections.Counter(d["dial"] for d in dials)
        numbers = collections.Counter((d["number"], command.get(d["dial"].split(".")[1])) for d in dials)
        for what, count in ids.items():
            if count > 1:
                who = [d["worker"] for d in dials if d["dial"] == what]
                yield f"{call}: {what} was dialled {count} times, by {who}"
        for (number, name), count in numbers.items():
            if count > 1:
                yield f"{call}: {number} was dialled {count} times for {name}"


@rule("no-second-dial")
def no_second_dial(v):
    """Who talks in the call would be found busy."""
    for call in v.calls():
        r = roster(v, call)
        for leg in r.legs.values():
            there = r.after(leg.announced) or ()
            if any(r.legs[n].who == leg.who for n in there):
                yield f"{leg.dial}: {leg.who}, who talks already, was announced"


@rule("dial-announced")
def dial_announced(v):
    times = collections.Counter(d["dial"] for e in v.first.values() for d in e["dials"])
    for dial, count in times.items():
        if count > 1:
            yield f"{dial} was announced {count} times"
    announced = {d["dial"]: (d["address"], told_at(e)) for e in v.first.values() for d in e["dials"]}
    for d in v.history["dials"]:
        if d["dial"] not in announced:
            yield f"{d['dial']} was dialled, but no event announced it"
        elif announced[d["dial"]][0] != d["number"]:
            yield f"{d['dial']} was dialled to another address than announced"
        elif announced[d["dial"]][1] > d["at"] + SLACK:
            yield f"{d['dial']} was dialled before its event was told"


def stood_still(v, worker, at):
    """Was that worker stopped, so that a packet may have left it late?"""
    for i in v.history["interruptions"]:
        if i["worker"] == worker and i["kind"] in ("SIGSTOP", "stop point") and i["from"] <= at <= i["to"] + 1:
            return True
    return False


def told_end(v, call, dial):
    """(event, was it known what became of it): the result of who was invited, or the call's end, the first."""
    final = next(iter(v.finals(call)), None)
    for leg, result in invited(v, call):
        if leg.dial == dial and result and (not final or result["seq"] < final["seq"]):
            subcode = (result["data"].get("resultInfo") or {}).get("subcode")
            if result["data"].get("status") != "completed":
                return result, subcode != UNKNOWN
    return final, bool(final) and final["outcome"] != "unknown"


def late_dials(v):
    """(dial, event, known): phones that rang after their end had been told."""
    for call, dials in v.dials.items():
        for d in dials:
            end, known = told_end(v, call, d["dial"])
            if end and d["at"] > told_at(end) + SLACK:
                yield d, end, known


@rule("no-dial-after-final")
def no_dial_after_final(v):
    for d, end, known in late_dials(v):
        if known or not stood_still(v, d["worker"], d["at"]):
            what = end["outcome"] if end["final"] else f"result {end['data'].get('resultInfo')}"
            yield f"{d['dial']} was dialled {d['at'] - told_at(end):.3f} s after the end ({what})"


@rule("dialled-where-needed")
def dialled_where_needed(v):
    for call in v.calls():
        for final in v.finals(call):
            established = any(e["state"] == "established" for e in v.events[call])
            if (final["outcome"] in ANSWERED or established) and not v.dials[call]:
                yield f"{call} ended as {final['outcome']}{', established' * established}, and no phone rang"
        there = {d["dial"] for d in v.dials[call]}
        for leg in roster(v, call).legs.values():
            if (leg.heard or leg.answered) and leg.dial not in there:
                yield f"{leg.dial} was heard of, and never dialled"
