# nodes.py - the Kafka of the runs: one node or three, from tests/kafka
import os
import shutil
import subprocess

from processes import RUNS, TREE, environment, process_state, with_parent


class Kafka:
    """One node or three, reused over all seeds.  A node that was killed comes back as it was."""

    def __init__(self, nodes):
        self.dir = os.path.join(RUNS, f"kafka-{os.getpid()}")
        self.script = os.path.join(TREE, "tests/kafka/kafka.sh")
        self.children = {}
        done = subprocess.run([self.script, "start", self.dir, "--nodes", str(nodes)], text=True, env=environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"kafka.sh start: {done.returncode}: {done.stderr}")
        self.bootstrap = done.stdout.split("bootstrap=")[1].strip()
        self.nodes = list(range(1, nodes + 1))
        self.commands = {n: self.command_of(n) for n in self.nodes}
        self.ports = [int(a.rsplit(":", 1)[1]) for a in self.bootstrap.split(",")]

    def pid(self, node):
        with open(os.path.join(self.dir, f"kafka-{node}.pid")) as f:
            return int(f.read())

    def command_of(self, node):
        with open(f"/proc/{self.pid(node)}/cmdline") as f:
            return f.read().split("\0")[:-1]

    def signal(self, node, what):
        os.kill(self.pid(node), what)

    def ended(self, node):
        if node in self.children:
            return self.children[node].poll() is not None
        return process_state(self.pid(node)) in ("", "Z")

    def start(self, node):
        """The same command again; pid and start time are written as kafka.sh expects them."""
        with open(os.path.join(self.dir, f"kafka-{node}.log"), "a") as log:
            child = subprocess.Popen(self.commands[node], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     env=environment(), start_new_session=True, preexec_fn=with_parent)
        self.children[node] = child
        with open(f"/proc/{child.pid}/stat") as f:
            ticks = f.read().rsplit(") ", 1)[1].split()[19]
        with open("/proc/sys/kernel/random/boot_id") as f:
            boot = f.read().strip()
        with open(os.path.join(self.dir, f".kafka-{node}.started"), "w") as f:
            f.write(f"{ticks} {boot}\n")
        with open(os.path.join(self.dir, f"kafka-{node}.pid"), "w") as f:
            f.write(f"{child.pid}\n")

    def answers(self):
        done = subprocess.run(["kcat", "-L", "-b", self.bootstrap, "-m", "2"], capture_output=True, text=True)
        listed = sum(line.startswith("  broker ") for line in done.stdout.splitlines())
        return done.returncode == 0 and listed == len(self.nodes)

    def know(self, prefix, count):
        """Every node by itself has heard of so many topics of that prefix."""
        for port in self.ports:
            done = subprocess.run(["kcat", "-L", "-b", f"127.0.0.1:{port}", "-m", "2"], capture_output=True, text=True)
            if done.stdout.count(f'topic "{prefix}') < count:
                return False
        return True

    def stop(self):
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
                child.wait()
        subprocess.run([self.script, "stop", self.dir], env=environment(), timeout=60, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
