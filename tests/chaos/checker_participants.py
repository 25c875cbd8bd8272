# checker_participants.py - rules about who comes into a call and who leaves it: invites, removes, the roster
import collections

from checker_roster import NEVER_ANSWER, answers_after, invited, names_of, roster, script_of
from checker_view import SLACK, hindered_until, rule, seconds_of, told_at

ENDED, NOT_ESTABLISHED, IN_CALL, UNKNOWN = (400, 8528), (400, 8501), (409, 8519), (500, 8500)
NO_ANSWER, UNREACHABLE, CANCELLED = (480, 560480), (408, 560408), (487, 560487)
CLOCKS = 0.1  # s, between what two workers believe to be Redis's time
HUNG_UP_SECONDS = 5  # from a remove, the takeover after it, or when Kafka and Redis were back, to its phone's end
READ_SECONDS = 5  # a record may be read so much later than it was made, while Redis stands still


def wanted_results(v, call):
    """{(operationContext, rawId): how many}, of all that the call's invites asked for."""
    wanted = collections.Counter()
    for c in v.of_kind(call, "invite"):
        carried_out = c["commandId"] in v.taken_in and not v.is_set_aside(c)
        for who in c.get("participants", []):
            wanted[c["operationContext"], who["rawId"]] += carried_out
    return wanted


@rule("one-invite-result")
def one_invite_result(v):
    for call in v.calls():
        told = collections.Counter((e["data"].get("operationContext"), name)
                                   for e in v.results(call, "InviteParticipantResult") if e["number"]
                                   for name in names_of(e))
        wanted = wanted_results(v, call)
        for key in set(told) | set(wanted):
            if told[key] != wanted[key]:
                yield f"{call}: {told[key]} results for {key[1]} in {key[0]}, not {wanted[key]}"
        for e in v.results(call, "InviteParticipantResult"):
            if len(names_of(e)) != 1:
                yield f"{call}: seq {e['seq']} is the result of {len(names_of(e))} participants"


# ---- truthful ----

def code_of(e):
    info = e["data"].get("resultInfo") or {}
    return info.get("code"), info.get("subcode")


def rang(v, leg):
    """When its phone was dialled; None: it was not."""
    return next((d["at"] for d in v.dials[leg.dial.split(".")[0]] if d["dial"] == leg.dial), None)


def not_answered(v, leg, result):
    """What is wrong with a completed result; None: nothing."""
    at, needed = rang(v, leg), answers_after(leg.address)
    if code_of(result) != (200, 0):
        return f"completed with {code_of(result)}"
    if needed is None:
        return "such a phone never answers"
    if not leg.answered or leg.answered["seq"] > result["seq"]:
        return "its leg did not talk"
    if at is None:
        return "it was never dialled"
    if told_at(result) < at + needed - SLACK:
        return "it could not have answered so soon"
    return None


def ended_by_then(v, call, r, result):
    """All of the call was ending, or ended with this."""
    states = [e["seq"] for e in v.events[call] if e["state"] in ("terminating", "left", "terminated")]
    nobody = r.after(result) is not None and not r.after(result)
    return nobody or any(seq < result["seq"] for seq in states)


def was_in_call(r, result, name, but):
    """Somebody of that name had been announced, and not ended."""
    return any(leg.who == name and leg is not but and leg.announced["seq"] <= result["seq"] and
               not (leg.over and leg.over["seq"] < result["seq"]) for leg in r.legs.values())


def waited_long(v, leg, result):
    """Of ring.timeout or call.max, the first."""
    call = v.events[leg.dial.split(".")[0]]
    return told_at(result) >= min((rang(v, leg) or leg.announced["at"] / 1e6) + seconds_of("ring.timeout"),
                                  call[0]["at"] / 1e6 + seconds_of("call.max")) - CLOCKS


def not_failed_so(v, call, r, leg, result):
    """What is wrong with the code of a failed result; None: nothing."""
    code, name = code_of(result), names_of(result)[0]
    if code == ENDED:
        return None if ended_by_then(v, call, r, result) else "the call had not ended"
    if code == NOT_ESTABLISHED:
        before = any(e["state"] == "established" and e["seq"] < result["seq"] for e in v.events[call])
        return "the call was established" if before else None
    if code == IN_CALL:
        return None if was_in_call(r, result, name, leg) else "nobody of that name was in the call"
    if not leg:
        return f"{code}, and it was not announced"
    if code == UNKNOWN:
        return None  # checker_unknown.py
    if code == CANCELLED:
        hung_up = (leg.removed and leg.removed["seq"] < result["seq"]) or ended_by_then(v, call, r, result)
        return None if hung_up else "nobody had hung up"
    if code in (NO_ANSWER, UNREACHABLE):
        return None if waited_long(v, leg, result) else "the time to answer was not over"
    return None if code == NEVER_ANSWER.get(script_of(leg.address)) else f"its phone does not end with {code}"


@rule("invite-truthful")
def invite_truthful(v):
    for call in v.calls():
        r = roster(v, call)
        legs = {id(result): leg for leg, result in invited(v, call) if result}
        for e in v.results(call, "InviteParticipantResult"):
            if len(names_of(e)) != 1:
                continue
            leg, failed = legs.get(id(e)), e["data"].get("status") != "completed"
            fault = not_failed_so(v, call, r, leg, e) if failed else \
                not_answered(v, leg, e) if leg else "completed, and nobody was called"
            if failed and leg and leg.answered:
                fault = f"failed, and its leg talked at seq {leg.answered['seq']}"
            if fault:
                yield f"{call}: seq {e['seq']}, {e['data'].get('operationContext')} of {names_of(e)[0]}: {fault}"


