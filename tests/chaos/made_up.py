# made_up.py - histories as a run might leave them, for test_checker.py: each keeps every rule, some of them just so

CALL, PLAY, HANGUP = "A" * 32, "play-id", "hangup-id"
T = 1000.0  # s; when the create was accepted
URI = "http://127.0.0.1:9/cb"


def micro(seconds):
    return int((T + seconds) * 1e6)


def event(seq, number, kind, state, at, **more):
    return {"partition": 1, "offset": 10 + seq, "sha256": f"bytes of {seq}", "callLegId": CALL, "seq": seq,
            "number": number, "type": kind, "state": state, "final": False, "outcome": "none", "epoch": "2.aa",
            "callbackUri": URI, "answerBy": micro(0.05), "at": micro(at), "data": {}, "commandIds": [], "dials": [],
            "legs": [], **more}


def state_event(seq, number, state, at, **more):
    return event(seq, number, "CallLegStateChanged", state, at, data={"callState": state}, **more)


def identifier(number):
    return {"rawId": f"4:{number}", "communicationUser": None, "phoneNumber": {"value": number},
            "microsoftTeamsUser": None}


def dial_of(leg, number, name="create-id", caller=None):
    """As an event announces it, for the command of that id."""
    return {"dial": f"{CALL}.{leg}.1", "leg": leg, "address": number, "participantId": f"person-{leg}",
            "commandId": name, "caller": caller, "identifier": identifier(number)}


def post(number, at, kind, state=None, **more):
    return {"call": CALL, "number": number, "id": f"{CALL}-{number}", "endpoint": "/cb", "at": T + at, "status": 200,
            "type": kind, "state": state, "sha256": f"body of {number}", **more}


def request(kind, name, at, **more):
    return {"kind": kind, "request": name, "sent": T + at - 0.01, "received": T + at, "status": 202, "code": None,
            "call": CALL, "operation": None, "producer": 1, **more}


def command(kind, name, offset, at, **more):
    return {"partition": 1, "offset": offset, "sha256": name, "commandId": name, "callLegId": CALL, "kind": kind,
            "operationContext": None, "callbackUri": None, "acceptedAt": micro(at), "answerBy": micro(at + 0.05),
            **more}


def create(offset, at, subject, **more):
    return command("create", "create-id", offset, at, subject=subject, callbackUri=URI, participantsUpdated=False,
                   dtmfReceived=False, **more)


def letter(offset, **more):
    return {"reason": "no record", "topic": "calls.commands", "from": 1, "fromOffset": offset, **more}


def good():
    """One call: made, rung, established, played to, hung up.  Its app asked twice for the create."""
    dial = dial_of(1, "+15550000100")
    leg = {"leg": 1, "state": "ringing"}
    return {
        "requests": [
            request("create", "r1", 0.02, status=503, code="notAccepted", call=None, marker="chaos-1"),
            request("create", "r2", 0.02, status=200, marker="chaos-2"),
            request("create", "r2", 0.04, status=200, marker="chaos-2"),
            request("play", "r3", 0.52, operation=PLAY, marker="play-2.0"),
            request("hangup", "r4", 1.02),
            request("get", "r5", 1.1, status=200),
        ],
        "commands": [
            create(1, 0, "chaos-2"),
            create(2, 0.03, "chaos-2"),
            command("play", PLAY, 3, 0.5, operationContext="play-2.0"),
            command("hangup", HANGUP, 4, 1.0),
        ],
        "events": [
            state_event(1, 1, "establishing", 0.1, dials=[dial], commandIds=["create-id"]),
            event(2, 0, "LegChanged", "establishing", 0.2, legs=[leg]),
            state_event(3, 2, "established", 0.4),
            event(4, 3, "PlayAudioResult", "established", 0.9, data={"operationContext": "play-2.0"},
                  answerBy=micro(0.55), commandIds=[PLAY]),
            state_event(5, 4, "terminating", 1.1, answerBy=micro(1.05), commandIds=[HANGUP]),
            state_event(6, 5, "terminated", 1.2, answerBy=micro(1.05), final=True, outcome="completed"),
            {**state_event(5, 4, "terminating", 1.1, answerBy=micro(1.05), commandIds=[HANGUP]), "offset": 17},
        ],
        "dials": [{"dial": dial["dial"], "number": dial["address"], "at": T + 0.15, "worker": "worker-1-1"}],
        "posts": [
            post(1, 0.2, "CallLegStateChanged", "establishing"),
            post(2, 0.45, "CallLegStateChanged", "established", status=500),
            post(2, 0.5, "CallLegStateChanged", "established"),
            post(3, 0.95, "PlayAudioResult"),
            post(4, 1.15, "CallLegStateChanged", "terminating"),
            post(4, 1.18, "CallLegStateChanged", "terminating"),
            post(5, 1.25, "CallLegStateChanged", "terminated"),
        ],
        "dead": [], "webhooksDead": [], "unsettled": [], "harnessFaults": [], "receiverFaults": [], "points": [],
        "exits": [{"name": "worker-1-1", "at": T + 9, "status": 0, "asked": "term"},
                  {"name": "worker-2-1", "at": T + 3, "status": -9, "asked": "kill"},
                  {"name": "worker-3-1", "at": T + 3, "status": -9, "asked": "point saved"}],
        "takeovers": [{"worker": "worker-1-1", "partition": 1, "epoch": "2.aa", "at": T - 1}],
        "interruptions": [],
        "metrics": {'worker callcast_step_late_seconds_bucket{le="0.1"}': 99,
                    'worker callcast_step_late_seconds_bucket{le="+Inf"}': 100},
    }


