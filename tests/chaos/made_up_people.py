# made_up_people.py - histories of calls with several people in them, for test_people.py: each keeps every rule
from made_up import (CALL, HANGUP, T, URI, command, create, dial_of, event, good, identifier, post, request,
                     state_event)

FIRST, GUEST, BUSY, SLOW = "+15550000100", "+15550000200", "+15550000320", "+15550000421"
OWN = "http://127.0.0.1:9/own"
ALTERNATE = "+15560000001"
OVER = {"callState": "terminated"}


def leg_event(seq, state, at, leg, what, leg_state):
    return event(seq, 0, "LegChanged", state, at, legs=[{"leg": leg, "state": leg_state}],
                 data={"what": what, "dialId": f"{CALL}.{leg}.1"})


def ledger_event(seq, kind, state, at, word, name, **more):
    return event(seq, 0, kind, state, at, data={"command": word, "commandId": name}, commandIds=[name], **more)


def people(seq, number, at, *there):
    """`there`: (leg, number of his phone) of those who talk."""
    return event(seq, number, "ParticipantsUpdated", "established", at, data={"participants": [
        {"identifier": identifier(phone), "participantId": f"person-{leg}", "isMuted": False} for leg, phone in there]})


def invite_result(seq, number, state, at, context, whom, code, subcode, **more):
    return event(seq, number, "InviteParticipantResult", state, at, **{"callbackUri": OWN, **more}, data={
        "operationContext": context, "status": "completed" if code == 200 else "failed", "participants":
        [identifier(whom)], "resultInfo": {"code": code, "subcode": subcode}})


def invite(name, context, offset, at, *whom, **more):
    return command("invite", name, offset, at, **{"operationContext": context, "participants":
                   [identifier(w) for w in whom], "alternateCallerId": None, "callbackUri": OWN, **more})


def ring(leg, number, at):
    return {"dial": f"{CALL}.{leg}.1", "number": number, "at": T + at, "worker": "worker-1-1"}


def posts_of(events):
    return [post(e["number"], e["at"] / 1e6 - T + 0.06, e["type"], e["data"].get("callState"),
                 endpoint="/" + e["callbackUri"].rsplit("/", 1)[1]) for e in events if e["number"]]


def history(requests, commands, events, dials):
    return {**good(), "requests": [request("create", "r1", 0.02, status=200, marker="chaos-2")] + requests,
            "commands": [{**create(1, 0, "chaos-2"), "participantsUpdated": True, "dtmfReceived": True}] + commands,
            "events": events, "dials": dials, "posts": posts_of(events)}


def begun():
    """Rung, established, and told who is there: events 1 to 4, numbers 1 to 3."""
    return [
        state_event(1, 1, "establishing", 0.1, dials=[dial_of(1, FIRST)], commandIds=["create-id"]),
        leg_event(2, "establishing", 0.2, 1, "trying", "ringing"),
        state_event(3, 2, "established", 0.4),
        people(4, 3, 0.4, (1, FIRST)),
    ]


def together():
    """Two are invited: one comes, the other is busy.  Who came is removed, called again, and is rung when all ends."""
    events = begun() + [
        ledger_event(5, "DialAnnounced", "established", 0.6, "invite", "i1",
                     dials=[dial_of(2, GUEST, "i1", ALTERNATE), dial_of(3, BUSY, "i1", ALTERNATE)]),
        leg_event(6, "established", 0.62, 2, "trying", "ringing"),
        leg_event(7, "established", 0.83, 3, "over", "ended"),
        invite_result(8, 4, "established", 0.83, "invite-2.1", BUSY, 486, 560486),
        leg_event(9, "established", 0.85, 2, "answered", "talking"),
        invite_result(10, 5, "established", 0.85, "invite-2.1", GUEST, 200, 0),
        people(11, 6, 0.85, (1, FIRST), (2, GUEST)),
        event(12, 7, "DtmfReceived", "established", 0.9),
        ledger_event(13, "Snapshot", "established", 1.0, "remove", "x1"),
        people(14, 8, 1.0, (1, FIRST)),
        leg_event(15, "established", 1.01, 2, "over", "ended"),
        ledger_event(16, "DialAnnounced", "established", 1.2, "invite", "i2", dials=[dial_of(4, GUEST, "i2")]),
        invite_result(17, 9, "established", 1.2, "invite-2.2", FIRST, 409, 8519, callbackUri=URI),
        leg_event(18, "established", 1.22, 4, "trying", "ringing"),
        state_event(19, 10, "terminating", 1.3, commandIds=[HANGUP]),
        leg_event(20, "terminating", 1.31, 4, "over", "ended"),
        invite_result(21, 11, "terminating", 1.31, "invite-2.2", GUEST, 487, 560487, callbackUri=URI),
        state_event(22, 12, "terminated", 1.32, final=True, outcome="completed"),
    ]
    return history(
        [request("invite", "r2", 0.55, marker="invite-2.1"),
         request("roster", "r3", 0.9, status=200, roster=["person-1", "person-2"]),
         request("remove", "r4", 0.95, participant="person-2"),
         request("remove", "r5", 1.1, participant="person-2", status=404, code="8522"),
         request("invite", "r6", 1.15, marker="invite-2.2"),
         request("remove", "r7", 1.25, participant="nobody", status=404, code="8522"),
         request("hangup", "r8", 1.28)],
        [invite("i1", "invite-2.1", 2, 0.5, GUEST, BUSY, alternateCallerId=ALTERNATE),
         command("remove", "x1", 3, 0.93, participantId="person-2"),
         invite("i2", "invite-2.2", 4, 1.1, GUEST, FIRST, callbackUri=None),
         command("hangup", HANGUP, 5, 1.26)],
        events,
        [ring(1, FIRST, 0.15), ring(2, GUEST, 0.61), ring(3, BUSY, 0.61), ring(4, GUEST, 1.21)])


