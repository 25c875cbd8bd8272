# faults.py - what goes wrong in a run, and when: drawn from the seed, carried out on the main thread
import heapq
import itertools
import os
import random
import signal
import threading
import time

from fleet import SESSION
from processes import process_state

# as placed in worker/*.c; those of the second list matter as places to stand still too
POINTS = ["before-save", "save-asked", "saved", "produced", "acknowledged", "dial-acknowledged", "before-confirm",
          "confirm-asked", "confirmed", "before-dial", "dialled", "before-act", "acted", "before-clear", "cleared",
          "before-commit", "taken", "ledger-read", "outbox-told", "live-read", "before-release"]
STOPS = ["confirmed", "before-dial", "saved", "before-confirm", "acknowledged", "taken", "outbox-told"]
TAKEOVER_POINTS = {"taken", "ledger-read", "outbox-told", "live-read", "before-release"}
NAMED_TRIES = 5
ZOMBIE_SECONDS = 2 * SESSION
WORKERS = 4

KINDS = [("kill_worker", 5), ("point", 8), ("zombie_point", 3), ("stop_worker", 4), ("kill_producer", 2),
         ("kill_notifier", 2), ("stop_notifier", 1), ("rolling", 1.5), ("scale", 1.5), ("kill_redis", 2),
         ("stop_redis", 1.5), ("worker_redis", 4), ("worker_kafka", 4), ("restart_broker", 0.8)]


def schedule(seed, seconds, nodes):
    """[(second, kind, number)], in order: the number decides on all that the kind leaves open."""
    draw = random.Random(f"{seed} faults")
    kinds, weights = zip(*KINDS)
    plan = []
    at = draw.uniform(0.5, 1.5)
    while at < seconds:
        kind = draw.choices(kinds, weights)[0]
        if not (kind == "restart_broker" and any(k == kind for _, k, _ in plan)):  # once is slow enough
            plan.append((round(at, 3), kind, draw.getrandbits(32)))
        at += draw.uniform(0.4, 2.2)
    # every point gets its turn within a few seeds
    for turn in range(2):
        plan.append((round(draw.uniform(0.3, seconds - 1.5), 3), "named_point", seed * 2 + turn))
    if nodes > 1 and not any(kind == "restart_broker" for _, kind, _ in plan):
        plan.append((round(draw.uniform(1, seconds - 1), 3), "restart_broker", draw.getrandbits(32)))
    return sorted(plan)


