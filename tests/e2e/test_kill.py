# test_kill.py - programs are killed under load, and every promise still holds
import os
import random
import signal
import time
import unittest

from harness import BROKER, QUICK, Stack, wait_until
from load import Load

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
KILLS = int(os.environ.get("KILLS", "10"))
RATE = int(os.environ.get("RATE", "25"))
stack = None

SETTINGS = {**QUICK, "CALLCAST_SIM_TALK": "800ms", "CALLCAST_SIM_PROMPT": "500ms", "CALLCAST_RING_TIMEOUT": "8s",
            "CALLCAST_CALL_MAX": "60s", "CALLCAST_GROUP_SESSION": "3s", "CALLCAST_WEBHOOK_RETRY": "100ms",
            "CALLCAST_WEBHOOK_TRIES": "20", "CALLCAST_WEBHOOK_RETRY_MAX": "1s", "WORKERS": "3"}


def setUpModule():
    global stack
    if BROKER != "kafka":
        # a member of its groups that was killed is missed only when its session ends, and its logs are short
        raise unittest.SkipTest("on a real Kafka only")
    stack = Stack("kill", **SETTINGS)
    unittest.addModuleCleanup(stack.down)
    stack.up()


class Kills(unittest.TestCase):
    def setUp(self):
        print(f"SEED={SEED}", end=" ", flush=True)
        self.random = random.Random(SEED)

    def load(self, area, rate=RATE):
        self.hooks = stack.receiver()
        self.running = Load(stack.client(timeout=8), self.hooks, area, rate, SEED).start()
        time.sleep(1.5)
        return self.running

    def check(self, load):
        good = load.stop()
        dials = stack.dials()
        print(load.summary(dials), end=" ", flush=True)
        faults = load.faults(dials)
        self.assertEqual(faults[:20], [], f"{len(faults)} faults, SEED={SEED}")
        self.assertTrue(good)

    def test_1_workers_are_killed(self):
        load = self.load("556")
        for _ in range(KILLS):
            stack.kill(self.random.choice(stack.workers()))
            time.sleep(self.random.uniform(0, 2))
            stack.add_worker()
            time.sleep(self.random.uniform(0.2, 1.5))
        self.check(load)

    def test_2_notifier_and_producer_are_killed(self):
        """What was answered with 2xx is not lost, and what was told twice was told alike."""
        load = self.load("557")
        for name in ("producer", "notifier", "producer", "notifier", "producer"):
            stack.restart(name)
            time.sleep(self.random.uniform(0.5, 1.5))
        self.check(load)

    def test_3_all_are_asked_to_stop(self):
        """SIGTERM drains: exit 0, and another goes on."""
        load = self.load("558")
        ended = []
        for name in ("producer", "notifier", stack.workers()[0]):
            stack.restart(name)  # so that it is a child of ours, with an exit status
            time.sleep(0.3)
        for name in ("producer", "notifier", stack.workers()[0]):
            child = stack.children[name]
            stack.restart(name, signal.SIGTERM)
            ended.append((name, child.returncode))
            time.sleep(1)
        self.check(load)
        self.assertEqual([e for e in ended if e[1] != 0], [])

    def test_4_a_worker_is_frozen(self):
        """Others take its partitions; when it wakes up it must not act on what it knew."""
        load = self.load("559")
        for _ in range(2):
            name = self.random.choice(stack.workers())
            self.assertTrue(wait_until(lambda n=name: "group.assigned" in stack.log(n) and stack.is_ready(n), 20, 0.2))
            before = self.put_out(name)
            stack.send_signal(name, signal.SIGSTOP)
            time.sleep(5)
            stack.send_signal(name, signal.SIGCONT)
            self.assertTrue(wait_until(lambda n=name, b=before: self.put_out(n) > b, 15, 0.2))
            time.sleep(2.5)
        self.check(load)

    @staticmethod
    def put_out(name):
        """How often it found that others had its partitions: told so by the group, or refused by Redis."""
        return sum(stack.metric(name, f"callcast_{what}_total") for what in ("partitions_lost", "refused"))

    def test_6_asked_to_stop_while_the_broker_stands_still(self):
        """Its partitions are lost in the middle of the drain: it ends all the same, and goes on with nothing."""
        load = self.load("561", 15)
        name = stack.workers()[0]
        stack.restart(name)  # so that it is a child of ours
        self.assertTrue(wait_until(lambda: "group.assigned" in stack.log(name).rsplit("worker.started", 1)[1], 20, 0.2))
        stack.send_signal("broker", signal.SIGSTOP)
        try:
            time.sleep(0.5)  # what the phones do meanwhile can't be told
            stack.send_signal(name, signal.SIGTERM)
            stack.children[name].wait(40)
        finally:
            stack.send_signal("broker", signal.SIGCONT)
        self.assertEqual(stack.children[name].returncode, 0)
        stack.add_worker()
        time.sleep(4)
        self.check(load)

    def test_5_the_broker_is_killed(self):
        """It comes back with its data; meanwhile nothing is accepted, and what was accepted goes on."""
        load = self.load("560", 15)
        stack.restart("broker")
        time.sleep(4)
        self.check(load)
