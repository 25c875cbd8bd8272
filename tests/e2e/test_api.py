# test_api.py - the HTTP API from outside: who may do what, what is answered, what is repeated
import base64
import email.utils
import hashlib
import json
import os
import secrets
import signal
import socket
import time
import unittest
import uuid

from client import BEARER, DATE, NOBODY, Client, create_body, phone
from harness import QUICK, Stack, free_port, get, program, wait_until

stack = client = hooks = None


def setUpModule():
    global stack, client, hooks
    stack = Stack("api", **QUICK, WORKERS="1")
    unittest.addModuleCleanup(stack.down)
    stack.up()
    client, hooks = stack.client(), stack.receiver()


def body(number="+15551000023", **more):
    return create_body(number, hooks.uri(), **more)


class Case(unittest.TestCase):
    def refused(self, answer, status, *words):
        self.assertEqual(answer.status, status, answer.body)
        self.assertTrue(answer.json["code"])
        for word in words:
            self.assertIn(word, answer.json["message"])
        return answer


class Statuses(Case):
    def test_both_prefixes_with_and_without_api_version(self):
        for prefix in ("/calls", "/calling/calls"):
            for query, created in (("", 200), ("?api-version=2021-04-15-preview1", 201)):
                with self.subTest(prefix + query):
                    answer = client.post(prefix + query, body("+15551000000"))
                    self.assertEqual(answer.status, created)
                    self.assertEqual(answer.headers["Content-Type"].split(";")[0], "application/json")
                    call = answer.json["callLegId"]
                    self.assertRegex(call, "^[A-Za-z0-9_][A-Za-z0-9_-]{31}$")
                    self.assertIsNotNone(hooks.wait_state(call, "established"))
                    target = f"{prefix}/{call}"
                    played = client.post(f"{target}/PlayAudio{query}", {"audioFileUri": "http://a.example/a.wav"})
                    self.assertEqual((played.status, played.json["status"]), (202, "running"))
                    for word in ("CancelMediaProcessing", "CancelMediaOperations"):
                        self.assertEqual(client.post(f"{target}/{word}{query}").status, 200 if query else 202)
                    self.assertEqual(client.post(f"{target}/Hangup{query}").status, 202)
                    self.assertEqual(client.delete(f"{target}{query}").status, 202)
                    last = hooks.wait_end(call)
                    self.assertEqual(last.event["source"], f"{prefix}/{call}")

    def test_routes_methods_and_bodies(self):
        call = client.post("/calls", body()).json["callLegId"]
        self.refused(client.get("/nothing"), 404)
        self.refused(client.post(f"/calls/{call}/Dance"), 404)
        self.assertEqual(self.refused(client.get("/calls"), 405).headers["Allow"], "POST")
        self.assertEqual(self.refused(client.post(f"/calls/{call}", body()), 405).headers["Allow"], "GET, DELETE")
        self.refused(client.request("PUT", f"/calls/{call}/Hangup"), 405)
        self.refused(client.post("/calls", body(), headers={"Content-Type": "text/plain"}), 415, "Content-Type")
        self.refused(client.post("/calls", body(), headers={"Content-Type": None}), 415)
        self.refused(client.post("/calls", body(subject="x" * 70000)), 413)
        client.drop()
        self.refused(client.post("/calls", b"{]"), 400, "body")
        self.refused(client.get(f"/calls/{call}%2FHangup"), 400)
        self.refused(client.get(f"/calls/{call}%00"), 400)

    def test_faults_name_their_field(self):
        good = body()
        for change, word in (
            ({"targets": None}, "targets"), ({"targets": []}, "targets"), ({"targets": "x"}, "targets"),
            ({"targets": [phone("0701234567")]}, "targets[0].phoneNumber.value"),
            ({"targets": [phone("+15550000001"), {"rawId": 7}]}, "targets[1].rawId"),
            ({"targets": [phone("+1555000%04d" % i) for i in range(51)]}, "targets"),
            ({"callbackUri": None}, "callbackUri"), ({"callbackUri": 1}, "callbackUri"),
            ({"callbackUri": "ftp://a.example/"}, "callbackUri"),
            ({"callbackUri": "http://u:p@a.example/"}, "callbackUri"),
            ({"requestedModalities": "audio"}, "requestedModalities"),
            ({"requestedCallEvents": ["dancing"]}, "requestedCallEvents[0]"),
            ({"source": "+15551234567"}, "source"), ({"subject": 5}, "subject"),
            ({"subject": "x" * 1001}, "subject"), ({"operationContext": "x" * 5001}, "operationContext"),
            ({"sourceAlternateIdentity": {"value": "12"}}, "sourceAlternateIdentity.value"),
        ):
            with self.subTest(word):
                self.refused(client.post("/calls", {**good, **change}), 400, word)
        self.assertEqual(client.post("/calls", {**good, "whatElse": {"a": [1]}}).status, 200)

    def test_a_request_that_is_framed_twice_is_refused(self):
        host, port = client.address.split(":")
        for extra in ("Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"):
            with socket.create_connection((host, int(port)), 5) as s:
                s.sendall(f"POST /calls HTTP/1.1\r\nHost: {client.address}\r\n{extra}\r\n{{}}".encode())
                self.assertIn(b" 400 ", s.recv(4096).split(b"\r\n")[0])


