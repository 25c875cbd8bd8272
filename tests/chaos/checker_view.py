# checker_view.py - a history, sorted the ways that the rules need, and the list of rules
#
# Times are seconds since 1970, except where Kafka's records have microseconds.
import collections

SLACK = 0.005  # s, between the clocks of two processes of one machine: rounding

RULES = {}  # name: a function that yields a text for each violation


def rule(name):
    def keep(function):
        RULES[name] = function
        return function
    return keep


def epoch_number(thing):
    """Of a takeover or an event."""
    return int(thing["epoch"].split(".")[0])


class View:
    """The history, sorted the ways that the rules need."""

    def __init__(self, history):
        self.history = history
        self.commands = [c for c in history["commands"] if "undecodable" not in c]
        self.unreadable = [r for r in history["commands"] + history["events"] if "undecodable" in r]
        self.records = sorted((e for e in history["events"] if "undecodable" not in e),
                              key=lambda e: (e["partition"], e["offset"]))
        self.poison = {p["sha256"]: p for p in history.get("poison", [])}
        self.first = {}  # (call, seq): the record that counts
        self.again = []  # later ones of the same seq
        for e in self.records:
            key = (e["callLegId"], e["seq"])
            if key in self.first:
                self.again.append(e)
            else:
                self.first[key] = e
        self.events = collections.defaultdict(list)  # call: its events in the order of the topic
        for e in self.first.values():
            self.events[e["callLegId"]].append(e)
        self.created = {c["callLegId"] for c in self.commands if c["kind"] == "create"}
        self.good = [r for r in history["requests"] if r["status"] is not None and r["status"] < 300]
        self.accepted = {r["call"] for r in self.good if r["kind"] == "create"}
        self.dials = collections.defaultdict(list)  # call: what its phones heard of
        for d in history["dials"]:
            self.dials[d["dial"].split(".")[0]].append(d)
        self.posts = collections.defaultdict(list)  # call: posts in the order of arrival
        for p in sorted(history["posts"], key=lambda p: p["at"]):
            self.posts[p["call"]].append(p)
        self.taken = {(t["partition"], t["epoch"]): t for t in history["takeovers"]}
        self.reasons = {}  # call: why it ended as unknown
        self.takes = collections.defaultdict(list)  # partition: who took it, in turn
        for t in sorted(history["takeovers"], key=epoch_number):
            self.takes[t["partition"]].append(t)

    def calls(self):
        return sorted(self.created | self.accepted | set(self.events))

    def finals(self, call):
        return [e for e in self.events[call] if e["final"]]

    def numbered(self, call):
        return [e for e in self.events[call] if e["number"]]
