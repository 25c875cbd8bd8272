# test_operations.py - the programs as an operator meets them: flags, settings, metrics, health, topics, the tool
import base64
import os
import re
import signal
import subprocess
import unittest

from client import create_body
from harness import BROKER, Stack, TREE, environment, free_port, get, port_is_open, program, run, wait_until

DAEMONS = ("callcast-producer", "callcast-worker", "callcast-notifier")
stack = None


def setUpModule():
    global stack
    stack = Stack("operations", CALLCAST_SIM_RING="50ms")
    unittest.addModuleCleanup(stack.down)
    stack.up()


class Programs(unittest.TestCase):
    def test_help_and_version(self):
        for name in DAEMONS + ("callcast",):
            with self.subTest(name):
                done = run([program(name), "--help"])
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                for word in ("--kafka", "--redis", "127.0.0.1:9092"):
                    self.assertIn(word, done.stdout)
                done = run([program(name), "--version"])
                self.assertEqual(done.returncode, 0)
                self.assertRegex(done.stdout, rf"^{name} [0-9]+\.[0-9]+\.[0-9]+\n$")

    def test_bad_settings_are_named_and_nothing_starts(self):
        for name in DAEMONS:
            for words, settings, named in (
                (["--redis.timeout", "soon"], {}, "redis.timeout"),
                (["--redis", "nowhere"], {}, "redis"),
                (["--no.such", "1"], {}, "no.such"),
                (["--log.level", "loud"], {}, "log.level"),
                ([], {"CALLCAST_DRAIN_TIMEOUT": "1y"}, "drain.timeout"),
                ([], {"CALLCAST_KAFKA_ACKS": "1"}, "acks"),
                (["--kafka.enable.idempotence", "false"], {}, "enable.idempotence"),
                (["--config", "/nowhere/at.all"], {}, "/nowhere/at.all"),
            ):
                with self.subTest(f"{name} {words} {settings}"):
                    done = run([program(name), *words], 10, **settings)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(named, done.stderr)

    def test_a_tenants_file_that_others_can_read_is_refused(self):
        path = os.path.join(stack.dir, "open.json")
        with open(stack.env["CALLCAST_TENANTS"]) as f, open(path, "w") as out:
            out.write(f.read())
        os.chmod(path, 0o644)
        for name in DAEMONS[::2]:
            done = run([program(name), "--tenants", path, "--kafka", stack.env["CALLCAST_KAFKA"], "--redis",
                        stack.env["CALLCAST_REDIS"], "--admin.listen", f"127.0.0.1:{free_port()}"], 10)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("open.json", done.stderr)

    def test_metrics_and_health(self):
        for name in ("producer", "notifier", "worker-1"):
            with self.subTest(name):
                address = stack.admin(name)
                self.assertEqual(get(address, "/healthz")[0], 200)
                self.assertEqual(get(address, "/readyz")[0], 200)
                status, text = get(address, "/metrics")
                self.assertEqual(status, 200)
                series = re.findall(r"^([a-zA-Z_:]+)(?:\{[^}]*\})? [-+0-9.eEInfNa]+$", text, re.M)
                ours = {s for s in series if s.startswith("callcast_")}
                self.assertGreater(len(ours), 4)
                self.assertEqual({s for s in series if not s.startswith(("callcast_", "process_"))}, set())
                self.assertEqual(get(address, "/nothing")[0], 404)

    def test_a_port_that_is_taken_is_said(self):
        address = stack.env["CALLCAST_ENDPOINT"].split("//")[1]
        command = [program("callcast-producer")] + stack.command_of("producer")[1:]
        command[command.index("--admin.listen") + 1] = f"127.0.0.1:{free_port()}"
        done = run(command, 20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(address, done.stderr)

    def test_sigterm_ends_each_with_0(self):
        for name in ("producer", "notifier", "worker-1"):
            with self.subTest(name):
                stack.restart(name)
                stack.children[name].send_signal(signal.SIGTERM)
                self.assertEqual(stack.children[name].wait(20), 0, stack.log_tail(name))
                stack.start(name, self.command(name))
                stack.wait_ready(name)

    def command(self, name):
        """As its siblings were started; the one that ended can't be asked any more."""
        address = stack.admin(name)
        words = [program("callcast-" + name.split("-")[0]), "--kafka", stack.env["CALLCAST_KAFKA"], "--redis",
                 stack.env["CALLCAST_REDIS"], "--tenants", stack.env["CALLCAST_TENANTS"], "--admin.listen", address]
        if name == "producer":
            words += ["--http.listen", stack.env["CALLCAST_ENDPOINT"].split("//")[1]]
        if name.startswith("worker"):
            words += ["--worker.name", name, "--sim.ledger", stack.env["CALLCAST_SIM_LEDGER"]]
        else:
            words += ["--callbacks.allow", "127.0.0.0/8"]
        return words

    def test_not_ready_says_why(self):
        """A worker whose Redis is not there; on topics of its own, so that it takes nothing from the others."""
        kafka, admin = stack.env["CALLCAST_KAFKA"], f"127.0.0.1:{free_port()}"
        if BROKER == "kafka":
            self.assertEqual(stack.tool("topics", "create", "--topic.prefix", "x.").returncode, 0)
        else:
            kafka = f"127.0.0.1:{free_port()}"
            self.start([program("callcast-broker"), "--listen", kafka, "--prefix", "x."])
            self.assertTrue(wait_until(lambda: port_is_open(kafka), 10))
        worker = self.start([program("callcast-worker"), "--kafka", kafka, "--redis", f"127.0.0.1:{free_port()}",
                             "--tenants", stack.env["CALLCAST_TENANTS"], "--admin.listen", admin, "--topic.prefix",
                             "x."])
        self.assertTrue(wait_until(lambda: self.answers(admin) == 503, 10))
        self.assertRegex(get(admin, "/readyz")[1].lower(), "redis")
        self.assertEqual(get(admin, "/healthz")[0], 200)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(40), 0)

    def start(self, command):
        """Ends with the test."""
        child = subprocess.Popen(command, env=environment({}), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def answers(self, admin):
        try:
            return get(admin, "/readyz")[0]
        except OSError:
            return 0


class Tool(unittest.TestCase):
    def test_show_says_what_it_can(self):
        client, hooks = stack.client(), stack.receiver()
        call = client.post("/calls", create_body("+15558000023", hooks.uri())).json["callLegId"]
        self.assertIsNotNone(hooks.wait_end(call))
        done = stack.tool("show", call)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in (call, "noSuchNumber", "CallLegStateChanged"):
            self.assertIn(word, done.stdout)
        never = call[:-4] + ("AAAA" if call[-4:] != "AAAA" else "BBBB")
        self.assertEqual(stack.tool("show", never).returncode, 3)
        self.assertEqual(stack.tool("show", "nonsense").returncode, 2)
        self.assertEqual(stack.tool("dance").returncode, 2)

    def test_a_poisoned_record_is_set_aside(self):
        """Bytes that are no record: to calls.dead, and the partition goes on."""
        topic = ["kcat", "-P", "-b", stack.env["CALLCAST_KAFKA"], "-t", "calls.commands", "-p", "0", "-k", "nobody"]
        for data in (b"nonsense", b"\xc3\x01short", b"\x00"):
            subprocess.run(topic, input=data, check=True, timeout=20)
        self.assertTrue(wait_until(lambda: len(stack.keys_of("calls.dead")) >= 3, 10, 0.3))
        client, hooks = stack.client(), stack.receiver()
        calls = [client.post("/calls", create_body(f"+155581{i:03d}23", hooks.uri())).json["callLegId"]
                 for i in range(64)]  # every partition, and so that one too
        for call in calls:
            self.assertIsNotNone(hooks.wait_end(call))

    def stop_workers(self, signo):
        for name in stack.workers():
            stack.send_signal(name, signo)

    def test_a_create_that_redis_cant_keep_is_set_aside_and_ends_its_call(self):
        """Its key holds something else: tried a few times, then the app is told; other calls don't notice."""
        client, hooks = stack.client(), stack.receiver()
        bad = []
        self.stop_workers(signal.SIGSTOP)
        try:
            for word in ("RPUSH", "SET"):
                call = client.post("/calls", create_body("+15558200000", hooks.uri())).json["callLegId"]
                p = int.from_bytes(base64.urlsafe_b64decode(call)[1:3], "big")
                port = stack.env["CALLCAST_REDIS"].split(":")[1]
                run(["redis-cli", "-p", port, word, f"{{{p}}}:call:{call}", "something else"])
                bad.append(call)
            beside = client.post("/calls", create_body("+15558200023", hooks.uri())).json["callLegId"]
        finally:
            self.stop_workers(signal.SIGCONT)
        self.assertIsNotNone(hooks.wait_end(beside, 20))
        for call in bad:
            self.assertIsNotNone(hooks.wait_end(call, 20))
            self.assertEqual(hooks.story(call), ["terminated"])
            self.assertTrue(wait_until(lambda c=call: c in stack.keys_of("calls.dead"), 10, 0.3))
        self.assertEqual(stack.dials_of("+15558200000"), [])

    @unittest.skipIf(BROKER != "kafka", "the embedded broker creates no topics")
    def test_topics_create(self):
        done = stack.tool("topics", "create", "--topic.prefix", "t1.", "--commands.partitions", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        again = stack.tool("topics", "create", "--topic.prefix", "t1.", "--commands.partitions", "4")
        self.assertEqual(again.returncode, 0, again.stderr)
        listed = run(["kcat", "-L", "-b", stack.env["CALLCAST_KAFKA"]]).stdout
        for topic in ("t1.calls.commands", "t1.calls.events"):
            self.assertRegex(listed, rf'topic "{re.escape(topic)}" with 4 partitions')
        self.assertRegex(listed, r'topic "t1.calls.dead"')

    @unittest.skipIf(BROKER != "kafka", "the embedded broker creates no topics")
    def test_unequal_partition_counts_are_refused(self):
        self.make_topic("t2.calls.commands", 8)
        self.make_topic("t2.calls.events", 4)
        done = stack.tool("topics", "create", "--topic.prefix", "t2.", "--commands.partitions", "8")
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in ("calls.events", "4", "8"):
            self.assertIn(word, done.stdout + done.stderr)

    def make_topic(self, name, partitions):
        jars = run([os.path.join(TREE, "tests/kafka/kafka.sh"), "jars"], 300).stdout.strip()
        done = run(["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*", "org.apache.kafka.tools.TopicCommand",
                    "--bootstrap-server", stack.env["CALLCAST_KAFKA"], "--create", "--topic", name, "--partitions",
                    str(partitions), "--replication-factor", "1"], 60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Local(unittest.TestCase):
    def test_a_second_stack_beside_the_first(self):
        """Up, up again, down, down again; nothing of it stays, and the first one lives."""
        second = Stack("second", WORKERS="1")
        try:
            second.up()
            self.assertIn("up already", second.script("up"))
            self.assertEqual(set(second.ports()) & set(stack.ports()), set())
            self.assertEqual(second.names(), ["broker", "notifier", "producer", "redis", "worker-1"])
            second.add_worker()
            self.assertEqual(second.workers(), ["worker-1", "worker-2"])
            self.assertEqual(len(second.env["CALLCAST_WORKER_ADMINS"].split()), 2)
        finally:
            left = second.down()
        self.assertEqual(left, "")
        self.assertIn("nothing is up", second.script("down"))
        self.assertEqual(stack.client().get("/calls").status, 405)
