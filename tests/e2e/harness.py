# harness.py - the stack of one test: up, down, its processes killed and started again, its metrics, ledger, topics
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

from client import Client
from receiver import Receiver

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN_DIR", os.path.join(TREE, "build/bin")))
RUNS = os.path.join(os.path.dirname(BIN), "e2e")
BROKER = os.environ.get("BROKER", "mock")
STACK_SECONDS = 200

# short, so that a life of a call fits into a test
QUICK = {
    "CALLCAST_SIM_RING": "200ms",
    "CALLCAST_SIM_PRESS": "100ms",
    "CALLCAST_SIM_TALK": "600ms",
    "CALLCAST_SIM_PROMPT": "300ms",
}

direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_until(done, seconds, pause=0.02):
    """What done() answered once that is true; its last answer when the time is up."""
    limit = time.monotonic() + seconds
    while True:
        answer = done()
        if answer or time.monotonic() >= limit:
            return answer
        time.sleep(pause)


def program(name):
    return os.path.join(BIN, name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def port_is_open(address):
    host, port = address.rsplit(":", 1)
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((host, int(port))) == 0


def process_started(pid):
    """As local/process.sh writes it down: start time and boot; "": no such process, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            words = f.read().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return ""
    with open("/proc/sys/kernel/random/boot_id") as f:
        return "" if words[0] == "Z" else f"{words[19]} {f.read().strip()}"


def environment(settings):
    """The caller's, without settings of ours: a test's result must not hang on the shell it ran in."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CALLCAST_") or k == "CALLCAST_CACHE"}
    for name in ("KAFKA", "REDIS", "WORKERS", "REDIS_KEEP"):
        env.pop(name, None)
    env.update({"BIN_DIR": BIN, "BROKER": BROKER, "READY_SECONDS": "90"})
    env.update(settings)
    return env