@rule("invited-as-asked")
def invited_as_asked(v):
    for call in v.calls():
        by_id = {c["commandId"]: c for c in v.of_kind(call, "invite")}
        for leg in roster(v, call).legs.values():
            c = by_id.get(leg.command)
            if c and leg.caller != c.get("alternateCallerId"):
                yield f"{leg.dial} shows {leg.caller}, not {c.get('alternateCallerId')}"
            if c and leg.who not in [p["rawId"] for p in c["participants"]]:
                yield f"{leg.dial} is {leg.who}, whom nobody invited"


@rule("own-callback")
def own_callback(v):
    for call in v.calls():
        create = v.create_of(call)
        own = {c["operationContext"]: c["callbackUri"] for kind in ("play", "invite") for c in v.of_kind(call, kind)
               if c.get("callbackUri")}
        for e in v.numbered(call) if create else []:
            of_one = e["type"] in ("PlayAudioResult", "InviteParticipantResult")
            wanted = own.get(e["data"].get("operationContext")) if of_one else None
            if e["callbackUri"] != (wanted or create["callbackUri"]):
                yield f"{call}: seq {e['seq']} ({e['type']}) goes to {e['callbackUri']}"


# ---- the roster ----

def listed(e):
    return [(p["participantId"], p["identifier"]["rawId"], p["isMuted"]) for p in e["data"]["participants"]]


def roster_faults(v, call):
    """Each change is told, with the list as it is then, and nothing else is."""
    r, before, due, changed = roster(v, call), frozenset(), None, False
    for e in v.events[call]:
        now = r.after(e)
        if now is None:
            return
        if e["type"] == "ParticipantsUpdated":
            there = [(leg.participant, leg.who, False) for n, leg in sorted(r.legs.items()) if n in now]
            if not changed or e["state"] != "established" or not e["number"]:
                yield f"seq {e['seq']} tells of participants, and nobody came or left"
            if listed(e) != there:
                yield f"seq {e['seq']} lists {[p[1] for p in listed(e)]}, there are {[p[1] for p in there]}"
            due, changed = None, False
        elif due and e["type"] != "InviteParticipantResult":
            yield f"who came or left with seq {due['seq']} was not told"
            due = None
        if now != before:
            changed = True
            # with nobody left it is told only if somebody still rings
            due = e if now and e["state"] == "established" else None
        before = now


@rule("participants-updated")
def participants_updated(v):
    for call in v.calls():
        create = v.create_of(call)
        if create and create.get("participantsUpdated"):
            yield from (f"{call}: {fault}" for fault in roster_faults(v, call))


@rule("subscribed")
def subscribed(v):
    for call in v.calls():
        create = v.create_of(call) or {}
        for e in v.events[call]:
            if e["type"] == "ParticipantsUpdated" and not create.get("participantsUpdated"):
                yield f"{call}: seq {e['seq']} tells of participants, nobody asked for it"
            if e["type"] == "DtmfReceived" and bool(e["number"]) != bool(create.get("dtmfReceived")):
                yield f"{call}: seq {e['seq']}, a digit, has number {e['number']}"


@rule("roster-true")
def roster_true(v):
    for q in v.good:
        if q["kind"] != "roster":
            continue
        r = roster(v, q["call"])
        for participant in q.get("roster") or []:
            leg = r.of_participant(participant)
            if not leg or any(r.after(e) is None for e in v.events[q["call"]]):
                if not leg:
                    yield f"{q['call']}: {participant}, whom nobody called, is listed"
            elif not leg.answered or leg.answered["at"] / 1e6 > q["received"] + CLOCKS:
                yield f"{q['call']}: {leg.who} is listed, and had not answered"
            elif gone_at(v, leg) < q["sent"] - READ_SECONDS:
                yield f"{q['call']}: {leg.who} is listed {q['sent'] - gone_at(v, leg):.1f} s after the end"


# ---- remove ----

def gone_at(v, leg):
    """s; by then it was hung up, or its call had ended; infinity: never."""
    ends = [e for e in (leg.over, leg.removed) if e] + v.finals(leg.dial.split(".")[0])
    return min((e["at"] / 1e6 for e in ends), default=float("inf"))


def end_of(v, call):
    """The record with which nobody is left."""
    return next((e for e in v.events[call] if e["state"] == "terminated"), None)


@rule("removed-hung-up")
def removed_hung_up(v):
    for call in v.calls():
        for leg in roster(v, call).legs.values():
            if not leg.removed or not (leg.heard or leg.answered or rang(v, leg)):
                continue
            end = leg.over or end_of(v, call)
            if not end or (leg.answered and leg.answered["seq"] > leg.removed["seq"]):
                yield f"{call}: {leg.who} was removed, and talks on"
                continue
            late = end["at"] / 1e6 - max(leg.removed["at"] / 1e6, hindered_until(v, end))
            if late > HUNG_UP_SECONDS:
                yield f"{call}: {leg.who} was removed, and hung up {late:.1f} s later"


@rule("known-participant")
def known_participant(v):
    for q in v.history["requests"]:
        if q["kind"] != "remove" or q["status"] != 404:
            continue
        leg = roster(v, q["call"]).of_participant(q["participant"])
        if leg and leg.answered and gone_at(v, leg) > q["received"] + CLOCKS:
            yield f"{q['call']}: {leg.who}, who talked, was answered 404"
