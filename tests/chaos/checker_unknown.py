# checker_unknown.py - rules about calls that ended as unknown: why, how soon, and how many may
#
# A call may end so if its worker was killed, stopped or cut off while it stood between the confirm of its dial and
# the first word of its phone.  The confirm itself leaves no trace; but what was dialled was confirmed, and a worker
# that nobody hurts dials within a moment.  Counted apart: an intent that lived through a restart of Redis, which can't
# be trusted to know of the last confirm.
import collections

from checker_view import SLACK, epoch_number, rule

TOLD_SECONDS = 10  # from the takeover to the final event
DIAL_SECONDS = 3  # from the announcement of a dial to the dial, in a worker that is well
RESTART = "intent through a Redis restart"
REBALANCE = "a rebalance"

# what a call's end as unknown comes from: a kind of interruption, or what is wrong with it
Reason = collections.namedtuple("Reason", "cause fault interruption workers", defaults=(None, None, None, ()))


def owner(v, event):
    return v.taken.get((event["partition"], event["epoch"]))


def announcement(v, call):
    return next((e for e in v.events[call] if e["dials"]), None)


def holders(v, call, dial, until):
    """Who had the dial in hand: who made it, or, if nobody did, who owned the partition until then."""
    before = owner(v, dial)
    return {d["worker"] for d in v.dials[call]} or \
        {t["worker"] for t in v.takes[dial["partition"]] if before and before["at"] <= t["at"] < until}


def unheard(v, call, dial):
    """Legs of which no word came before the end."""
    heard = {leg["leg"] for e in v.events[call] if not e["final"] for leg in e["legs"]}
    if len(dial["dials"]) == 1 and any(e["state"] == "established" for e in v.events[call]):
        return set()
    return {d["leg"] for d in dial["dials"]} - heard


def never_forgotten(v, dial, final):
    """One worker had the partition all the time, and its memory of it."""
    takes = [t for t in v.takes[dial["partition"]] if epoch_number(dial) < epoch_number(t) <= epoch_number(final)]
    before = owner(v, dial)
    return bool(takes) and all(t.get("from") == "memory" and t["worker"] == before["worker"] for t in takes)


def read_from_redis(v, final):
    """The takeover in which its owner found the call as it was; later ones from memory lose nothing."""
    takes = [t for t in v.takes[final["partition"]]
             if epoch_number(t) <= epoch_number(final) and t.get("from") != "memory"]
    return takes[-1] if takes and takes[-1]["worker"] == owner(v, final)["worker"] else owner(v, final)


def hurt(v, worker):
    """When and how that worker could have lost what it had in hand."""
    # asked to end, it hands over: no leg is lost by that
    return [i for i in v.history["interruptions"] if i["worker"] == worker and i["kind"] != "term"]


def lived_through_restart(v, call, dial, until):
    return not v.dials[call] and any(i["kind"] == "redis restart" and dial["at"] / 1e6 - SLACK <= i["to"] and
                                     i["from"] <= until for i in v.history["interruptions"])


def find_reason(v, call):
    final = v.finals(call)[0]
    dial = announcement(v, call)
    if dial is None:
        return Reason(fault="no dial was announced")
    if dial["epoch"] == final["epoch"]:
        return Reason(fault="its partition never changed hands")
    if not owner(v, dial) or not owner(v, final):
        return Reason(fault="an owner that left no log line")
    if never_forgotten(v, dial, final):
        return Reason(fault="its worker never forgot it")
    if not unheard(v, call, dial):
        return Reason(fault="its phones had been heard of")
    after = read_from_redis(v, final)
    workers = holders(v, call, dial, after["at"])
    if lived_through_restart(v, call, dial, after["at"]):
        return Reason(RESTART, workers=workers)
    # the shortest first: a kill explains more than a time of trouble around it
    for i in sorted((i for w in workers for i in hurt(v, w)), key=lambda i: i["to"] - i["from"]):
        if i["from"] <= after["at"] and i["to"] >= dial["at"] / 1e6 - SLACK:
            return Reason(i["kind"], None, i, {i["worker"]})
    return Reason(REBALANCE, workers=workers)