def lost():
    """The same call, whose worker was killed right after the dial: it ends as unknown."""
    h = good()
    h["requests"] = [r for r in h["requests"] if r["kind"] == "create"]
    h["commands"] = h["commands"][:2]
    h["events"] = [h["events"][0],
                   state_event(2, 2, "terminated", 4, epoch="3.bb", final=True, outcome="unknown")]
    h["posts"] = [h["posts"][0], post(2, 4.1, "CallLegStateChanged", "terminated")]
    h["takeovers"].append({"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 2})
    h["interruptions"] = [{"worker": "worker-1-1", "kind": "kill", "from": T + 0.16, "to": T + 0.16}]
    return h


def handed():
    """Told by one owner, handed over as an intent, dialled by the next, which was killed."""
    h = lost()
    h["takeovers"] = [h["takeovers"][0],
                      {"worker": "worker-2-1", "partition": 1, "epoch": "3.bb", "at": T + 0.14},
                      {"worker": "worker-3-1", "partition": 1, "epoch": "4.cc", "at": T + 2}]
    h["dials"][0]["worker"] = "worker-2-1"
    h["events"][1]["epoch"] = "4.cc"
    h["interruptions"] = [{"worker": "worker-2-1", "kind": "kill", "from": T + 0.16, "to": T + 0.16}]
    return h


def stopped():
    """Its worker was stopped between its look at the clock and the packet: the phone rings after the end."""
    h = lost()
    h["interruptions"] = [{"worker": "worker-1-1", "kind": "SIGSTOP", "from": T + 0.14, "to": T + 5}]
    h["dials"][0]["at"] = T + 5
    return h


def through_restart():
    """Announced, not yet confirmed; its worker was killed, Redis too: nobody can know whether it had been confirmed."""
    h = lost()
    h["dials"] = []
    h["interruptions"].append({"worker": None, "kind": "redis restart", "from": T + 1, "to": T + 1})
    return h


def confirmed():
    """Its worker was killed between confirm and dial."""
    h = lost()
    h["dials"] = []
    return h


def taken_again():
    """The new owner lost Redis and took the partition again; the end is told 9.9 s after it took it first."""
    h = lost()
    h["takeovers"].append({"worker": "worker-2-1", "partition": 1, "epoch": "4.cc", "at": T + 9, "from": "memory"})
    h["events"][1].update(epoch="4.cc", at=micro(11.9))
    h["posts"][1]["at"] = T + 12
    return h


def half_heard():
    """Two phones, one of which had been heard of."""
    h = lost()
    h["events"][0]["dials"].append(dial_of(2, "+15550000101"))
    h["dials"].append({**h["dials"][0], "dial": f"{CALL}.2.1", "number": "+15550000101"})
    h["events"].insert(1, event(2, 0, "LegChanged", "establishing", 0.157, legs=[{"leg": 1, "state": "ringing"}]))
    h["events"][2].update(seq=3, offset=13)
    return h


def poisoned():
    """Bytes that are no command, and a create without targets: set aside, the one of them twice; the call failed."""
    h = good()
    misfit = "M" * 32
    h["poison"] = [
        {"kind": "bytes", "partition": 1, "sha256": "nonsense", "call": None, "acknowledged": True},
        {"kind": "create", "partition": 1, "sha256": "misfit-id", "call": misfit, "acknowledged": True},
        {"kind": "bytes", "partition": 1, "sha256": "never there", "call": None, "acknowledged": False},
    ]
    h["commands"] += [
        {"partition": 1, "offset": 5, "sha256": "nonsense", "undecodable": "no marker"},
        {**create(6, 1.0, "misfit"), "commandId": "misfit-id", "sha256": "misfit-id", "callLegId": misfit},
    ]
    h["dead"] = [letter(5), letter(5), letter(6)]
    h["events"].append(state_event(1, 1, "terminated", 1.3, callLegId=misfit, final=True, outcome="failed",
                                   answerBy=micro(1.05), offset=18))
    h["posts"].append(post(1, 1.4, "CallLegStateChanged", "terminated", call=misfit, id=f"{misfit}-1"))
    return h