def left():
    """Two talk and a third one is rung when the app hangs up: they talk on, and the ledger says when all are gone."""
    events = begun() + [
        ledger_event(5, "DialAnnounced", "established", 0.6, "invite", "i1", dials=[dial_of(2, GUEST, "i1")]),
        leg_event(6, "established", 0.62, 2, "trying", "ringing"),
        leg_event(7, "established", 0.85, 2, "answered", "talking"),
        invite_result(8, 4, "established", 0.85, "invite-2.1", GUEST, 200, 0),
        people(9, 5, 0.85, (1, FIRST), (2, GUEST)),
        ledger_event(10, "DialAnnounced", "established", 0.9, "invite", "i2", dials=[dial_of(3, SLOW, "i2")]),
        state_event(11, 6, "terminating", 1.0, commandIds=[HANGUP]),
        invite_result(12, 7, "established", 1.0, "invite-2.2", SLOW, 400, 8528),
        event(13, 8, "CallLegStateChanged", "left", 1.0, final=True, outcome="completed", data=OVER),
        leg_event(14, "left", 1.01, 3, "over", "ended"),
        leg_event(15, "left", 1.61, 1, "over", "ended"),
        event(16, 0, "CallLegStateChanged", "terminated", 1.62, data=OVER),
    ]
    return history(
        [request("invite", "r2", 0.55, marker="invite-2.1"), request("invite", "r3", 0.88, marker="invite-2.2"),
         request("hangup", "r4", 0.98)],
        [invite("i1", "invite-2.1", 2, 0.5, GUEST), invite("i2", "invite-2.2", 3, 0.86, SLOW),
         command("hangup", HANGUP, 4, 0.96), invite("i3", "invite-2.3", 5, 1.1, BUSY)],
        events, [ring(1, FIRST, 0.15), ring(2, GUEST, 0.61), ring(3, SLOW, 0.91)])


def deleted():
    """Left, and then ended for all."""
    h = left()
    h["requests"].append(request("delete", "r5", 1.2))
    h["commands"].append(command("delete", "d1", 6, 1.15))
    h["events"][14:] = [ledger_event(15, "Snapshot", "left", 1.18, "delete", "d1"),
                        leg_event(16, "left", 1.19, 1, "over", "ended"),
                        event(17, 0, "CallLegStateChanged", "terminated", 1.2, data=OVER)]
    return h


def gone_meanwhile():
    """The final event waited for one who rang, and the two whom the app had left were gone before that was over."""
    h = left()
    h["events"][11:] = [
        leg_event(12, "terminating", 1.61, 1, "over", "ended"),
        leg_event(13, "terminating", 1.7, 3, "over", "ended"),
        invite_result(14, 7, "terminating", 1.7, "invite-2.2", SLOW, 487, 560487),
        state_event(15, 8, "terminated", 1.72, final=True, outcome="completed"),
    ]
    h["posts"] = posts_of(h["events"])
    return h


def guest_lost():
    """The worker of one who was invited was killed right after his dial: he is unknown, the call goes on."""
    h = left()
    h["commands"] = h["commands"][:2] + [command("hangup", HANGUP, 4, 3.96)]
    h["requests"] = [r for r in h["requests"] if r["request"] in ("r1", "r2")] + [request("hangup", "r4", 3.98)]
    h["events"] = h["events"][:5] + [
        invite_result(6, 4, "established", 3.5, "invite-2.1", GUEST, 500, 8500, epoch="3.bb"),
        state_event(7, 5, "terminating", 4, epoch="3.bb", commandIds=[HANGUP]),
        state_event(8, 6, "terminated", 4.1, epoch="3.bb", final=True, outcome="completed"),
    ]
    h["dials"] = h["dials"][:2]
    h["posts"] = posts_of(h["events"])
    h["takeovers"].append({"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 2})
    h["interruptions"] = [{"worker": "worker-1-1", "kind": "kill", "from": T + 0.612, "to": T + 0.612}]
    return h


def guest_stopped():
    """He was not dialled before the worker was stopped, and is by it, when he has been called unknown."""
    h = guest_lost()
    h["interruptions"] = [{"worker": "worker-1-1", "kind": "SIGSTOP", "from": T + 0.605, "to": T + 5}]
    h["dials"][1]["at"] = T + 5
    return h


def several():
    """Two were called; only the list says which of them it was that answered."""
    return history(
        [request("hangup", "r2", 0.58)], [command("hangup", HANGUP, 2, 0.56)],
        [state_event(1, 1, "establishing", 0.1, dials=[dial_of(1, FIRST), dial_of(2, GUEST)], commandIds=["create-id"]),
         leg_event(2, "establishing", 0.2, 1, "trying", "ringing"),
         leg_event(3, "establishing", 0.2, 2, "trying", "ringing"),
         state_event(4, 2, "established", 0.4),
         people(5, 3, 0.4, (2, GUEST)),
         state_event(6, 4, "terminating", 0.6, commandIds=[HANGUP]),
         leg_event(7, "terminating", 0.61, 1, "over", "ended"),
         state_event(8, 5, "terminated", 0.62, final=True, outcome="completed")],
        [ring(1, FIRST, 0.15), ring(2, GUEST, 0.15)])


PEOPLE = (together, left, deleted, gone_meanwhile, guest_lost, guest_stopped, several)