def reason(v, call):
    """Of a call that ended as unknown."""
    if call not in v.reasons:
        v.reasons[call] = find_reason(v, call)
    return v.reasons[call]


def unknown_calls(v):
    return [call for call in v.calls() if [e["outcome"] for e in v.finals(call)] == ["unknown"]]


@rule("unknown-explained")
def unknown_explained(v):
    for call in unknown_calls(v):
        why = reason(v, call)
        if why.fault:
            yield f"{call} ended as unknown: {why.fault}"
        elif why.cause == REBALANCE:
            yield f"{call} ended as unknown, though its worker was neither killed nor stopped"


# ---- how soon ----

def first_take(v, final, since):
    """When its owner took the partition: again and again is one takeover, if nobody else's came between."""
    taker, first = owner(v, final), None
    for t in reversed(v.takes[final["partition"]]):
        if epoch_number(t) > epoch_number(final):
            continue
        if t["worker"] != taker["worker"] or (first and t["at"] < since):
            break
        first = t
    return first


@rule("unknown-in-time")
def unknown_in_time(v):
    for call in unknown_calls(v):
        final, dial, hit = v.finals(call)[0], announcement(v, call), reason(v, call).interruption
        if dial is None or not owner(v, final):
            continue
        take = first_take(v, final, max(hit["from"] if hit else 0, dial["at"] / 1e6))
        late = final["at"] / 1e6 - take["at"]
        if late > TOLD_SECONDS:
            yield f"{call} ended as unknown {late:.1f} s after {take['worker']} had taken its partition"


# ---- how many ----

def word_of(v, call, legs):
    """When the last of these legs was first heard of, or the call ended; s."""
    first = {}
    for e in v.events[call]:
        if e["final"]:
            return e["at"] / 1e6
        for leg in e["legs"]:
            first.setdefault(leg["leg"], e["at"] / 1e6)
        if legs <= set(first):
            return max(first[leg] for leg in legs)
    return float("inf")


def came_to(v, worker, dial):
    """When that worker had the dial in hand first: it announced it, or took the partition later; None: never."""
    announced = dial["at"] / 1e6
    takes = [t["at"] for t in v.takes[dial["partition"]] if t["worker"] == worker]
    if owner(v, dial) and owner(v, dial)["worker"] == worker:
        return announced
    return min((at for at in takes if at >= announced), default=None)


def lost_before_dial(v, call):
    """No phone heard of it, and yet it had been confirmed."""
    return [e["outcome"] for e in v.finals(call)] == ["unknown"] and reason(v, call).cause != RESTART


def stood(v, worker):
    """Calls between confirm and first word when that worker was killed, stopped or cut off."""
    found = set()
    for call in v.calls():
        dial = announcement(v, call)
        if dial is None or any(d["worker"] != worker for d in v.dials[call]):
            continue
        begin = came_to(v, worker, dial)
        if begin is None or not (v.dials[call] or lost_before_dial(v, call)):
            continue
        end = word_of(v, call, {d["leg"] for d in dial["dials"]})
        if not v.dials[call]:  # one that it never dialled was not in its hand for long
            end = min(end, begin + DIAL_SECONDS)
        if any(i["from"] <= end + SLACK and i["to"] >= begin - SLACK for i in hurt(v, worker)):
            found.add(call)
    return found


def bounds(v):
    """{worker: (calls that ended as unknown by what happened to it, calls that might have)}."""
    ends = collections.defaultdict(set)
    for call in unknown_calls(v):
        why = reason(v, call)
        if why.interruption:
            ends[why.interruption["worker"]].add(call)
    workers = {i["worker"] for i in v.history["interruptions"] if i["worker"]} | set(ends)
    return {w: (len(ends[w]), len(stood(v, w))) for w in sorted(workers)}


@rule("unknown-bounded")
def unknown_bounded(v):
    for worker, (ended, might) in bounds(v).items():
        if ended > might:
            yield f"{worker}: {ended} calls ended as unknown, {might} stood between confirm and first word"


# ---- for the report ----

def causes(v):
    return dict(collections.Counter(why.cause or why.fault for why in (reason(v, c) for c in unknown_calls(v))))


def might_be_unknown(v):
    return sum(might for _, might in bounds(v).values())
