# story.py - docker-compose.yml as a user meets it: up, a call, three workers, one of them killed, down and up again, gone
#
# usage: tests/containers/story.py        from the folder of docker-compose.yml; DOCKER_HOST: any engine on this machine
#
# Nothing of the file is changed: what this needs to know of the stack it asks the stack.
# The app that takes the webhooks is here, outside of the containers.
import hashlib
import ipaddress
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.dont_write_bytecode = True
from client import Client, create_body  # noqa: E402
from receiver import Receiver, faults_of_delivery  # noqa: E402

PROJECT = "callcast-test"
COMPOSE = [*shlex.split(os.environ.get("COMPOSE", "docker-compose")), "-p", PROJECT]
DAEMONS = ("kafka", "redis", "producer", "worker", "notifier")
PROGRAMS = ("producer", "worker", "notifier")
CALLS_MAX, CALLS_APART = 2000, 0.05
UP_SECONDS, END_SECONDS = 180, 60
AFTER_KILL_SECONDS = 10  # more than a dead worker's session


def run(*words, check=True, text=""):
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def compose(*words, **more):
    return run(*COMPOSE, *words, **more)


def inspect(name):
    return json.loads(run("docker", "inspect", name))[0]


def containers(service):
    """Of that service, those that run."""
    listed = run("docker", "ps", "-q", "--filter", f"label=com.docker.compose.project={PROJECT}",
                 "--filter", f"label=com.docker.compose.service={service}")
    return [inspect(name) for name in listed.split()]


def is_healthy(container):
    return container["State"].get("Health", {}).get("Status") == "healthy"


def wait_healthy(workers=1):
    limit = time.monotonic() + UP_SECONDS
    while True:
        running = {service: containers(service) for service in DAEMONS}
        if len(running["worker"]) == workers and all(c and all(map(is_healthy, c)) for c in running.values()):
            return
        if time.monotonic() > limit:
            states = {s: [c["State"].get("Health") for c in cs] for s, cs in running.items()}
            raise AssertionError(f"not healthy: {json.dumps(states)}\n{compose('logs', '--no-color', '--tail=20')}")
        time.sleep(0.2)


def up():
    began = time.monotonic()
    compose("up", "-d", "--no-build")
    wait_healthy()
    return time.monotonic() - began