class Stack:
    """`name` is its folder under build/e2e; settings are CALLCAST_* and stack.sh's own."""

    def __init__(self, name, **settings):
        self.dir = os.path.join(RUNS, f"{name}-{BROKER}")
        self.settings = settings
        self.env = {}
        self.children = {}  # name: Popen, of those that we started ourselves
        self.receivers = []

    # ---- up and down ----

    def script(self, word):
        env = environment({**self.settings, "RUN_DIR": self.dir})
        done = subprocess.run([os.path.join(TREE, "local/stack.sh"), word], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=STACK_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(f"stack.sh {word} failed ({done.returncode}):\n{done.stdout}")
        return done.stdout

    def up(self):
        if os.path.isdir(self.dir):
            self.script("down")  # of a run that was killed
            shutil.rmtree(self.dir)
        os.makedirs(self.dir)
        self.script("up")
        self.read_env()
        return self

    def read_env(self):
        with open(os.path.join(self.dir, "env")) as f:
            words = shlex.split(f.read(), comments=True)
        self.env = dict(w.split("=", 1) for w in words)

    def down(self):
        """Also says what is left over, as text; "" is good."""
        for receiver in self.receivers:
            receiver.close()
        pids = {name: self.pid(name) for name in self.names()}
        ports = self.ports()
        self.script("down")
        for child in self.children.values():
            child.wait(30)
        left = [f"{name} still runs as {pid}" for name, pid in pids.items() if process_started(pid)]
        left += [f"{address} still answers" for address in ports if port_is_open(address)]
        return "; ".join(left)

    def ports(self):
        # where calls report is an app's own, and nobody's here
        text = " ".join(value for name, value in self.env.items() if name != "CALLCAST_API_CALLBACK")
        return sorted(set(re.findall(r"127\.0\.0\.1:\d+", text)))

    # ---- processes ----

    def names(self):
        return sorted(f[:-4] for f in os.listdir(self.dir) if f.endswith(".pid"))

    def workers(self):
        """Those that run, oldest first."""
        names = [n for n in self.names() if n.startswith("worker-") and self.runs(n)]
        return sorted(names, key=lambda n: int(n.split("-")[1]))

    def pid(self, name):
        with open(os.path.join(self.dir, name + ".pid")) as f:
            return int(f.read())

    def runs(self, name):
        with open(os.path.join(self.dir, f".{name}.started")) as f:
            return f.read().strip() == process_started(self.pid(name)) != ""

    def send_signal(self, name, what):
        if self.runs(name):
            os.kill(self.pid(name), what)

    def kill(self, name):
        """kill -9, and it is gone when this returns."""
        pid = self.pid(name)
        self.send_signal(name, signal.SIGKILL)
        if name in self.children:
            self.children[name].wait(10)
        wait_until(lambda: not process_started(pid), 10, 0.005)

    def add_worker(self):
        self.script("add-worker")
        self.read_env()
        return self.workers()[-1]

    def redis_command(self):
        """As stack.sh starts it with REDIS_KEEP=yes; it writes its own title over its command line."""
        return ["redis-server", "--port", self.env["CALLCAST_REDIS"].split(":")[1], "--bind", "127.0.0.1", "--dir",
                os.path.join(self.dir, "redis"), "--save", "", "--appendonly", "yes", "--appendfsync", "always"]

    def command_of(self, name):
        with open(f"/proc/{self.pid(name)}/cmdline") as f:
            return f.read().split("\0")[:-1]

    def start(self, name, command):
        """Under that name, as a child of ours, so that its exit status can be had."""
        settings = {k: v for k, v in self.settings.items() if k.startswith("CALLCAST_")}
        group = os.path.join(self.dir, ".group.session")
        if os.path.exists(group):
            with open(group) as f:
                settings.setdefault("CALLCAST_GROUP_SESSION", f.read().strip())
        with open(os.path.join(self.dir, name + ".log"), "a") as log:
            child = subprocess.Popen(command, env=environment(settings), stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=log, start_new_session=True)
        self.children[name] = child
        with open(os.path.join(self.dir, f".{name}.started"), "w") as f:
            f.write(process_started(child.pid) + "\n")
        with open(os.path.join(self.dir, name + ".pid"), "w") as f:
            f.write(f"{child.pid}\n")
        return child

    def restart(self, name, how=signal.SIGKILL, ready=True):
        """Ends it that way and starts the same again."""
        command = self.command_of(name)
        pid = self.pid(name)
        self.send_signal(name, how)
        if name in self.children:
            self.children[name].wait(60)
        if not wait_until(lambda: not process_started(pid), 60, 0.005):
            raise RuntimeError(f"{name} did not end")
        child = self.start(name, command)
        if ready:
            self.wait_ready(name)
        return child

    def admin(self, name):
        if name in ("producer", "notifier"):
            return self.env[f"CALLCAST_{name.upper()}_ADMIN"]
        with open(os.path.join(self.dir, f".{name}.admin")) as f:
            return f.read().strip()

    def is_ready(self, name):
        try:
            return get(self.admin(name), "/readyz")[0] == 200
        except OSError:
            return False

    def wait_ready(self, name, seconds=40):
        if name in ("redis", "broker"):
            key = {"redis": "CALLCAST_REDIS", "broker": "CALLCAST_KAFKA"}[name]
            good = wait_until(lambda: port_is_open(self.env[key]), seconds)
        else:
            good = wait_until(lambda: self.is_ready(name), seconds)
        if not good:
            raise RuntimeError(f"{name} is not ready after {seconds} s:\n{self.log_tail(name)}")

    def log(self, name):
        with open(os.path.join(self.dir, name + ".log"), errors="replace") as f:
            return f.read()

    def log_tail(self, name, lines=15):
        return "\n".join(self.log(name).splitlines()[-lines:])

    # ---- what a test talks to ----

    def client(self, **more):
        return Client(self.env["CALLCAST_ENDPOINT"], self.env["CALLCAST_ACCESS_KEY"],
                      self.env["CALLCAST_BEARER"], **more)

    def receiver(self, host="127.0.0.1"):
        envelope = self.settings.get("CALLCAST_CALLBACKS_ENVELOPE", "cloudevents")
        receiver = Receiver(self.env["CALLCAST_WEBHOOK_SECRET"], host, envelope)
        self.receivers.append(receiver)
        return receiver

    def metric(self, name, series):
        """The sum of the series whose text begins with `series`."""
        total = 0.0
        for line in get(self.admin(name), "/metrics")[1].splitlines():
            if line.startswith(series):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def dials(self):
        """[(dial id, number, worker)] of the simulated phones' ledger."""
        try:
            with open(self.env["CALLCAST_SIM_LEDGER"]) as f:
                words = [line.split() for line in f]
        except FileNotFoundError:
            return []
        return [(w[0], w[1], w[3]) for w in words]

    def dials_of(self, number):
        return [d for d in self.dials() if d[1] == number]

    def tool(self, *words, seconds=30):
        places = ["--kafka", self.env["CALLCAST_KAFKA"], "--redis", self.env["CALLCAST_REDIS"]]
        return run([program("callcast"), *words, *places], seconds)

    def show(self, call):
        """The call's record and events, as `callcast show` has them; whole numbers."""
        done = self.tool("show", call, "--json", "--full")
        if done.returncode != 0:
            raise RuntimeError(f"callcast show {call}: {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def keys_of(self, topic):
        """The keys of all records of a topic."""
        done = run(["kcat", "-C", "-b", self.env["CALLCAST_KAFKA"], "-t", topic, "-o", "beginning", "-e", "-q",
                    "-f", "%k\\n"], 20)
        return done.stdout.split()


def run(command, seconds=30, **settings):
    return subprocess.run(command, env=environment(settings), text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)


def get(address, path):
    """Status and text; OSError: nobody answers."""
    try:
        with direct.open(f"http://{address}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as fault:
        return fault.code, fault.read().decode()
