# checker_unknown.py - rules about calls and invited participants of whom nobody knows: why, how soon, how many
#
# A call may end as unknown, or an invite be told so, if its worker was killed, stopped or cut off while it stood
# between the confirm of its dial and the first word of its phone.  The confirm itself leaves no trace; but what was
# dialled was confirmed, and a worker that nobody hurts dials within a moment.  Counted apart: an intent that lived
# through a restart of Redis, which can't be trusted to know of the last confirm.
import collections

from checker_roster import invited
from checker_view import SLACK, epoch_number, rule

TOLD_SECONDS = 10  # from the takeover to the final event
DIAL_SECONDS = 3  # from the announcement of a dial to the dial, in a worker that is well
UNKNOWN = 8500
RESTART = "intent through a Redis restart"
REBALANCE = "a rebalance"

# what an unknown end comes from: a kind of interruption, or what is wrong with it
Reason = collections.namedtuple("Reason", "cause fault interruption workers", defaults=(None, None, None, ()))

# the dials of one command and what became of them: those of a create together, each invited one by himself.
# `dial`: the event that announced them, or None; `end`: the one that tells their end, or None
Fate = collections.namedtuple("Fate", "name call dial dials end unknown")


def owner(v, event):
    return v.taken.get((event["partition"], event["epoch"]))


def of_create(v, call):
    finals = v.finals(call)
    dial = next((e for e in v.events[call] if e["dials"]), None)
    return Fate(call, call, dial, tuple((d["dial"], d["leg"]) for d in dial["dials"]) if dial else (),
                finals[0] if finals else None, [e["outcome"] for e in finals] == ["unknown"])


def of_invited(v, call, leg, result):
    unknown = result is not None and (result["data"].get("resultInfo") or {}).get("subcode") == UNKNOWN
    return Fate(leg.dial, call, leg.announced, ((leg.dial, leg.number),), result, unknown)


def fates(v):
    if not v.fates:
        for call in v.calls():
            v.fates.append(of_create(v, call))
            v.fates.extend(of_invited(v, call, leg, result) for leg, result in invited(v, call))
    return v.fates


def dialled(v, fate):
    ids = {dial for dial, _ in fate.dials}
    return [d for d in v.dials[fate.call] if d["dial"] in ids]


def holders(v, fate, until):
    """Who had the dial in hand: who made it, or, if nobody did, who owned the partition until then."""
    before = owner(v, fate.dial)
    return {d["worker"] for d in dialled(v, fate)} or \
        {t["worker"] for t in v.takes[fate.dial["partition"]] if before and before["at"] <= t["at"] < until}


def unheard(v, fate):
    """Legs of which no word came before the end."""
    heard = {leg["leg"] for e in v.events[fate.call] if e["seq"] < fate.end["seq"] for leg in e["legs"]}
    if fate.name == fate.call and len(fate.dials) == 1 and any(e["state"] == "established"
                                                              for e in v.events[fate.call]):
        return set()
    return {leg for _, leg in fate.dials} - heard


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


def lived_through_restart(v, fate, until):
    return not dialled(v, fate) and any(i["kind"] == "redis restart" and i["from"] <= until and
                                        fate.dial["at"] / 1e6 - SLACK <= i["to"] for i in v.history["interruptions"])


def find_reason(v, fate):
    dial, final = fate.dial, fate.end
    if dial is None:
        return Reason(fault="no dial was announced")
    if dial["epoch"] == final["epoch"]:
        return Reason(fault="its partition never changed hands")
    if not owner(v, dial) or not owner(v, final):
        return Reason(fault="an owner that left no log line")
    if never_forgotten(v, dial, final):
        return Reason(fault="its worker never forgot it")
    if not unheard(v, fate):
        return Reason(fault="its phones had been heard of")
    after = read_from_redis(v, final)
    workers = holders(v, fate, after["at"])
    if lived_through_restart(v, fate, after["at"]):
        return Reason(RESTART, workers=workers)
    # the shortest first: a kill explains more than a time of trouble around it
    for i in sorted((i for w in workers for i in hurt(v, w)), key=lambda i: i["to"] - i["from"]):
        if i["from"] <= after["at"] and i["to"] >= dial["at"] / 1e6 - SLACK:
            return Reason(i["kind"], None, i, {i["worker"]})
    return Reason(REBALANCE, workers=workers)


def reason(v, fate):
    """Of what ended as unknown."""
    if fate.name not in v.reasons:
        v.reasons[fate.name] = find_reason(v, fate)
    return v.reasons[fate.name]


def unknown_fates(v):
    return [fate for fate in fates(v) if fate.unknown]


@rule("unknown-explained")
def unknown_explained(v):
    for fate in unknown_fates(v):
        why = reason(v, fate)
        if why.fault:
            yield f"{fate.name} ended as unknown: {why.fault}"
        elif why.cause == REBALANCE:
            yield f"{fate.name} ended as unknown, though its worker was neither killed nor stopped"


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
    for fate in unknown_fates(v):
        hit = reason(v, fate).interruption
        if fate.dial is None or not owner(v, fate.end):
            continue
        take = first_take(v, fate.end, max(hit["from"] if hit else 0, fate.dial["at"] / 1e6))
        late = fate.end["at"] / 1e6 - take["at"]
        if late > TOLD_SECONDS:
            yield f"{fate.name} ended as unknown {late:.1f} s after {take['worker']} had taken its partition"


# ---- how many ----

def word_of(v, fate):
    """When the last of these legs was first heard of, or their end was told; s."""
    legs, first = {leg for _, leg in fate.dials}, {}
    for e in v.events[fate.call]:
        if e["final"] or e is fate.end:
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


def lost_before_dial(v, fate):
    """No phone heard of it, and yet it had been confirmed."""
    return fate.unknown and reason(v, fate).cause != RESTART


def stood(v, worker):
    """Those between confirm and first word when that worker was killed, stopped or cut off."""
    found = set()
    for fate in fates(v):
        rung = dialled(v, fate)
        if fate.dial is None or any(d["worker"] != worker for d in rung):
            continue
        begin = came_to(v, worker, fate.dial)
        if begin is None or not (rung or lost_before_dial(v, fate)):
            continue
        end = word_of(v, fate)
        if not rung:  # one that it never dialled was not in its hand for long
            end = min(end, begin + DIAL_SECONDS)
        if any(i["from"] <= end + SLACK and i["to"] >= begin - SLACK for i in hurt(v, worker)):
            found.add(fate.name)
    return found


def bounds(v):
    """{worker: (how many ended as unknown by what happened to it, how many might have)}."""
    ends = collections.defaultdict(set)
    for fate in unknown_fates(v):
        why = reason(v, fate)
        if why.interruption:
            ends[why.interruption["worker"]].add(fate.name)
    workers = {i["worker"] for i in v.history["interruptions"] if i["worker"]} | set(ends)
    return {w: (len(ends[w]), len(stood(v, w))) for w in sorted(workers)}


@rule("unknown-bounded")
def unknown_bounded(v):
    for worker, (ended, might) in bounds(v).items():
        if ended > might:
            yield f"{worker}: {ended} ended as unknown, {might} stood between confirm and first word"


# ---- for the report ----

def causes(v):
    return dict(collections.Counter(why.cause or why.fault for why in (reason(v, f) for f in unknown_fates(v))))


def might_be_unknown(v):
    return sum(might for _, might in bounds(v).values())
