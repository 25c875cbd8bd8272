# checker_view.py - a history, sorted the ways that the rules need, and the list of rules
#
# Times are seconds since 1970, except where Kafka's records have microseconds.
import collections

from fleet import SETTINGS

SLACK = 0.005  # s, between the clocks of two processes of one machine: rounding

RULES = {}  # name: a function that yields a text for each violation


def rule(name):
    def keep(function):
        RULES[name] = function
        return function
    return keep


def seconds_of(setting):
    """Of a setting that the programs run with."""
    text = SETTINGS[setting]
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def told_at(event):
    """
    s, when it left for Kafka, by the clock of this machine.  Its own `at` is Redis's time as its worker believed it to
    be, which on a busy machine is wrong by tens of milliseconds.
    """
    return (event["told"] + 0.999) / 1e3 if "told" in event else event["at"] / 1e6


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
        self.orders = collections.defaultdict(dict)  # call: {commandId: its first record}, in the order of the log
        for c in sorted(self.commands, key=lambda c: (c["partition"], c["offset"])):
            self.orders[c["callLegId"]].setdefault(c["commandId"], c)
        self.taken_in = {}  # commandId: the event that says it was taken into account
        for e in self.first.values():
            for name in e["commandIds"]:
                self.taken_in.setdefault(name, e)
        self.set_aside = {(d.get("from"), d.get("fromOffset")) for d in history["dead"]}
        self.good = [r for r in history["requests"] if r["status"] is not None and r["status"] < 300]
        self.accepted = {r["call"] for r in self.good if r["kind"] == "create"}
        self.dials = collections.defaultdict(list)  # call: what its phones heard of
        for d in history["dials"]:
            self.dials[d["dial"].split(".")[0]].append(d)
        self.posts = collections.defaultdict(list)  # call: posts in the order of arrival
        for p in sorted(history["posts"], key=lambda p: p["at"]):
            self.posts[p["call"]].append(p)
        self.taken = {(t["partition"], t["epoch"]): t for t in history["takeovers"]}
        self.fates, self.reasons = [], {}  # what became of dials; by name: why it is unknown
        self.rosters = {}  # call: who was in it
        self.takes = collections.defaultdict(list)  # partition: who took it, in turn
        for t in sorted(history["takeovers"], key=epoch_number):
            self.takes[t["partition"]].append(t)

    def calls(self):
        return sorted(self.created | self.accepted | set(self.events))

    def finals(self, call):
        return [e for e in self.events[call] if e["final"]]

    def of_kind(self, call, kind):
        """Commands of that call, each once."""
        return [c for c in self.orders[call].values() if c["kind"] == kind]

    def create_of(self, call):
        return next(iter(self.of_kind(call, "create")), None)

    def is_set_aside(self, command):
        return (command["partition"], command["offset"]) in self.set_aside

    def results(self, call, kind):
        return [e for e in self.events[call] if e["type"] == kind]

    def numbered(self, call):
        return [e for e in self.events[call] if e["number"]]


def hindered_until(v, event):
    """s; when its partition was taken last before it, and what hindered the worker that made it was over; 0: never."""
    at, taker = event["at"] / 1e6, v.taken.get((event["partition"], event["epoch"]))
    takes = [t["at"] for t in v.takes[event["partition"]] if t["at"] <= at]
    ends = [min(i["to"], at) for i in v.history["interruptions"]
            if taker and i["worker"] == taker["worker"] and i["kind"] != "term" and i["from"] <= at]
    return max(takes + ends, default=0)