class Who(Case):
    def test_each_way_to_sign(self):
        for scheme in ("x-ms-date;host;x-ms-content-sha256", DATE, BEARER):
            with self.subTest(scheme):
                self.assertEqual(client.post("/calls", body(), scheme=scheme).status, 200)

    def test_nobody_and_somebody_else(self):
        answer = self.refused(client.post("/calls", body(), scheme=NOBODY), 401)
        self.assertIn("HMAC-SHA256", answer.headers["WWW-Authenticate"])
        stranger = Client(stack.env["CALLCAST_ENDPOINT"], base64.b64encode(b"x" * 32).decode(), "nobody")
        self.refused(stranger.post("/calls", body()), 401)
        self.refused(stranger.post("/calls", body(), scheme=BEARER), 401)
        self.refused(client.post("/calls", body(), headers={"Authorization": "HMAC-SHA256 Signature=x"}), 401)
        self.refused(client.post("/calls", body(), headers={"Authorization": "Basic eDp5"}), 401)

    def test_what_is_signed_is_what_is_done(self):
        wrong = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
        self.refused(client.post("/calls", body(), headers={"x-ms-content-sha256": wrong}), 401)
        call = client.post("/calls", body("+15551000021")).json["callLegId"]
        signed = client.signed("GET", f"/calls/{call}", b"", "x-ms-date;host;x-ms-content-sha256", 0)
        self.assertEqual(client.request("GET", f"/calls/{call}", scheme=NOBODY, headers=signed).status, 200)
        self.refused(client.request("DELETE", f"/calls/{call}", scheme=NOBODY, headers=signed), 401)
        # the body goes wrong after its hash was signed
        raw = json.dumps(body()).encode()
        signed = client.signed("POST", "/calls", raw, "x-ms-date;host;x-ms-content-sha256", 0)
        self.refused(client.post("/calls", raw.replace(b"23", b"24"), scheme=NOBODY, headers=signed), 401)
        client.delete(f"/calls/{call}")

    def test_skew(self):
        for skew, status in ((-14 * 60, 200), (14 * 60, 200), (-16 * 60, 401), (16 * 60, 401)):
            with self.subTest(skew):
                self.assertEqual(client.post("/calls", body(), skew=skew).status, status)

    def test_another_tenants_call_is_no_call(self):
        call = client.post("/calls", body("+15551000021")).json["callLegId"]
        other = self.add_tenant("other")
        for answer in (other.get(f"/calls/{call}", scheme=BEARER), other.delete(f"/calls/{call}", scheme=BEARER),
                       other.post(f"/calls/{call}/Hangup", scheme=BEARER)):
            self.refused(answer, 404)
        own = other.post("/calls", body(source=phone("+15550009999")), scheme=BEARER)
        self.assertEqual(own.status, 200)
        self.assertEqual(other.get(f"/calls/{own.json['callLegId']}", scheme=BEARER).status, 200)
        self.refused(client.get(f"/calls/{own.json['callLegId']}"), 404)
        # nor is one whose tag was made up
        forged = call[:-1] + ("A" if call[-1] != "A" else "B")
        self.refused(client.get(f"/calls/{forged}"), 404)
        self.assertEqual(client.delete(f"/calls/{call}").status, 202)

    def add_tenant(self, name):
        """In the running programs: SIGHUP."""
        key = secrets.token_urlsafe(24)
        path = stack.env["CALLCAST_TENANTS"]
        with open(path) as f:
            tenants = json.load(f)
        tenants["tenants"].append({"name": name, "hosts": [f"{name}.example"],
                                   "bearerKeys": [hashlib.sha256(key.encode()).hexdigest()],
                                   "webhookSecrets": [stack.env["CALLCAST_WEBHOOK_SECRET"]]})
        with open(path + ".new", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            json.dump(tenants, f)
        os.rename(path + ".new", path)
        for program_name in ("producer", "notifier", "worker-1"):
            stack.send_signal(program_name, signal.SIGHUP)
        other = Client(stack.env["CALLCAST_ENDPOINT"], None, key)
        good = wait_until(lambda: other.get("/calls", scheme=BEARER).status == 405, 5)
        self.assertTrue(good, "the new tenant is not known after SIGHUP")
        return other


class Repeats(Case):
    def twice(self, number, headers, again=None):
        first = client.post("/calls", body(number), headers=headers)
        second = client.post("/calls", body(again or number), headers=headers)
        self.assertEqual((first.status, second.status), (200, 200))
        call = first.json["callLegId"]
        self.assertIsNotNone(hooks.wait_end(call))
        return first, second

    def one_dial(self, number, first, second):
        self.assertEqual(first.json, second.json)
        time.sleep(0.3)  # a second dial would be made in this time
        self.assertEqual(len(stack.dials_of(number)), 1)

    def test_repeatability_request_id(self):
        headers = {"Repeatability-Request-ID": str(uuid.uuid4()),
                   "Repeatability-First-Sent": email.utils.formatdate(usegmt=True)}
        first, second = self.twice("+15552000123", headers)
        self.one_dial("+15552000123", first, second)
        self.assertEqual(second.headers["Repeatability-Result"], "accepted")

    def test_idempotency_key(self):
        self.one_dial("+15552000223", *self.twice("+15552000223", {"Idempotency-Key": "order-66"}))

    def test_client_request_id_counts_with_its_body(self):
        headers = {"x-ms-client-request-id": str(uuid.uuid4())}
        self.one_dial("+15552000323", *self.twice("+15552000323", headers))
        third = client.post("/calls", body("+15552000423"), headers=headers)
        self.assertIsNotNone(hooks.wait_end(third.json["callLegId"]))
        self.assertEqual(len(stack.dials_of("+15552000423")), 1)

    def test_the_same_id_with_another_body_does_nothing(self):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        first, second = self.twice("+15552000523", headers, "+15552000623")
        self.one_dial("+15552000523", first, second)
        self.assertEqual(stack.dials_of("+15552000623"), [])

    def test_first_sent_too_long_ago(self):
        headers = {"Repeatability-Request-ID": str(uuid.uuid4()),
                   "Repeatability-First-Sent": email.utils.formatdate(time.time() - 7200, usegmt=True)}
        self.refused(client.post("/calls", body(), headers=headers), 412)

    def test_a_repeated_prompt_is_one_prompt(self):
        call = client.post("/calls", body("+15552000700")).json["callLegId"]
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        headers = {"x-ms-client-request-id": str(uuid.uuid4())}
        answers = [client.post(f"/calls/{call}/PlayAudio", {"audioFileUri": "http://a.example/a.wav"}, headers=headers)
                   for _ in range(3)]
        self.assertEqual({a.status for a in answers}, {202})
        self.assertEqual(len({a.json["id"] for a in answers}), 1)
        self.assertIsNotNone(hooks.wait_event(call, "PlayAudioResult"))
        client.delete(f"/calls/{call}")
        self.assertIsNotNone(hooks.wait_end(call))
        self.assertEqual(hooks.story(call).count("play:completed"), 1)


class Views(Case):
    def test_the_states_of_a_call(self):
        call = client.post("/calls", body("+15553000000", subject="s", operationContext="c")).json["callLegId"]
        self.assertIsNotNone(hooks.wait_state(call, "establishing"))
        seen = client.get(f"/calls/{call}").json
        self.assertEqual((seen["callLegId"], seen["callState"]), (call, "establishing"))
        self.assertEqual(seen["targets"][0]["identifier"],
                         {"rawId": "4:+15553000000", "communicationUser": None, "microsoftTeamsUser": None,
                          **phone("+15553000000")})
        self.assertEqual(seen["operationContext"], "c")
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        seen = client.get(f"/calls/{call}").json
        self.assertEqual(seen["callState"], "established")
        self.assertTrue(seen["establishedAt"])
        client.delete(f"/calls/{call}")
        self.assertIsNotNone(hooks.wait_end(call))
        seen = client.get(f"/calls/{call}").json
        self.assertEqual((seen["callState"], seen["outcome"]), ("terminated", "completed"))
        self.assertEqual(seen["resultInfo"]["subcode"], 560000)

    def test_idle_while_the_command_is_on_its_way(self):
        stack.send_signal("worker-1", signal.SIGSTOP)
        try:
            call = client.post("/calls", body("+15553000123")).json["callLegId"]
            self.assertEqual(client.get(f"/calls/{call}").json["callState"], "idle")
        finally:
            stack.send_signal("worker-1", signal.SIGCONT)
        self.assertIsNotNone(hooks.wait_end(call))

    def test_a_callbacks_query_is_not_shown(self):
        call = client.post("/calls", create_body("+15553000221", hooks.uri("/cb?secret=hush"))).json["callLegId"]
        self.assertIsNotNone(hooks.wait_state(call, "establishing"))
        self.assertNotIn("hush", client.get(f"/calls/{call}").body.decode())
        client.delete(f"/calls/{call}")


class Answers(Case):
    def test_no_webhook_before_the_answer_nor_before_answer_by(self):
        """30 calls, one after the other, so that nobody is late for want of a processor."""
        late = stack.metric("producer", "callcast_http_late_answers_total")
        early = []
        for i in range(30):
            answer = client.post("/calls", body(f"+155540{i:03d}23"))
            call = answer.json["callLegId"]
            self.assertIsNotNone(hooks.wait_end(call))
            first = hooks.of(call)[0]
            self.assertGreater(first.utc - answer.sent_utc, 0.010)  # answerBy is 10 ms after the command came, or later
            if first.mono < answer.received:
                early.append(first.mono - answer.received)
        late = stack.metric("producer", "callcast_http_late_answers_total") - late
        self.assertLessEqual(len(early), late, f"{early}")

    def test_a_prompts_result_comes_after_its_answer(self):
        call = client.post("/calls", body("+15554100000")).json["callLegId"]
        self.assertIsNotNone(hooks.wait_state(call, "established"))
        for i in range(5):
            answer = client.post(f"/calls/{call}/PlayAudio",
                                 {"audioFileUri": "http://a.example/missing.wav", "operationContext": str(i)})
            result = hooks.wait_event(call, "PlayAudioResult", operationContext=str(i))
            self.assertGreater(result.utc - answer.sent_utc, 0.010)
            self.assertGreater(result.mono, answer.received)
        client.delete(f"/calls/{call}")

    def test_too_many_a_second(self):
        """On a second producer of the same stack, which also shows that one knows the other's calls."""
        port, admin = free_port(), free_port()
        command = [program("callcast-producer")] + stack.command_of("producer")[1:]
        for flag, value in (("--http.listen", f"127.0.0.1:{port}"), ("--admin.listen", f"127.0.0.1:{admin}")):
            command[command.index(flag) + 1] = value
        child = stack.start("producer-2", command + ["--http.rate", "3"])
        try:
            self.assertTrue(wait_until(lambda: ready(admin), 20))
            second = Client(f"http://127.0.0.1:{port}", stack.env["CALLCAST_ACCESS_KEY"])
            answers = [second.post("/calls", body("+15555000023")) for _ in range(12)]
            statuses = [a.status for a in answers]
            self.assertIn(200, statuses)
            self.assertIn(429, statuses)
            busy = answers[statuses.index(429)]
            self.assertGreaterEqual(int(busy.headers["Retry-After"]), 1)
            self.refused(busy, 429)
            call = answers[statuses.index(200)].json["callLegId"]
            self.assertEqual(client.get(f"/calls/{call}").status, 200)
        finally:
            child.send_signal(signal.SIGTERM)
            self.assertEqual(child.wait(40), 0)


def ready(port):
    try:
        return get(f"127.0.0.1:{port}", "/readyz")[0] == 200
    except OSError:
        return False
