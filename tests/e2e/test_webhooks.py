# test_webhooks.py - receivers that fail, that are gone, that are slow, that nobody may reach
import socket
import time
import unittest

from client import create_body
from harness import QUICK, Stack, free_port, wait_until
from receiver import faults_of_delivery

stack = client = hooks = None
turn = 0


def setUpModule():
    global stack, client, hooks
    stack = Stack("webhooks", **QUICK, WORKERS="1", CALLCAST_WEBHOOK_RETRY="100ms",
                  CALLCAST_WEBHOOK_RETRY_MAX="2s", CALLCAST_WEBHOOK_TRIES="4", CALLCAST_WEBHOOK_TIMEOUT="2s")
    unittest.addModuleCleanup(stack.down)
    stack.up()
    client, hooks = stack.client(), stack.receiver()


def create(uri, script=23):
    global turn
    turn += 1
    answer = client.post("/calls", create_body(f"+1557{turn:05d}{script:02d}", uri))
    assert answer.status == 200, answer
    return answer.json["callLegId"]


def dead():
    return stack.keys_of("webhooks.dead")


class Retries(unittest.TestCase):
    def test_500_twice_then_200_is_one_event_with_one_id(self):
        hooks.script("/flaky", 500, 503, 200)
        call = create(hooks.uri("/flaky"))
        self.assertIsNotNone(hooks.wait_end(call))
        posts = hooks.of(call)
        self.assertEqual([p.number for p in posts], [1, 1, 1, 2])
        self.assertEqual(len({(p.id, p.body) for p in posts[:3]}), 1)
        self.assertGreater(posts[1].mono - posts[0].mono, 0.07)
        self.assertGreater(posts[2].mono - posts[1].mono, 0.15)  # the delay grows
        self.assertEqual(faults_of_delivery(posts), [])

    def test_retry_after_is_obeyed(self):
        hooks.script("/busy", (429, {"Retry-After": "1"}, 0), 200)
        call = create(hooks.uri("/busy"))
        self.assertIsNotNone(hooks.wait_end(call))
        posts = hooks.of(call)
        self.assertEqual([p.number for p in posts], [1, 1, 2])
        self.assertGreaterEqual(posts[1].mono - posts[0].mono, 0.99)

    def test_400_is_not_asked_again(self):
        hooks.script("/no", 400)
        call = create(hooks.uri("/no"))
        self.assertTrue(wait_until(lambda: dead().count(call) == 2, 10, 0.2))
        self.assertEqual([p.number for p in hooks.of(call)], [1, 2])

    def test_410_ends_all_to_that_endpoint(self):
        hooks.script("/gone", 410)
        first = create(hooks.uri("/gone"))
        self.assertTrue(wait_until(lambda: dead().count(first) == 2, 10, 0.2))
        self.assertEqual(len(hooks.of(first)), 1)
        second = create(hooks.uri("/gone"))
        self.assertTrue(wait_until(lambda: dead().count(second) == 2, 10, 0.2))
        self.assertEqual(hooks.of(second), [])
        # another path of the same host is another endpoint
        third = create(hooks.uri("/here"))
        self.assertIsNotNone(hooks.wait_end(third))

    def test_a_dead_endpoint_delays_nobody_and_ends_in_the_dead_letters(self):
        nowhere = f"http://127.0.0.1:{free_port()}/"
        lost = [create(nowhere) for _ in range(20)]
        began = time.monotonic()
        fine = [create(hooks.uri("/fine")) for _ in range(20)]
        for call in fine:
            self.assertIsNotNone(hooks.wait_end(call, 5))
        self.assertLess(hooks.wait_end(fine[-1]).mono - began, 2)
        self.assertTrue(wait_until(lambda: sum(k in lost for k in dead()) == 40, 20, 0.3))
        self.assertEqual({dead().count(call) for call in lost}, {2})

    def test_a_slow_receiver_delays_nobody_else(self):
        hooks.script("/slow", (200, {}, 1.5))
        slow = [create(hooks.uri("/slow")) for _ in range(10)]
        began = time.monotonic()
        fine = create(hooks.uri("/fine"))
        self.assertLess(hooks.wait_end(fine).mono - began, 1)
        for call in slow:
            self.assertIsNotNone(hooks.wait_end(call, 30))
            self.assertEqual(faults_of_delivery(hooks.of(call)), [])

    def test_too_slow_counts_as_no_answer(self):
        hooks.script("/asleep", (200, {}, 2.5), 200)
        call = create(hooks.uri("/asleep"))
        self.assertIsNotNone(hooks.wait_end(call))
        self.assertEqual([p.number for p in hooks.of(call)], [1, 1, 2])

    def test_order_per_call_where_some_fail(self):
        """Every event is refused once; each call's numbers still come in order."""
        hooks.first_tries["/mixed"] = set()
        calls = [create(hooks.uri("/mixed"), script) for script in (30, 10, 20, 23) for _ in range(10)]
        for call in calls:
            self.assertIsNotNone(hooks.wait_end(call, 30))
            posts = hooks.of(call)
            self.assertEqual(faults_of_delivery(posts), [])
            self.assertEqual([p.number for p in posts], [n // 2 + 1 for n in range(len(posts))])

    def test_signed_and_well_formed(self):
        self.assertEqual(hooks.faults, [])


def name_of_this_machine():
    """Most machines know their own name as an address of loopback."""
    name = socket.gethostname()
    try:
        if name != "localhost" and socket.gethostbyname(name).startswith("127."):
            return name
    except OSError:
        pass
    return "localhost"


class Inside(unittest.TestCase):
    """Callbacks that aim at the inside of the network.  The stack allows loopback only."""

    def test_addresses_are_refused_at_the_create(self):
        for host in ("10.1.2.3", "192.168.0.9:8080", "172.16.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]",
                     "0.0.0.0", "100.64.0.1", "[::ffff:10.1.2.3]", "0xa010203", "012.1.2.3", "10.66051"):
            with self.subTest(host):
                answer = client.post("/calls", create_body("+15570000023", f"http://{host}/cb"))
                self.assertEqual(answer.status, 400, answer.body)
                self.assertIn("callbackUri", answer.json["message"])

    def test_a_name_that_leads_inside_is_refused_at_the_connect(self):
        """No look-up at the create; a notifier that allows no inside network finds out."""
        name = name_of_this_machine()
        command = stack.command_of("notifier")
        allowed = command[command.index("--callbacks.allow") + 1]
        self.replace_notifier(command, "")
        try:
            answer = client.post("/calls", create_body("+15570000123", hooks.uri("/inside", name)))
            self.assertEqual(answer.status, 200)
            call = answer.json["callLegId"]
            self.assertTrue(wait_until(lambda: dead().count(call) == 2, 15, 0.2))
            self.assertEqual(hooks.of(call), [])
            if name != "localhost":  # which is refused for its name already
                self.assertGreaterEqual(stack.metric("notifier", "callcast_webhook_refused_total"), 1)
        finally:
            self.replace_notifier(command, allowed)

    def replace_notifier(self, command, allowed):
        command = list(command)
        command[command.index("--callbacks.allow") + 1] = allowed
        stack.kill("notifier")
        stack.start("notifier", command)
        stack.wait_ready("notifier")

    def test_a_redirect_is_not_followed(self):
        hooks.script("/away", (302, {"Location": hooks.uri("/target")}, 0))
        call = create(hooks.uri("/away"))
        self.assertTrue(wait_until(lambda: dead().count(call) == 2, 10, 0.2))
        self.assertEqual({p.path for p in hooks.of(call)}, {"/away"})
