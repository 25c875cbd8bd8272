# checker_roster.py - who was in a call, and when: read from its events, for the rules about participants
#
# Each leg is announced by the event with its dial; it talks from "answered" until "over", or until it is removed.
# The first one's answer is told as the call's being established, which does not name it: where several were called,
# it is the one that can't have answered later.
from checker_view import seconds_of

NEVER_ANSWER = {20: (486, 560486), 21: (480, 560480), 22: (603, 560603), 23: (404, 560404), 24: (503, 560503)}
HANGS_UP_ITSELF = {10, 30}
ANSWERS_LATE = {32: 5.0}


def script_of(address):
    """What a simulated phone does: the last two digits of its number say it."""
    number = int(address[-2:]) if address[-2:].isdigit() else 0
    return number if number in set(range(12)) | set(NEVER_ANSWER) | {30, 31, 32} else 0


def answers_after(address):
    """s; None: never."""
    script = script_of(address)
    return None if script in NEVER_ANSWER else ANSWERS_LATE.get(script, seconds_of("sim.ring"))


class Leg:
    def __init__(self, dial, event):
        self.number, self.dial, self.address = dial["leg"], dial["dial"], dial["address"]
        self.participant, self.command = dial["participantId"], dial["commandId"]
        self.who, self.caller = dial["identifier"]["rawId"], dial["caller"]
        self.announced = event
        self.heard = self.answered = self.over = self.removed = None  # events: the first word, the answer, the end


class Roster:
    """Of one call."""

    def __init__(self, v, call):
        self.legs = {}  # by number
        self.talking = {}  # after the event of that seq: numbers of legs; None: not known
        self.removes = {c["commandId"]: c["participantId"] for c in v.of_kind(call, "remove") if "participantId" in c}
        events = v.events[call]
        for e in events:
            for d in e["dials"]:
                self.legs.setdefault(d["leg"], Leg(d, e))
        for e in events:
            self.note(e)
        now = set()
        for e in events:
            now = self.step(now, e, events)
            self.talking[e["seq"]] = None if now is None else frozenset(now)

    def note(self, e):
        for record in e["legs"]:
            leg = self.legs.get(record["leg"])
            if not leg:
                continue
            leg.heard = leg.heard or e
            if record["state"] == "talking":
                leg.answered = leg.answered or e
            if record["state"] == "ended":
                leg.over = leg.over or e
        leg = self.of_participant(self.removes.get(e["data"].get("commandId"))) if e["type"] == "Snapshot" else None
        if leg:
            leg.removed = leg.removed or e

    def of_participant(self, participant):
        return next((leg for leg in self.legs.values() if participant and leg.participant == participant), None)

    def first_to_answer(self, e, events):
        """Whom the call was established with; None: not to be told."""
        able = [leg for leg in self.legs.values()
                if leg.announced["seq"] < e["seq"] and not leg.answered and answers_after(leg.address) is not None and
                not (leg.over and leg.over["seq"] < e["seq"]) and not (leg.removed and leg.removed["seq"] < e["seq"])]
        told = next((x for x in events if x["type"] == "ParticipantsUpdated"), None)
        if len(able) > 1 and told and told["seq"] == e["seq"] + 1:
            named = {p["participantId"] for p in told["data"]["participants"]}
            # whoever it was: a list of others, or of more than one, is not true
            able = ([leg for leg in able if leg.participant in named] or able)[:1]
        return able[0] if len(able) == 1 else None

    def step(self, now, e, events):
        if now is None:
            return None
        if e["type"] == "CallLegStateChanged" and e["state"] == "established":
            first = self.first_to_answer(e, events)
            if not first:
                return None
            first.answered = e
            return now | {first.number}
        for leg in self.legs.values():
            if leg.answered is e:
                now = now | {leg.number}
            if e is leg.over or e is leg.removed:
                now = now - {leg.number}
        return now

    def after(self, e):
        return self.talking.get(e["seq"])


def roster(v, call):
    if call not in v.rosters:
        v.rosters[call] = Roster(v, call)
    return v.rosters[call]


def invited(v, call):
    """(leg, its result or None): of each who was invited and is to be dialled."""
    ids = {c["commandId"]: c for c in v.of_kind(call, "invite")}
    results = v.results(call, "InviteParticipantResult")
    for leg in roster(v, call).legs.values():
        if leg.command in ids:
            context = ids[leg.command]["operationContext"]
            yield leg, next((e for e in results if e["data"].get("operationContext") == context and
                             names_of(e) == [leg.who]), None)


def names_of(event):
    """rawIds of those it tells of."""
    return [(p.get("identifier") or p)["rawId"] for p in event["data"].get("participants") or []]
