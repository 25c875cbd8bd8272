# test_redis.py - Redis goes away, comes back, stands still, while calls go on
import signal
import time
import unittest

from harness import QUICK, Stack
from load import Load
from test_kill import SEED

stack = None


def setUpModule():
    global stack
    stack = Stack("redis", **{**QUICK, "CALLCAST_RING_TIMEOUT": "8s", "CALLCAST_CALL_MAX": "60s", "REDIS_KEEP": "yes",
                              "CALLCAST_REDIS_TIMEOUT": "500ms"})
    unittest.addModuleCleanup(stack.down)
    stack.up()


class Redis(unittest.TestCase):
    def go_through(self, area, trouble):
        print(f"SEED={SEED}", end=" ", flush=True)
        hooks = stack.receiver()
        load = Load(stack.client(timeout=8), hooks, area, 20, SEED).start()
        time.sleep(1.5)
        trouble()
        time.sleep(1.5)
        good = load.stop()
        dials = stack.dials()
        print(load.summary(dials), end=" ", flush=True)
        faults = load.faults(dials)
        self.assertEqual(faults[:20], [], f"{len(faults)} faults, SEED={SEED}")
        self.assertTrue(good)

    def test_killed_and_started_again_with_its_data(self):
        def trouble():
            for pause in (0, 1):
                stack.kill("redis")
                time.sleep(pause)
                stack.start("redis", stack.redis_command())
                stack.wait_ready("redis")
                time.sleep(2)
        self.go_through("561", trouble)

    def test_it_stands_still(self):
        def trouble():
            stack.send_signal("redis", signal.SIGSTOP)
            time.sleep(3)
            stack.send_signal("redis", signal.SIGCONT)
        self.go_through("562", trouble)
