# test_cli.py - callcast as people use it: calls over the API, watching from Kafka, help, completion, manual pages
import base64
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

from harness import BROKER, QUICK, TREE, Stack, environment, free_port, program, run, wait_until

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PROGRAMS = ("callcast", "callcast-producer", "callcast-worker", "callcast-notifier")
DONE, FAILED, USAGE, NO_CALL, REFUSED, UNANSWERED = range(6)
stack = hooks = None


def setUpModule():
    global stack, hooks
    stack = Stack("cli", **QUICK)
    unittest.addModuleCleanup(stack.down)
    stack.up()
    hooks = stack.receiver()


def settings(**more):
    """As the local stack's env file gives them to a shell."""
    env = {k: stack.env[k] for k in ("CALLCAST_API_KEY", "CALLCAST_KAFKA", "CALLCAST_REDIS")}
    env.update({"CALLCAST_API_CALLBACK": hooks.uri(), "CALLCAST_API_TIMEOUT": "10s"})
    env.update(more)
    return env


def tool(*words, seconds=60, **more):
    return run([program("callcast"), *words], seconds, **settings(**more))


class Case(unittest.TestCase):
    def good(self, done, status=DONE):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if status == DONE:
            self.assertEqual(done.stderr, "")
        self.assertNotIn(stack.env["CALLCAST_ACCESS_KEY"], done.stdout + done.stderr)
        self.assertNotIn(stack.env["CALLCAST_BEARER"], done.stdout + done.stderr)
        return done.stdout

    def start(self, *words, **more):
        """Ends with the test, if it did not before."""
        child = subprocess.Popen([program("callcast"), *words], env=environment(settings(**more)), text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(child.stderr.close)
        self.addCleanup(child.stdout.close)
        return child

    def create(self, *numbers, events="dtmfReceived", more=()):
        words = [w for n in numbers for w in ("--to", n)]
        call = self.good(tool("call", "create", *words, "--events", events, *more)).strip()
        self.assertRegex(call, r"^[A-Za-z0-9_][A-Za-z0-9_-]{31}$")
        return call

    def established(self, *numbers, **more):
        call = self.create(*numbers, **more)
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        return call


class Calls(Case):
    def test_the_stack_s_env_is_all_that_it_takes(self):
        done = run([program("callcast"), "call", "create", "--to", "+15556000020"], 20,
                   CALLCAST_API_KEY=stack.env["CALLCAST_API_KEY"],
                   CALLCAST_API_CALLBACK=stack.env["CALLCAST_API_CALLBACK"])
        self.assertRegex(self.good(done), r"^[A-Za-z0-9_-]{32}\n$")

    def test_create_asks_for_what_was_said(self):
        call = self.create("+15556000100", "user:bob00", "8:acs:x_00", "raw00", events="dtmfReceived,participantsUpdated",
                           more=("--from", "+15556999999", "--caller-id", "+15556888888", "--subject", "héj",
                                 "--context", "ctx", "--callback", hooks.uri("/own?secret=1")))
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        record = stack.show(call)["record"]
        self.assertEqual([leg["who"] for leg in record["legs"]], ["+15556000100", "bob00", "8:acs:x_00", "raw00"])
        self.assertEqual((record["source"], record["subject"], record["operationContext"]),
                         ("+15556999999", "héj", "ctx"))
        self.assertTrue(hooks.wait(lambda: any(p.type == "ParticipantsUpdated" for p in hooks.of(call)), 5))
        self.assertEqual({p.path for p in hooks.of(call)}, {"/own?secret=1"})
        self.good(tool("call", "hangup", call, "--all"))
        self.assertIsNotNone(hooks.wait_end(call))

    def test_wait(self):
        done = tool("call", "create", "--to", "+15556010000", "--wait")
        call, how = self.good(done).split("\n")[:2]
        self.assertEqual(how, "established")
        self.good(tool("call", "hangup", call))
        for number, how in (("20", "busy 486/560486"), ("23", "noSuchNumber 404/560404")):
            out = self.good(tool("call", "create", "--to", "+155560100" + number, "--wait"), UNANSWERED)
            self.assertEqual(out.split("\n")[1], "terminated " + how)
        # who answers and hangs up at once was reached
        self.good(tool("call", "create", "--to", "+15556010030", "--wait"))
        late = tool("call", "create", "--to", "+15556010022", "--wait", "--timeout", "1ms")
        self.assertRegex(self.good(late, FAILED), r"^[A-Za-z0-9_-]{32}\n$")
        self.assertIn("in time", late.stderr)

    def test_a_wait_that_is_stopped_has_told_the_call(self):
        child = self.start("call", "create", "--to", "+15556011021", "--wait")
        call = child.stdout.readline().strip()
        self.assertRegex(call, r"^[A-Za-z0-9_-]{32}$")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(5), FAILED)
        self.assertIn("yet", child.communicate()[1])
        self.good(tool("call", "hangup", call))
        self.assertIsNotNone(hooks.wait_end(call))

    def test_json(self):
        call = json.loads(self.good(tool("call", "create", "--to", "+15556020000", "--json", "--wait")))
        self.assertEqual(call["callState"], "established")
        call = call["callLegId"]
        play = json.loads(self.good(tool("call", "play", call, "http://a.example/a.wav", "--json", "--context", "x")))
        self.assertEqual((play["status"], play["operationContext"]), ("running", "x"))
        self.assertEqual(json.loads(self.good(tool("call", "cancel", call, "--json")))["status"], "running")
        shown = json.loads(self.good(tool("call", "show", call, "--json")))
        self.assertEqual([p["identifier"]["phoneNumber"]["value"] for p in shown["participants"]], ["+1********00"])
        for words in (("invite", call, "+15556020100"), ("remove", call, shown["participants"][0]["participantId"]),
                      ("hangup", call, "--all")):
            accepted = json.loads(self.good(tool("call", *words, "--json")))
            self.assertEqual(accepted, {"callLegId": call, "status": "accepted"})
        self.assertIsNotNone(hooks.wait_end(call))
        busy = json.loads(self.good(tool("call", "create", "--to", "+15556020020", "--json", "--wait"), UNANSWERED))
        self.assertEqual((busy["outcome"], busy["resultInfo"]["subcode"]), ("busy", 560486))
        self.assertEqual(list(json.loads(self.good(tool("call", "create", "--to", "+15556020020", "--json")))),
                         ["callLegId"])

    def test_play_and_cancel(self):
        call = self.established("+15556030000")
        first = self.good(tool("call", "play", call, "http://a.example/a.wav", "--context", "once")).strip()
        self.assertRegex(first, f"^{UUID}$")
        self.assertIsNotNone(hooks.wait_event(call, "PlayAudioResult", operationContext="once", status="completed"))
        self.good(tool("call", "play", call, "http://a.example/b.wav", "--loop", "--context", "for ever", "--callback",
                       hooks.uri("/plays")))
        time.sleep(0.7)  # longer than a prompt
        self.assertIsNone(hooks.wait_event(call, "PlayAudioResult", 0, operationContext="for ever"))
        self.good(tool("call", "cancel", call, "--context", "enough"))
        result = hooks.wait_event(call, "PlayAudioResult", operationContext="for ever")
        self.assertEqual((result.path, result.data["resultInfo"]["subcode"]), ("/plays", 8508))
        self.good(tool("call", "hangup", call))
        self.assertIsNotNone(hooks.wait_end(call))

    def people(self, call):
        return json.loads(self.good(tool("call", "show", call, "--json", "--full")))["participants"]

    def test_invite_and_remove(self):
        call = self.established("+15556040000", events="participantsUpdated")
        self.good(tool("call", "invite", call, "+15556040100", "user:carol20", "--caller-id", "+15556048888",
                       "--context", "more", "--callback", hooks.uri("/invited")))
        self.assertTrue(hooks.wait(lambda: len([p for p in hooks.of(call) if p.path == "/invited"]) >= 1, 10))
        self.assertTrue(wait_until(lambda: len(self.people(call)) == 2, 5, 0.1))
        second = [p for p in self.people(call) if p["identifier"]["phoneNumber"]["value"] == "+15556040100"][0]
        self.good(tool("call", "remove", call, second["participantId"]))
        self.assertTrue(wait_until(lambda: len(self.people(call)) == 1, 5, 0.1))
        text = self.good(tool("call", "show", call))
        self.assertRegex(text, rf"(?m)^  participant  \+1\*{{8}}00  {UUID}$")
        self.assertNotIn("6040000", text)
        self.assertEqual(len(stack.dials_of("+15556040100")), 1)
        self.good(tool("call", "hangup", call, "--all"))
        self.assertIsNotNone(hooks.wait_end(call))

    def test_hang_up_leaves_and_all_ends(self):
        left = self.established("+15556050000")
        ended = self.established("+15556050100")
        for call, number in ((left, "+15556050200"), (ended, "+15556050300")):
            self.good(tool("call", "invite", call, number))
            self.assertTrue(wait_until(lambda c=call: len(self.people(c)) == 2, 5, 0.1))
        watch = self.start("watch", left, "--all", "--json", "--timeout", "20s")
        self.good(tool("call", "hangup", left))
        self.good(tool("call", "hangup", ended, "--all"))
        # the app's last event comes before the last of the ledger, which ends the watch
        events = [json.loads(line) for line in watch.stdout]
        self.assertEqual(watch.wait(5), DONE)
        watch.communicate()
        final = [e for e in events if e.get("final")]
        self.assertEqual([(e["state"], e["data"]["callState"]) for e in final], [("left", "terminated")])
        self.assertEqual(events[-1]["state"], "terminated")
        self.assertLess(final[0]["seq"], events[-1]["seq"])
        whole = self.good(tool("watch", ended, "--timeout", "20s"))
        self.assertNotIn("has left", whole)
        self.assertIn("(its app has left, others talk on)", self.good(tool("watch", left, "--timeout", "20s")))

    def test_show_masks_and_is_harmless(self):
        call = self.established("+15556060000", more=("--context", "a\x1b[2Jb", "--callback", hooks.uri("/x?secret=7")))
        text = self.good(tool("call", "show", call))
        self.assertIn("/x?***", text)
        self.assertIn("context      a?[2Jb", text)
        for words in (("call", "show"), ("show",)):
            for flags in ((), ("--full",), ("--json",)):
                text = self.good(tool(*words, call, *flags))
                self.assertNotIn("\x1b", text)
                self.assertNotIn("secret=7", text)
        for words in (("call", "show"), ("show",)):
            self.assertNotIn("6060000", self.good(tool(*words, call)))
        self.good(tool("call", "hangup", call))
        self.assertIsNotNone(hooks.wait_end(call))
        self.assertIn("outcome      completed", self.good(tool("call", "show", call)))


