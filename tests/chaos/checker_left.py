# checker_left.py - rules about the end of a call, and about one that its app left while others talk on
from checker_roster import HANGS_UP_ITSELF, roster, script_of
from checker_participants import CLOCKS, end_of
from checker_view import hindered_until, rule, seconds_of

GONE_SECONDS = 10  # more than sim.talk, from the hang up, the last takeover, or when Kafka and Redis were back


@rule("nothing-after-final")
def nothing_after_final(v):
    for call in v.calls():
        for final in v.finals(call):
            over = final["state"] != "left"
            for e in v.events[call]:
                if e["seq"] <= final["seq"] and e["offset"] <= final["offset"]:
                    continue
                where = f"{call}: seq {e['seq']} at offset {e['offset']} after the final one, {final['seq']}"
                if over:
                    yield where
                elif e["number"]:
                    yield f"{where}, which its app left, with number {e['number']}"
                elif e["dials"]:
                    yield f"{where} announces dials"
                elif e["state"] not in ("left", "terminated"):
                    yield f"{where} says {e['state']}"
                over = over or e["state"] == "terminated"


def gone(v, call):
    """The last record of a call that was left; None: it is no such."""
    last = v.events[call][-1]
    good = last["type"] == "CallLegStateChanged" and last["state"] == "terminated" and not last["number"]
    return last if good else None


def left_calls(v):
    return [(call, v.finals(call)[0]) for call in v.calls() if [e["state"] for e in v.finals(call)] == ["left"]]


@rule("left-ends")
def left_ends(v):
    for call, final in left_calls(v):
        last = gone(v, call)
        if not last:
            yield f"{call} was left, and nothing says that all are gone"
            continue
        late = last["at"] / 1e6 - max(final["at"] / 1e6, hindered_until(v, last))
        if late > seconds_of("sim.talk") + GONE_SECONDS:
            yield f"{call} was left, and ended {late:.1f} s later"


def hung_up_by(v, call):
    """(the event that says Terminating, the kind of command that caused it; None: none)."""
    kinds = {c["commandId"]: c["kind"] for c in v.orders[call].values()}
    for e in v.events[call]:
        if e["state"] == "terminating":
            return e, next((kinds.get(name) for name in e["commandIds"]), None)
    return None, None


def was_waited_for(v, call, e):
    """Somebody rang then, or was being hung up: the final event had to wait, and the others may have gone meanwhile."""
    r = roster(v, call)
    return any(leg.announced["seq"] <= e["seq"] and not (leg.over and leg.over["seq"] < e["seq"]) and
               leg.number not in r.after(e) for leg in r.legs.values())


def all_went(v, call, final):
    """The last one's end is not told: it is the call's."""
    before = [e for e in v.events[call] if e["seq"] < final["seq"]]
    return len(roster(v, call).after(before[-1])) <= 1


def was_deleted(v, call):
    return any(c["kind"] == "delete" and c["commandId"] in v.taken_in for c in v.orders[call].values())


@rule("left-where-two-talk")
def left_where_two_talk(v):
    for call in v.calls():
        e, kind = hung_up_by(v, call)
        talking = roster(v, call).after(e) if e else None
        for final in v.finals(call):
            left = final["state"] == "left"
            if left and kind != "hangup":
                yield f"{call} was left, by {kind}"
            elif talking is None or kind != "hangup" or was_deleted(v, call):
                continue
            elif left and len(talking) < 2:
                yield f"{call} was left, with {len(talking)} who talked"
            elif not left and len(talking) >= 2 and not (was_waited_for(v, call, e) and all_went(v, call, final)):
                yield f"{call} was not left, with {len(talking)} who talked"


@rule("left-talk-on")
def left_talk_on(v):
    for call in v.calls():
        e, kind = hung_up_by(v, call)
        there, last = roster(v, call).after(e) if e else None, end_of(v, call)
        if kind != "hangup" or there is None or not last or was_deleted(v, call):
            continue
        stay = [n for n in there if script_of(roster(v, call).legs[n].address) not in HANGS_UP_ITSELF]
        until = min(e["at"] / 1e6 + seconds_of("sim.talk"),
                    v.events[call][0]["at"] / 1e6 + seconds_of("call.max")) - CLOCKS
        early = until - last["at"] / 1e6
        if len(stay) >= 2 and early > 0:
            yield f"{call} was left with {len(stay)} who would talk on, and ended {early:.3f} s early"
