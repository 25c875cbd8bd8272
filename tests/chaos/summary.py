# summary.py - what many runs come to, in the words of README
import collections
import time

from checker_unknown import RESTART
from faults import POINTS

KILLED, STOPPED = ("kill", "crash"), ("SIGSTOP", "stop point", "machine stood still")


def tell(violations, directory, again):
    counts = collections.Counter(name for name, _ in violations)
    for name, count in counts.items():
        texts = [text for rule, text in violations if rule == name]
        for text in texts[:4]:
            print(f"    {name}: {text}")
        if count > 4:
            print(f"    {name}: and {count - 4} more")
    print(f"    kept in {directory}; repeat with: {again}")


def of_cause(cause):
    """In the words of README."""
    if cause in KILLED or cause.startswith("point "):
        return "worker killed"
    if cause in STOPPED:
        return "worker stopped"
    if cause.startswith(("redis ", "kafka ", "broker ")):
        return "worker cut off"
    return cause


def listed(counter):
    return ", ".join(f"{k} {v}" for k, v in counter.most_common()) or "none"


class Summary:
    def __init__(self, nodes):
        self.nodes = nodes
        self.began = time.monotonic()
        self.seeds, self.broken, self.bad = 0, [], {}  # bad: seed: {rule: violations}
        self.total = collections.Counter()
        self.outcomes, self.causes, self.points = collections.Counter(), collections.Counter(), collections.Counter()

    def add(self, seed, report, violations):
        """`report` None: the harness failed."""
        self.seeds += 1
        if report is None:
            self.broken.append(seed)
            return
        if violations:
            self.bad[seed] = collections.Counter(name for name, _ in violations)
        self.total.update({k: v for k, v in report.items() if isinstance(v, int)})
        self.outcomes.update(report["outcomes"])
        self.causes.update(report["unknown by cause"])
        self.points.update(report["points"])

    def hits(self):
        """How often a worker was killed at each point, those where none was too."""
        return sorted((self.points[f"{name} kill"], name) for name in POINTS)

    def text(self):
        hits, stops = self.hits(), {k[:-5]: v for k, v in self.points.items() if k.endswith(" stop")}
        causes, total = collections.Counter(), self.total
        for cause, count in self.causes.items():
            causes[of_cause(cause)] += count
        restarts = causes.pop(RESTART, 0)
        bad = "; ".join(f"seed {s}: {listed(names)}" for s, names in self.bad.items())
        minutes = (time.monotonic() - self.began) / 60
        return "\n".join([
            "all: " + ", ".join(f"{k} {v}" for k, v in total.items()),
            f"outcomes: {listed(self.outcomes)}",
            f"unknown in detail: {listed(self.causes)}",
            f"stopped at points: {listed(collections.Counter(stops))}",
            "killed at points: " + ", ".join(f"{name} {count}" for count, name in hits),
            f"{self.seeds} seeds on {self.nodes} Kafka node{'s' * (self.nodes > 1)} in {minutes:.1f} min: "
            f"{total['calls']} calls ({total['left']} left by their app), {total['dials']} dials, "
            f"{total['invited']} invited ({total['came']} came), {total['removed']} removed, "
            f"{total['events']} events, {total['webhooks']} webhooks, "
            f"{total['poison']} poisoned commands, {total['takeovers']} takeovers",
            f"unknown: {sum(causes.values())} of {total['might be unknown']} that stood between confirm and first word "
            f"({listed(causes)}), and {restarts} intents that lived through a restart of Redis; "
            f"rang late {total['rang after unknown']}",
            f"each kill point hit {hits[0][0]} to {hits[-1][0]} times",
            f"violations: {sum(sum(n.values()) for n in self.bad.values())}{' (' * bool(bad)}{bad}{')' * bool(bad)}",
            f"seeds that the harness could not run: {', '.join(map(str, self.broken)) or 'none'}",
        ])