class Refusals(Case):
    def test_wrong_usage(self):
        call = "A" * 32
        for words, said in (
            ((), "usage:"), (("dance",), "dance: no such command"), (("call",), "call: is not all"),
            (("call", "create"), "--to"), (("call", "create", "--to", "+1", "--timeout", "1s"), "--wait"),
            (("call", "create", "--to", "+1", "--wait", "--timeout", "soon"), "--timeout soon"),
            (("call", "create", "--to", "+1", "--events", "x"), "--events x"),
            (("call", "hangup"), "<callLegId>"), (("call", "hangup", "nonsense"), "nonsense: not a callLegId"),
            (("call", "remove", call, "nobody"), "nobody: not a participantId"),
            (("call", "play", call), "<uri>"), (("call", "invite", call), "<who>"),
            (("watch", "nonsense"), "not a callLegId"), (("watch", "--since", "yesterday"), "--since yesterday"),
            (("call", "show", call, "--loop"), "has no --loop"), (("call", "show", call, "--what", "1"), "--what"),
            (("call", "show", call, "--api.url", "ftp://x"), "api.url"), (("completion", "fish"), "bash zsh"),
            (("man", "ls"), "callcast-worker"), (("settings", "--markdown", "--example"), "not both"),
            (("settings", "--call.keep", "1h"), "not a setting of this program"),
        ):
            with self.subTest(words):
                done = tool(*words)
                self.good(done, USAGE)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")
        done = tool("call", "create", "--to", "+1", CALLCAST_API_CALLBACK="")
        self.good(done, USAGE)
        self.assertIn("--callback", done.stderr)

    def test_no_such_call(self):
        call = self.create("+15556100023")
        self.assertIsNotNone(hooks.wait_end(call))
        never = call[:-4] + ("AAAA" if call[-4:] != "AAAA" else "BBBB")
        for words in (("hangup", never), ("hangup", never, "--all"), ("play", never, "http://a.example/a.wav"),
                      ("cancel", never), ("invite", never, "+15556100100"), ("remove", never, str(uuid.uuid4())),
                      ("show", never)):
            with self.subTest(words[0]):
                done = tool("call", *words)
                self.good(done, NO_CALL)
                self.assertIn("404 8522", done.stderr)
        self.good(tool("show", never), NO_CALL)

    def test_what_the_api_refuses_is_told(self):
        call = self.create("+15556110023")
        self.assertIsNotNone(hooks.wait_end(call))
        for words, code, said in (
            (("create", "--to", "0701740605x", "--to", "+46x"), "8523", "targets[1].phoneNumber.value"),
            (("create", "--to", "+15556110000", "--callback", "ftp://x/"), "8523", "callbackUri"),
            (("create", "--to", "+15556110000", "--subject", "x" * 1001), "8523", "subject"),
            (("play", call, "http://a.example/a.wav"), "8528", "ended"),
            (("play", call, "file:///etc/passwd"), "8523", "audioFileUri"),
            (("hangup", call), "8528", "ended"),
            (("invite", call, "+15556110100"), "8528", "ended"),
        ):
            with self.subTest(words[0]):
                # a look at the record that takes too long leaves the decision to the worker
                tries = (tool("call", *words) for _ in range(20))
                done = next((d for d in tries if code != "8528" or d.returncode != DONE), None)
                self.assertIsNotNone(done)
                self.good(done, REFUSED)
                self.assertRegex(done.stderr, rf"refused by http://[0-9.:]+: 400 {code}: .*{re.escape(said)}")
                self.assertEqual(done.stdout, "")

    def test_keys(self):
        call, url = self.established("+15556120000"), stack.env["CALLCAST_ENDPOINT"]
        wrong = base64.b64encode(b"x" * 32).decode()
        for key, status, said in (
            (f"endpoint={url}/;accesskey={wrong}", REFUSED, "401"),
            ("endpoint=nowhere;accesskey=" + wrong, USAGE, "api.key"), ("accesskey=" + wrong, USAGE, "api.key"),
            (f"endpoint={url}/;accesskey=x", USAGE, "api.key"), ("", USAGE, "CALLCAST_API_KEY"), ("a b", USAGE, "spaces"),
        ):
            done = tool("call", "show", call, CALLCAST_API_KEY=key)
            self.good(done, status)
            self.assertIn(said, done.stderr)
            self.assertNotIn(wrong, done.stderr)
        done = tool("call", "show", call, CALLCAST_API_KEY="stranger", CALLCAST_API_URL=url)
        self.good(done, REFUSED)
        self.assertIn("401", done.stderr)
        self.assertNotIn("stranger", done.stderr)
        for key in (stack.env["CALLCAST_BEARER"], stack.env["CALLCAST_CONNECTION_STRING"]):
            self.good(tool("call", "show", call, CALLCAST_API_KEY=key, CALLCAST_API_URL=url + "/"))
            done = tool("call", "show", call, "--log.level", "debug", CALLCAST_API_KEY=key, CALLCAST_API_URL=url)
            self.assertNotIn(key, done.stdout + done.stderr)
        self.good(tool("call", "hangup", call))

    def test_a_key_in_a_file_but_not_in_a_flag(self):
        key, path = stack.env["CALLCAST_API_KEY"], os.path.join(stack.dir, "tool.conf")
        call = self.create("+15556130023")
        with open(path, "w") as f:
            f.write(f"# the tool's\napi.key = {key}\n")
        os.chmod(path, 0o600)
        env = {"CALLCAST_CONFIG": path}
        self.good(run([program("callcast"), "call", "show", call], 20, **env))
        os.chmod(path, 0o644)
        done = run([program("callcast"), "call", "show", call], 20, **env)
        self.good(done, USAGE)
        self.assertIn(f"{path}:2", done.stderr)
        done = tool("call", "show", call, "--api.key", key)
        self.good(done, USAGE)
        self.assertIn("list of processes", done.stderr)


