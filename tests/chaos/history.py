# history.py - all that a run left behind, as one object that checker.py judges
import hashlib
import re
import time

from fleet import PARTITIONS

TAKEN = re.compile(r"^(\S+) info partition\.taken partition=(\d+) epoch=(\S+)(?: from=(\w+))?")
NOTED = re.compile(r"^\S+ (error|warn) (\S+)")


def seconds_utc(text):
    """2021-04-15T20:08:39.123456Z as seconds since 1970."""
    whole, fraction = text.rstrip("Z").split(".")
    return time.mktime(time.strptime(whole + " UTC", "%Y-%m-%dT%H:%M:%S %Z")) - time.timezone + float("0." + fraction)


def takeovers(fleet, names):
    """[{"worker", "partition", "epoch", "at"}], from the workers' logs; and how often each warning and error came."""
    found, notes = [], {}
    for name in names:
        with open(fleet.path(name + ".log"), errors="replace") as f:
            for line in f:
                taken = TAKEN.match(line)
                if taken:
                    found.append({"worker": name, "partition": int(taken[2]), "epoch": taken[3], "from": taken[4],
                                  "at": seconds_utc(taken[1])})
                noted = NOTED.match(line)
                if noted:
                    key = f"{noted[1]} {noted[2]}"
                    notes[key] = notes.get(key, 0) + 1
    return found, notes


def dials(fleet):
    try:
        with open(fleet.ledger) as f:
            words = [line.split() for line in f]
    except FileNotFoundError:
        return []
    return [{"dial": w[0], "number": w[1], "at": int(w[2]) / 1e6, "worker": w[3]} for w in words]


def posts(receiver):
    return [{"call": p.call, "number": p.number, "id": p.id, "endpoint": p.path, "at": p.utc, "status": p.status,
             "type": p.type, "state": p.data.get("callState"), "sha256": hashlib.sha256(p.body).hexdigest()}
            for p in list(receiver.posts)]


def quiet(fleet):
    """"" if Redis knows of no call that lives and nothing that is still to be told; else what is there."""
    left = []
    for p in range(PARTITIONS):
        live = fleet.ask_redis("ZCARD", f"{{{p}}}:live")
        outbox = fleet.ask_redis("HLEN", f"{{{p}}}:outbox")
        if live or outbox:
            left.append(f"partition {p}: {live} live, {outbox} in the outbox")
    return "; ".join(left)


def behind(fleet, commands):
    """Commands that stand on the topic, but below which not all is told yet."""
    ends = {}
    for c in commands:
        ends[c["partition"]] = max(ends.get(c["partition"], 0), c["offset"] + 1)
    left = {}
    for p, end in ends.items():
        told = int(fleet.ask_redis("GET", f"{{{p}}}:next") or 0)
        if told < end:
            left[p] = end - told
    return left


def gather(fleet, load, receiver, director, extra):
    names = sorted({e["name"] for e in fleet.exits})
    taken, notes = takeovers(fleet, [n for n in names if n.startswith("worker-")])
    return {
        **extra,
        "requests": load.requests,
        "harnessFaults": load.faults,
        "receiverFaults": receiver.faults,
        "faults": director.notes,
        "stoodStill": round(director.slowest, 3),
        "exits": fleet.exits,
        "interruptions": fleet.interruptions,
        "takeovers": taken,
        "logged": notes,
        "dials": dials(fleet),
        "points": fleet.points_hit(),
        "poison": load.poison,
        "posts": posts(receiver),
        "commands": fleet.dump("commands"),
        "events": fleet.dump("events"),
        "dead": fleet.dump("dead"),
        "webhooksDead": fleet.dump("webhooks-dead"),
    }