class Director:
    """Runs the schedule, mends what it broke, and keeps the wanted processes running."""

    def __init__(self, fleet, seed, seconds, only=None):
        self.fleet = fleet
        self.seconds = seconds
        self.began = time.monotonic()
        self.slowest = 0  # s, that 50 ms took
        self.todo = []  # (monotonic, turn, function)
        self.turns = itertools.count()
        self.wanted = WORKERS
        self.draining = set()  # keys that are not to come back by themselves
        self.broken = 0  # faults that are still to be mended
        self.notes = []  # what was done, for history and log
        self.quiet = False  # no more restarts: the end is near
        self.armed = set()  # files of orders
        self.cut = {}  # (slot, what): fault number
        threading.Thread(target=self.watch, daemon=True).start()
        for at, kind, number in schedule(seed, seconds, len(fleet.kafka.nodes)):
            if only is not None and kind not in only:
                continue
            if kind == "named_point":
                self.later(at, lambda n=number: self.named_point(n))
            else:
                self.later(at, lambda k=kind, n=number: self.hurt(k, random.Random(n)))

    # ---- time ----

    def later(self, seconds, what):
        heapq.heappush(self.todo, (time.monotonic() + seconds, next(self.turns), what))

    def mend(self, seconds, what):
        """Something is broken until then."""
        self.broken += 1

        def mended():
            self.broken -= 1
            what()
        self.later(seconds, mended)

    def note(self, text):
        self.notes.append({"at": time.time(), "second": round(time.monotonic() - self.began, 3), "what": text})

    def watch(self):
        """On a thread of its own: a machine that stands still is a fault like others, which nobody drew."""
        while not self.quiet:
            before = time.monotonic()
            time.sleep(0.05)
            gap = time.monotonic() - before
            self.slowest = max(self.slowest, gap)
            if gap > SESSION / 3:
                self.interrupted("machine stood still", time.time() - gap, SESSION)

    def turn(self):
        """What is due; then who has ended, or stands still by itself."""
        while self.todo and self.todo[0][0] <= time.monotonic():
            heapq.heappop(self.todo)[2]()
        for process in self.fleet.reap():
            self.ended(process)
        for process in self.fleet.of("worker"):
            if not process.stopped and process_state(process.child.pid) == "T":
                self.note(f"{process.name} stands at a stop point")
                self.stopped(process, ZOMBIE_SECONDS, "stop point")

    def over(self):
        return not self.todo and not self.broken and not self.draining

    # ---- processes ----

    def ended(self, process):
        key = f"{process.role}-{process.slot}"
        how = self.fleet.exits[-1] if self.fleet.exits[-1]["name"] == process.name else None
        self.note(f"{process.name} ended: {how and how['status']} asked={how and how['asked']}")
        if key in self.draining:
            self.draining.discard(key)
            return
        if not self.quiet:
            self.mend(random.Random(process.name).uniform(0.1, 1.2), lambda: self.begin(process.role, process.slot))

    def begin(self, role, slot):
        if f"{role}-{slot}" not in self.fleet.processes:
            process = self.fleet.start(role, slot)
            self.note(f"{process.name} started")

    def pick(self, role, draw, besides=()):
        """One that runs and is not in trouble already; None: there is none."""
        good = [p for p in self.fleet.of(role) if not p.stopped and p.asked is None and p not in besides]
        return draw.choice(sorted(good, key=lambda p: p.name)) if good else None

    def stopped(self, process, seconds, kind):
        began = time.time()
        process.stopped = True

        def wake():
            process.stopped = False
            if process.child.poll() is None:
                process.child.send_signal(signal.SIGCONT)
                self.note(f"{process.name} goes on")
            if process.role == "worker":
                self.fleet.interruptions.append({"worker": process.name, "kind": kind, "from": began,
                                                 "to": time.time()})
        self.mend(seconds, wake)

    def hurt(self, kind, draw):
        getattr(self, kind)(draw)

    # ---- kinds ----

    def kill(self, role, draw):
        process = self.pick(role, draw)
        if process:
            self.note(f"kill -9 {process.name}")
            self.fleet.end(f"{role}-{process.slot}", "kill")

    def kill_worker(self, draw):
        self.kill("worker", draw)

    def kill_producer(self, draw):
        self.kill("producer", draw)

    def kill_notifier(self, draw):
        self.kill("notifier", draw)

    def stop(self, role, draw):
        process = self.pick(role, draw)
        if process:
            self.note(f"SIGSTOP {process.name}")
            process.child.send_signal(signal.SIGSTOP)
            self.stopped(process, ZOMBIE_SECONDS, "SIGSTOP")

    def stop_worker(self, draw):
        self.stop("worker", draw)

    def stop_notifier(self, draw):
        self.stop("notifier", draw)

    def order_of(self, slot):
        """The file with the order of a worker in that slot: one that ended otherwise leaves it to the next."""
        return self.fleet.path(f"worker-{slot}.arm")

    def pick_unarmed(self, draw):
        """One order at a time: a second one would take the place of the first."""
        return self.pick("worker", draw, [p for p in self.fleet.of("worker") if os.path.exists(self.order_of(p.slot))])

    def arm(self, process, words, draw):
        path = self.order_of(process.slot)
        with open(path + ".new", "w") as f:
            f.write(words + "\n")
        os.rename(path + ".new", path)
        self.armed.add(path)
        self.note(f"{process.name} armed: {words}")
        if words.split(":")[0] in TAKEOVER_POINTS:
            self.make_takeover(process.slot, draw)

    def make_takeover(self, slot, draw):
        """Some points lie in takeovers and hand-overs: let there be one, of which that slot is a part."""
        other = self.pick("worker", draw, [p for p in self.fleet.of("worker") if p.slot == slot])
        if other:
            self.note(f"kill -9 {other.name}, for a takeover")
            self.fleet.end(f"worker-{other.slot}", "kill")

    def point(self, draw):
        process = self.pick_unarmed(draw)
        if process:
            name = draw.choice(POINTS)
            self.arm(process, f"{name}:{1 if name in TAKEOVER_POINTS else draw.randrange(1, 6)}", draw)

    def named_point(self, number):
        """Armed until a worker was killed there: it may end otherwise before, or not pass there for long."""
        draw = random.Random(f"named {number}")
        self.try_named(POINTS[number % len(POINTS)], self.fleet.points_hit(), NAMED_TRIES, None, draw)

    def try_named(self, name, before, tries, slot, draw):
        hit = any(p["point"] == name and p["how"] == "kill" for p in self.fleet.points_hit()[len(before):])
        waits = slot is not None and os.path.exists(self.order_of(slot))
        if hit or not tries:
            return
        if waits and name in TAKEOVER_POINTS:
            self.make_takeover(slot, draw)
        else:
            if waits:  # where it is, nothing passes there
                os.unlink(self.order_of(slot))
            process = self.pick_unarmed(draw)
            slot = process.slot if process else None
            if process:
                self.arm(process, f"{name}:1", draw)
        self.later(2.5 if name in TAKEOVER_POINTS else 1.2,
                   lambda: self.try_named(name, before, tries - 1, slot, draw))

    def zombie_point(self, draw):
        process = self.pick_unarmed(draw)
        if process:
            self.arm(process, f"{draw.choice(STOPS)}:{draw.randrange(1, 4)}:stop", draw)

    def drain_one(self, slot, back):
        """SIGTERM; `back`: it is started again when it has ended."""
        key = f"worker-{slot}"
        process = self.fleet.processes.get(key)
        if not process or process.asked:
            return
        self.note(f"SIGTERM {process.name}")
        if not back:
            self.draining.add(key)
        self.fleet.end(key, "term")

    def rolling(self, draw):
        for turn, slot in enumerate(sorted(p.slot for p in self.fleet.of("worker"))):
            self.mend(turn * 0.7 + draw.uniform(0, 0.2), lambda s=slot: self.drain_one(s, True))

    def scale(self, draw):
        up = [s for s in range(1, 7) if f"worker-{s}" not in self.fleet.processes]
        self.note(f"scale: {len(up)} more, then down to one, then to {WORKERS}")
        for slot in up:
            self.mend(draw.uniform(0, 0.3), lambda s=slot: self.begin("worker", s))
        for slot in range(2, 7):
            self.mend(1.5 + draw.uniform(0, 0.5), lambda s=slot: self.drain_one(s, False))
        for slot in range(2, WORKERS + 1):
            self.mend(3.5 + draw.uniform(0, 0.3), lambda s=slot: self.begin("worker", s))

    def interrupted(self, kind, began, after):
        """All workers were, from then until some seconds from now."""
        for process in list(self.fleet.of("worker")):
            self.fleet.interruptions.append({"worker": process.name, "kind": kind, "from": began,
                                             "to": time.time() + after})

    def kill_redis(self, draw):
        self.note("kill -9 redis")
        seconds = draw.uniform(0.05, 1.5)
        self.interrupted("redis away", time.time(), seconds + 1)
        self.fleet.redis.kill()
        self.fleet.redis.wait()
        self.mend(seconds, self.redis_again)

    def redis_again(self):
        if self.fleet.redis.poll() is not None:
            self.fleet.start_redis()
            self.fleet.interruptions.append({"worker": None, "kind": "redis restart", "from": time.time(),
                                             "to": time.time()})
            self.note("redis started again")

    def stop_redis(self, draw):
        redis, seconds = self.fleet.redis, draw.uniform(0.2, 2.5)
        self.note(f"SIGSTOP redis for {seconds:.2f} s")
        self.interrupted("redis away", time.time(), seconds + 1)
        redis.send_signal(signal.SIGSTOP)
        self.mend(seconds, lambda: redis.poll() is None and redis.send_signal(signal.SIGCONT))

    def way(self, what, draw):
        """Something between one worker and Redis or Kafka."""
        process = self.pick("worker", draw)
        if not process:
            return
        fault = draw.choice(("cut", "stall", f"delay {draw.choice((20, 100, 300))}"))
        seconds = draw.choice((0.1, 0.6, 1.5, 3.0))
        slot, began, number = process.slot, time.time(), next(self.turns)
        self.note(f"{process.name} to {what}: {fault} for {seconds} s")
        self.fleet.order(slot, what, fault)
        self.cut[slot, what] = number

        def heal():
            if self.cut[slot, what] == number:  # not overtaken by a later one
                self.fleet.order(slot, what, "heal")
            self.fleet.interruptions.append({"worker": process.name, "kind": f"{what} {fault}", "from": began,
                                             "to": time.time()})
        self.mend(seconds, heal)

    def worker_redis(self, draw):
        self.way("redis", draw)

    def worker_kafka(self, draw):
        self.way("kafka", draw)

    def restart_broker(self, draw):
        kafka = self.fleet.kafka
        node, hard = draw.choice(kafka.nodes), draw.random() < 0.6
        self.note(f"{'kill -9' if hard else 'SIGTERM'} kafka-{node}")
        began = time.time()
        kafka.signal(node, signal.SIGKILL if hard else signal.SIGTERM)
        self.broken += 1

        def again():
            if not kafka.ended(node):
                self.later(0.1, again)
                return
            kafka.start(node)
            self.note(f"kafka-{node} started again")
            self.interrupted("broker restart", began, 6)
            self.broken -= 1
            threading.Thread(target=self.wait_kafka, args=(began,), daemon=True).start()
        self.later(draw.uniform(0.2, 1.5), again)

    def wait_kafka(self, began):
        """On a thread of its own: on a busy machine a node that was killed needs longer than was thought above."""
        limit = time.monotonic() + 60
        while not self.fleet.kafka.answers() and time.monotonic() < limit and not self.quiet:
            time.sleep(0.2)
        self.note("kafka is whole again")
        self.interrupted("broker restart", began, 3)

    # ---- the end ----

    def settle(self):
        """No more faults; everything runs that should."""
        for path in self.armed:
            if os.path.exists(path):
                os.unlink(path)
        for slot in self.fleet.proxies:
            self.fleet.order(slot, "all", "heal")
        self.redis_again()
        self.fleet.redis.send_signal(signal.SIGCONT)
        for role, count in (("producer", 2), ("notifier", 2), ("worker", WORKERS)):
            for slot in range(1, count + 1):
                self.begin(role, slot)