class Again(Case):
    """The API is away, slow or strange."""

    def test_nobody_there(self):
        began = time.monotonic()
        done = tool("call", "create", "--to", "+1", CALLCAST_API_URL=f"http://127.0.0.1:{free_port()}",
                    CALLCAST_API_TIMEOUT="2s")
        self.good(done, FAILED)
        self.assertLess(time.monotonic() - began, 4)
        self.assertIn("nothing was done", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_producer_that_comes_back_makes_one_call(self):
        command = stack.command_of("producer")
        stack.kill("producer")
        child = self.start("call", "create", "--to", "+15556200023", CALLCAST_API_TIMEOUT="60s")
        time.sleep(0.7)
        self.assertIsNone(child.poll())
        stack.start("producer", command)
        stack.wait_ready("producer")
        out, err = child.communicate(timeout=60)
        self.assertEqual((child.returncode, err), (DONE, ""))
        self.assertIsNotNone(hooks.wait_end(out.strip()))
        self.assertEqual(len(stack.dials_of("+15556200023")), 1)

    def fake(self, *steps):
        """A server that takes one step per connection; [(request as it came)] and its address."""
        listener, seen = socket.create_server(("127.0.0.1", 0)), []
        self.addCleanup(listener.close)

        def serve():
            for step in steps:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with connection:
                    connection.settimeout(10)
                    data = b""
                    while b"\r\n\r\n" not in data:
                        data += connection.recv(65536)
                    length = re.search(rb"(?i)content-length: (\d+)", data)
                    while length and len(data.split(b"\r\n\r\n", 1)[1]) < int(length[1]):
                        data += connection.recv(65536)
                    seen.append(data.decode())
                    if step:
                        connection.sendall(step)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return seen, f"http://127.0.0.1:{listener.getsockname()[1]}"

    @staticmethod
    def answer(status, body=b"", headers=""):
        return f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body

    def header(self, request, name):
        values = re.findall(rf"(?im)^{name}: (.*)\r$", request)
        self.assertEqual(len(values), 1, f"{name}: {values}")
        return values[0]

    def test_another_try_is_the_same_command(self):
        good = self.answer(202, json.dumps({"id": str(uuid.uuid4()), "status": "running"}).encode())
        busy = self.answer(503, b'{"code":"notAccepted","message":"busy"}', "Retry-After: 1\r\n")
        seen, url = self.fake(busy, b"", b"HTTP/1.1 202 X\r\nContent-Length: 50\r\n\r\nhalf", self.answer(429), good)
        began = time.monotonic()
        self.good(tool("call", "play", "A" * 32, "http://a.example/a.wav", CALLCAST_API_URL=url))
        self.assertGreaterEqual(time.monotonic() - began, 1)
        self.assertEqual(len(seen), 5)
        self.assertEqual(len({self.header(s, "Repeatability-Request-ID") for s in seen}), 1)
        self.assertEqual(len({self.header(s, "Repeatability-First-Sent") for s in seen}), 1)
        self.assertEqual(len({s.split("\r\n\r\n", 1)[1] for s in seen}), 1)
        first = seen[0]
        self.assertTrue(first.startswith(f"POST /calls/{'A' * 32}/PlayAudio HTTP/1.1\r\n"))
        self.assertEqual(self.header(first, "Host"), url[7:])
        self.assertEqual(self.header(first, "Content-Type"), "application/json")
        self.assertNotRegex(first, "(?im)^(Expect|Proxy-.*):")

    def test_requests_without_a_body(self):
        for words, method in ((("hangup",), "POST"), (("hangup", "--all"), "DELETE"), (("show",), "GET")):
            seen, url = self.fake(self.answer(404))
            self.good(tool("call", words[0], "A" * 32, *words[1:], CALLCAST_API_URL=url), NO_CALL)
            self.assertTrue(seen[0].startswith(method + " "))
            self.assertNotRegex(seen[0], "(?im)^(Content-Type|Transfer-Encoding|Expect):")
            if method == "POST":
                self.assertEqual(self.header(seen[0], "Content-Length"), "0")

    def test_strange_answers(self):
        call = ("call", "show", "A" * 32)
        for step, status, said in (
            (self.answer(302, headers=f"Location: {stack.env['CALLCAST_ENDPOINT']}/calls\r\n"), REFUSED, "302"),
            (self.answer(200, b"<html>"), FAILED, "no call"), (self.answer(200), FAILED, "no call"),
            (self.answer(500, b"\x1b[2J"), FAILED, "500"), (self.answer(400, b'{"code":7}'), REFUSED, "400 (no code)"),
            (self.answer(200, b'{"a":"' + b"x" * (1 << 20) + b'"}'), FAILED, ""),
            (b"SSH-2.0-x\r\n", FAILED, ""),
        ):
            with self.subTest(said):
                seen, url = self.fake(step)
                done = tool(*call, CALLCAST_API_URL=url, CALLCAST_API_TIMEOUT="1s")
                self.good(done, status)
                self.assertIn(said, done.stderr)
                self.assertNotIn("\x1b", done.stderr)
                self.assertEqual(len(seen), 1)
        seen, url = self.fake(self.answer(200, b'{"callLegId":"../../x"}'))
        self.good(tool("call", "create", "--to", "+1", CALLCAST_API_URL=url), FAILED)

    def test_a_proxy_of_the_environment_is_not_asked(self):
        seen, url = self.fake(self.answer(200, b"{}"))
        call = self.create("+15556210023")
        self.good(tool("call", "show", call, http_proxy=url, HTTP_PROXY=url, ALL_PROXY=url))
        self.assertEqual(seen, [])


class Watch(Case):
    def lines(self, text):
        return [re.fullmatch(r"(\S+Z) (\S{32}) +(\d+|-) (.*)", line).groups() for line in text.splitlines()]

    def test_one_call_from_its_first_event_to_its_last(self):
        call = self.established("+15556300001")
        watch = self.start("watch", call)
        self.good(tool("call", "play", call, "http://a.example/a.wav", "--context", "p"))
        self.assertIsNotNone(hooks.wait_event(call, "DtmfReceived"))
        self.assertIsNotNone(hooks.wait_event(call, "PlayAudioResult"))
        self.good(tool("call", "hangup", call))
        out, err = watch.communicate(timeout=20)
        self.assertEqual((watch.returncode, err), (DONE, ""))
        lines = self.lines(out)
        self.assertEqual({line[1] for line in lines}, {call})
        self.assertIsNotNone(hooks.wait_end(call))
        self.assertEqual([int(line[2]) for line in lines], [p.number for p in hooks.of(call)])
        self.assertEqual(lines[0][3], "establishing +1********01")
        self.assertIn("digit tone1", [line[3] for line in lines])
        self.assertTrue(any(line[3].startswith("play completed ") and line[3].endswith(" context=p") for line in lines))
        self.assertEqual(lines[-1][3], "terminated completed 0/560000")
        self.assertEqual(out, self.good(tool("watch", call)))  # the same afterwards
        self.assertIn("+15556300001", self.good(tool("watch", call, "--full")))
        self.assertEqual(self.good(tool("watch", call, "--since", "1ms")), "")

    def test_json_and_the_ledger_s_own(self):
        call = self.create("+15556310020")
        self.assertIsNotNone(hooks.wait_end(call))
        events = [json.loads(line) for line in self.good(tool("watch", call, "--json", "--all")).splitlines()]
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual({e["callLegId"] for e in events}, {call})
        self.assertIn(0, [e["number"] for e in events])
        self.assertTrue(events[-1]["final"])
        told = [json.loads(line) for line in self.good(tool("watch", call, "--json")).splitlines()]
        self.assertEqual(told, [e for e in events if e["number"]])
        self.assertNotIn("6310020", json.dumps(events))

    def test_all_calls_until_it_is_stopped(self):
        before = self.create("+15556320020")
        self.assertIsNotNone(hooks.wait_end(before))
        for signo in (signal.SIGINT, signal.SIGTERM):
            watch = self.start("watch", "--json")
            time.sleep(1)  # it begins at the end
            calls = {self.create(f"+1555632{i:02d}20") for i in range(8)}
            for call in calls:
                self.assertIsNotNone(hooks.wait_end(call))
            time.sleep(0.5)
            watch.send_signal(signo)
            out, err = watch.communicate(timeout=10)
            self.assertEqual((watch.returncode, err), (DONE, ""))
            events = [json.loads(line) for line in out.splitlines()]
            self.assertEqual({e["callLegId"] for e in events}, calls)
            for call in calls:
                numbers = [e["number"] for e in events if e["callLegId"] == call]
                self.assertEqual(numbers, [p.number for p in hooks.of(call)])
        since = self.good(tool("watch", "--since", "5m", "--timeout", "2s"))
        self.assertLessEqual(calls | {before}, {line[1] for line in self.lines(since)})

    def test_a_call_that_goes_on_is_not_waited_for_longer_than_said(self):
        call = self.established("+15556330000")
        began = time.monotonic()
        done = tool("watch", call, "--timeout", "700ms")
        self.good(done, FAILED)
        self.assertIn("not ended in time", done.stderr)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(len(self.lines(done.stdout)), 2)
        self.good(tool("call", "hangup", call))

    def test_of_two_records_with_one_seq_the_first_counts(self):
        call = self.established("+15556360000")
        partition = str(int.from_bytes(base64.urlsafe_b64decode(call)[1:3], "big"))
        topic = ["-b", stack.env["CALLCAST_KAFKA"], "-t", "calls.events", "-p", partition]
        offset = json.loads(self.good(tool("watch", call, "--json", "--timeout", "500ms"), FAILED).splitlines()[0])["offset"]
        record = subprocess.run(["kcat", "-C", *topic, "-o", str(offset), "-c", "1", "-q", "-D", ""], check=True,
                                stdout=subprocess.PIPE, timeout=20).stdout
        path = os.path.join(stack.dir, "record")
        with open(path, "wb") as f:
            f.write(record)
        subprocess.run(["kcat", "-P", *topic, "-k", call, path], check=True, timeout=20)
        self.good(tool("call", "hangup", call))
        self.assertIsNotNone(hooks.wait_end(call))
        lines = self.lines(self.good(tool("watch", call, "--timeout", "20s")))
        self.assertEqual([line[3].split()[0] for line in lines],
                         ["establishing", "established", "terminating", "terminated"])

    def test_whoever_stops_reading_ends_it(self):
        call = self.create("+15556340020")
        self.assertIsNotNone(hooks.wait_end(call))
        watch = self.start("watch", "--since", "5m")
        self.assertTrue(watch.stdout.readline())
        time.sleep(0.5)  # whatever it had to say is said: only a look tells that nobody is there
        watch.stdout.close()
        watch.wait(5)
        with open("/dev/full", "w") as full:
            done = subprocess.run([program("callcast"), "watch", call], env=environment(settings()), stdout=full,
                                  stderr=subprocess.PIPE, timeout=30)
        self.assertEqual(done.returncode, FAILED)

    def test_a_call_that_nobody_made(self):
        call = self.create("+15556370020")
        self.assertIsNotNone(hooks.wait_end(call))
        never = call[:-4] + ("AAAA" if call[-4:] != "AAAA" else "BBBB")
        done = tool("watch", never, "--timeout", "2s")
        self.good(done, FAILED)
        self.assertEqual(done.stderr, f"callcast: {never}: nothing is known of it yet\n"
                                      f"callcast: {never}: not ended in time\n")

    def test_a_broker_that_stands_still_is_not_waited_for_longer_than_said(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:  # the kernel takes the connection, nobody answers
            kafka = f"127.0.0.1:{mute.getsockname()[1]}"
            for words in (("A" * 32,), ()):
                began = time.monotonic()
                done = tool("watch", *words, "--timeout", "2s", CALLCAST_KAFKA=kafka)
                self.assertLess(time.monotonic() - began, 4)
                self.good(done, FAILED)
                self.assertIn("calls.events", done.stderr)

    def test_short_numbers_are_masked_too(self):
        call = self.create("+123456", "4:+123", "+1234567", "4:+12345678901234567890")
        self.assertIsNotNone(hooks.wait_state(call, "establishing"))
        for words in (("show", call), ("show", call, "--json"), ("call", "show", call), ("call", "show", call, "--json"),
                      ("watch", call, "--all", "--timeout", "1s"), ("watch", call, "--all", "--json", "--timeout", "1s")):
            with self.subTest(words):
                text = tool(*words).stdout
                self.assertIn("****56", text)
                self.assertNotRegex(text, r"\+1?123|123456|234567|345678")
        tool("call", "hangup", call, "--all")

    def test_no_kafka(self):
        done = tool("watch", "A" * 32, CALLCAST_KAFKA=f"127.0.0.1:{free_port()}")
        self.good(done, FAILED)
        self.assertIn("calls.events", done.stderr)

    @unittest.skipIf(BROKER != "kafka", "the embedded broker loses all when it ends")
    def test_a_broker_that_comes_back(self):
        watch = self.start("watch", "--json")
        time.sleep(2)
        stack.restart("broker")
        call = json.loads(self.good(tool("call", "create", "--to", "+15556350020", "--json",
                                         CALLCAST_API_TIMEOUT="60s")))["callLegId"]
        self.assertIsNotNone(hooks.wait_end(call, 60))
        time.sleep(2)
        watch.send_signal(signal.SIGINT)
        out = watch.communicate(timeout=10)[0]
        self.assertIn(call, {json.loads(line)["callLegId"] for line in out.splitlines()})


class Words(Case):
    """Help, completion and manual pages, which all come from one table."""

    def commands(self):
        """{"call create": ["--to", ...]}, as --help tells them."""
        listed = re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)(?: [<\[]| {2,})", self.good(tool("--help")).split("Exit")[0])
        self.assertGreater(len(listed), 12)
        return {c: re.findall(r"(?m)^  (--[a-z-]+)", self.good(tool(*c.split(), "--help"))) for c in listed}

    def test_help_of_each_command(self):
        for command, options in self.commands().items():
            text = self.good(tool(*command.split(), "--help"))
            self.assertIn(f"usage: callcast {command}", text)
            self.assertIn(f"example: callcast {command}", text)
        self.assertIn("call remove", self.good(tool("call", "--help")))
        self.assertNotIn("topics", self.good(tool("call", "--help")))

    def completed(self, *lines):
        """What bash offers behind each of these lines."""
        script = os.path.join(stack.dir, "completion.bash")
        with open(script, "w") as f:
            f.write(self.good(tool("completion", "bash")))
        lines = [line if isinstance(line, str) else " ".join(line) for line in lines]
        asked = "".join(f"COMP_LINE='{line}' COMP_POINT={len(line)}; _callcast; echo \"${{COMPREPLY[*]}}\"\n"
                        for line in lines)
        done = run(["bash", "--norc", "-u", "-c", f". {script}\n{asked}"])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line.split() for line in done.stdout.split("\n")[:-1]]

    def test_bash_completes(self):
        for line, wanted in (
            ("callcast ", "call watch show topics settings completion man"), ("callcast to", "topics"),
            ("callcast call ", "create hangup play cancel invite remove show"), ("callcast call h", "hangup"),
            ("callcast call create --ca", "--caller-id --callback"),
            ("callcast call create --events ", "participantsUpdated dtmfReceived"),
            ("callcast call create --events=dt", "dtmfReceived"), ("callcast completion ", "bash zsh"),
            ("callcast --log.level=", "debug info warn error"), ("callcast --log.level w", "warn"),
            ("callcast --kafka 127.0.0.1:9092 sh", "show"), ("callcast --json call --wait cr", "create"),
            ("callcast call create --context call h", ""), ("callcast show X --f", "--full"),
            ("callcast call play X http://a/b.wav ", "--loop --context --callback --json"),
            ("callcast man callcast-w", "callcast-worker"), ("callcast dance --js", ""),
            ("callcast --config " + TREE + "/READ", TREE + "/README.md"), ("callcast --api.k", ""),
        ):
            with self.subTest(line):
                self.assertEqual(self.completed(line)[0], wanted.split())

    def test_bash_completes_every_option_of_every_command(self):
        commands = self.commands()
        for found, (command, options) in zip(self.completed(*[f"callcast {c} --" for c in commands]), commands.items()):
            self.assertEqual(found[:len(options)], options, command)
            self.assertIn("--redis.timeout", found)
            self.assertEqual(len(found), len(set(found)))

    def test_a_bash_that_somebody_types_to(self):
        pid, fd = pty.fork()
        if pid == 0:
            env = environment({"PS1": "ready> ", "TERM": "dumb", "PATH": f"{os.path.dirname(program('callcast'))}:/usr/bin:/bin"})
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
        try:
            seen = self.read(fd, b"ready> ")
            os.write(fd, b"source <(callcast completion bash)\n")
            self.read(fd, b"ready> ")
            os.write(fd, b"callcast comp\tb\t\n")
            seen = self.read(fd, b"complete -F _callcast callcast")
            self.assertIn(b"callcast completion bash", seen)
        finally:
            os.write(fd, b"exit\n")
            os.close(fd)
            os.waitpid(pid, 0)

    def read(self, fd, wanted):
        seen, limit = b"", time.monotonic() + 15
        while wanted not in seen and time.monotonic() < limit:
            if select.select([fd], [], [], 0.2)[0]:
                seen += os.read(fd, 65536)
        self.assertIn(wanted, seen)
        return seen

    @unittest.skipIf(not shutil.which("zsh"), "no zsh here")
    def test_zsh_takes_it(self):
        done = subprocess.run(["zsh", "-f", "-n"], input=self.good(tool("completion", "zsh")), text=True,
                              stderr=subprocess.PIPE, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def page(self, name):
        return self.good(tool("man", name))

    def test_manual_pages_are_clean(self):
        for name in PROGRAMS:
            with tempfile.NamedTemporaryFile("w", suffix=".1") as f:
                f.write(self.page(name))
                f.flush()
                done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", f.name], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)
                if shutil.which("mandoc"):
                    done = subprocess.run(["mandoc", "-Tlint", f.name], text=True, stdout=subprocess.PIPE, timeout=30)
                    self.assertEqual(done.stdout, "", name)

    def rendered(self, text):
        done = subprocess.run(["man", "-l", "-"], input=text, text=True, stdout=subprocess.PIPE, timeout=30,
                              env={**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, 0)
        return done.stdout

    def test_manual_pages_hold_all_of_it(self):
        text = self.rendered(self.page("callcast"))
        for command, options in self.commands().items():
            self.assertRegex(text, rf"(?m)^ +{command}\b")
            for option in options:
                self.assertRegex(text, rf"(?m)^ +{option}\b")
        for name in PROGRAMS:
            text = self.rendered(self.page(name))
            listed = re.findall(r"(?m)^  (?:--)?([a-z.]+)(?: |$)", run([program(name), "--help"]).stdout.split("with their defaults:")[1])
            self.assertGreater(len(listed), 10)
            for setting in listed:
                self.assertRegex(text, rf"(?m)^ +(--)?{re.escape(setting)}\b", name)
            for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "SETTINGS", "EXIT STATUS", "SEE ALSO"):
                self.assertRegex(text, rf"(?m)^{section}$")

    def test_wrong_settings_don_t_spoil_a_shell_s_start(self):
        for words in (("completion", "bash"), ("man",), ("settings",)):
            self.good(tool(*words, CALLCAST_REDIS_TIMEOUT="soon"))
        self.good(tool("topics", "create", CALLCAST_REDIS_TIMEOUT="soon"), USAGE)

    def test_install(self):
        build = os.path.relpath(os.path.dirname(os.path.dirname(program("callcast"))), TREE)
        with tempfile.TemporaryDirectory() as place:
            done = subprocess.run(["make", "-C", TREE, "--no-print-directory", "DEPS=no", f"BUILD={build}", "install",
                                   f"DESTDIR={place}", "PREFIX=/usr"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=300)
            self.assertEqual(done.returncode, 0, done.stdout)
            files = {os.path.relpath(os.path.join(d, f), place) for d, _, names in os.walk(place) for f in names}
            self.assertEqual(files, {f"usr/bin/{p}" for p in PROGRAMS} | {"usr/share/man/man1/callcast.1"} | {
                f"usr/share/man/man8/{p}.8" for p in PROGRAMS[1:]} | {
                "usr/share/bash-completion/completions/callcast"} | {
                f"usr/share/doc/callcast/examples/{f}" for f in ("README.md", "callcast.conf", "tenants.json")})
            self.assertEqual(run([os.path.join(place, "usr/bin/callcast"), "--version"]).returncode, 0)
            with open(os.path.join(place, "usr/share/man/man8/callcast-worker.8")) as f:
                self.assertEqual(f.read(), self.page("callcast-worker"))