class Story:
    """Each step stands on the one before; the first that fails is the last."""

    def __init__(self):
        bridge = json.loads(run("docker", "network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
        # host.docker.internal: this machine, as containers see it
        self.gateway = bridge.get("Gateway") or str(ipaddress.ip_network(bridge["Subnet"])[1])
        # the one inside address that webhooks may reach here
        os.environ["CALLCAST_CALLBACKS_ALLOW"] = self.gateway + "/32"
        self.calls = []
        self.refused = None

    def keys(self):
        text = compose("run", "--rm", "-T", "keys", "callcast-keys", "show")
        return dict(word.split("=", 1) for word in shlex.split(text))

    def create(self, number):
        answer = self.client.persist("POST", "/calls", create_body(
            number, self.hooks.uri(host="host.docker.internal"), digits=False))
        assert answer and answer.status == 200, answer
        return answer.json["callLegId"]

    # ---- the steps ----

    def up_until_healthy(self):
        print(f"# healthy {up():.1f} s after `up -d`, images there")
        self.env = self.keys()
        self.client = Client(self.env["CALLCAST_ENDPOINT"], self.env["CALLCAST_ACCESS_KEY"])
        self.hooks = Receiver(self.env["CALLCAST_WEBHOOK_SECRET"], self.gateway)

    def nobody_is_root_or_can_write(self):
        for service in DAEMONS:
            for container in containers(service):
                with open(f"/proc/{container['State']['Pid']}/status") as file:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
                assert status["Uid"].split()[0] != "0", service
                assert int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0, service
                assert status["NoNewPrivs"] == "1", service
        for service in ("redis", *PROGRAMS):
            name = containers(service)[0]["Id"]
            assert run("docker", "exec", name, "sh", "-c", "touch /tmp/x /x 2>/dev/null || echo no", check=False) == "no\n"
        modes = run("docker", "exec", containers("producer")[0]["Id"], "stat", "-c", "%a %u", "/keys", "/keys/tenants.json", "/keys/env")
        assert modes.split("\n") == ["700 10001", "600 10001", "600 10001", ""], modes

    def only_the_api_is_published(self):
        for service in DAEMONS:
            ports = [p for p in containers(service)[0]["NetworkSettings"]["Ports"].values() if p]
            wanted = [[{"HostIp": "127.0.0.1", "HostPort": "8080"}]] if service == "producer" else []
            assert ports == wanted, (service, ports)

    def no_key_is_in_a_log_or_in_what_inspect_shows(self):
        seen = compose("logs", "--no-color") + "".join(json.dumps(c) for s in DAEMONS for c in containers(s))
        for name in ("CALLCAST_ACCESS_KEY", "CALLCAST_BEARER", "CALLCAST_WEBHOOK_SECRET"):
            assert self.env[name] not in seen, name

    def a_call_and_its_webhooks(self):
        call = self.create("+15555550110")
        assert self.hooks.wait_end(call, 20), self.hooks.story(call)
        assert self.hooks.story(call) == ["establishing", "established", "terminating", "terminated"], self.hooks.story(call)
        shown = compose("exec", "-T", "producer", "callcast", "show", call)
        assert "terminated" in shown and "5555550110" not in shown, shown
        # as README's section has it: the tool and the keys are in there
        told = compose("exec", "-T", "producer", "callcast-keys", "run", "callcast", "call", "create", "--to", "+15555550110",
                       "--callback", self.hooks.uri(host="host.docker.internal"), "--wait")
        assert "established" in told, told
        stranger = Client(self.env["CALLCAST_ENDPOINT"], bearer="nobody's").get(f"/calls/{call}", scheme="bearer")
        assert stranger.status == 401, stranger
        self.calls.append(call)

    def three_workers_one_is_killed_and_calls_go_on(self):
        enough = threading.Event()
        thread = threading.Thread(target=self.make_calls, args=(enough,), daemon=True)
        thread.start()
        compose("up", "-d", "--no-build", "--no-recreate", "--scale", "worker=3")
        wait_healthy(3)
        victim = containers("worker")[0]
        live = [call for call in list(self.calls) if not self.has_ended(call)]
        assert live, "nothing was going on"
        # its process, not `docker kill`: that counts as asked for, and is not started again
        os.kill(victim["State"]["Pid"], 9)
        time.sleep(AFTER_KILL_SECONDS)
        enough.set()
        thread.join(60)
        assert not thread.is_alive() and self.refused is None, self.refused
        assert self.hooks.wait(lambda: all(map(self.has_ended, self.calls)), END_SECONDS), "calls did not end"
        faults = [f for call in self.calls for f in faults_of_delivery(self.hooks.of(call))]
        assert not faults and not self.hooks.faults, (faults, self.hooks.faults)
        wait_healthy(3)
        assert inspect(victim["Id"])["RestartCount"] == 1
        print(f"# {len(live)} calls were live when the worker was killed")
        self.say_outcomes()

    def make_calls(self, enough):
        for n in range(CALLS_MAX):
            try:
                self.calls.append(self.create(f"+1555{n:05d}{(10, 20, 23, 30)[n % 4]}"))
            except AssertionError as fault:
                self.refused = fault
            if enough.wait(CALLS_APART):
                break

    def has_ended(self, call):
        return any(p.data.get("callState") == "terminated" for p in self.hooks.by_call.get(call, []))

    def say_outcomes(self):
        outcomes = {}
        for call in self.calls:
            outcome = self.hooks.wait_end(call, 1).data["outcome"]
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        print(f"# {len(self.calls)} calls, {len(self.hooks.posts)} webhooks: {outcomes}")
        assert set(outcomes) <= {"completed", "busy", "noSuchNumber", "unknown"}, outcomes

    def down_and_up_keeps_keys_and_calls(self):
        began = time.monotonic()
        compose("down")
        print(f"# down in {time.monotonic() - began:.1f} s; healthy again {up():.1f} s after `up -d`")
        assert self.keys() == self.env
        answer = self.client.get(f"/calls/{self.calls[0]}")
        assert answer.status == 200 and answer.json["outcome"] == "completed", answer
        call = self.create("+15555550120")
        assert self.hooks.wait_end(call, 20)

    def ones_own_tenants_file(self):
        producer = containers("producer")[0]["Id"]
        tenants = json.loads(run("docker", "exec", producer, "cat", "/keys/tenants.json"))
        tenants["tenants"][0]["bearerKeys"].append(hashlib.sha256(b"mine").hexdigest())
        mine = Client(self.env["CALLCAST_ENDPOINT"], bearer="mine")
        assert mine.get(f"/calls/{self.calls[0]}", scheme="bearer").status == 401
        compose("run", "--rm", "-T", "keys", "callcast-keys", "put", text=json.dumps(tenants))
        compose("kill", "-s", "HUP", "producer", "notifier")
        limit = time.monotonic() + 10
        while (answer := mine.get(f"/calls/{self.calls[0]}", scheme="bearer")).status == 401 and time.monotonic() < limit:
            time.sleep(0.1)
        assert answer.status == 200, answer

    def every_program_ends_well(self):
        running = [(s, c["Id"]) for s in PROGRAMS for c in containers(s)]
        compose("stop")
        codes = {s: inspect(name)["State"]["ExitCode"] for s, name in running}
        assert set(codes.values()) == {0}, codes

    def down_with_volumes_leaves_nothing(self):
        compose("down", "-v")
        label = f"label=com.docker.compose.project={PROJECT}"
        left = [run("docker", *what, "-q", "--filter", label) for what in (("ps", "-a"), ("volume", "ls"), ("network", "ls"))]
        assert left == ["", "", ""], left


def main():
    story, passed, failed = Story(), 0, 0
    steps = [story.up_until_healthy, story.nobody_is_root_or_can_write, story.only_the_api_is_published,
             story.a_call_and_its_webhooks, story.three_workers_one_is_killed_and_calls_go_on,
             story.no_key_is_in_a_log_or_in_what_inspect_shows, story.down_and_up_keeps_keys_and_calls,
             story.ones_own_tenants_file, story.every_program_ends_well, story.down_with_volumes_leaves_nothing]
    for step in steps:
        began = time.monotonic()
        try:
            step()
        except BaseException as fault:  # ^C and SIGTERM, too: nothing is left behind
            failed = 1
            print(f"{type(fault).__name__}: {fault}\n[  FAILED  ] {step.__name__}", flush=True)
            compose("down", "-v", check=False)
            if not isinstance(fault, Exception):
                raise
            break
        passed += 1
        print(f"[       OK ] {step.__name__:50} {time.monotonic() - began:5.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
