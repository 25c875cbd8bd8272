# run.py - one run per seed: bring up, load, hurt, settle, drain, judge; see run.sh
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]

import checker  # noqa: E402
import faults  # noqa: E402
import history as past  # noqa: E402
from fleet import Fleet  # noqa: E402
from load import Load  # noqa: E402
from nodes import Kafka  # noqa: E402
from processes import RUNS  # noqa: E402
from receiver import Receiver  # noqa: E402
from summary import Summary, tell  # noqa: E402

LOAD_SECONDS = 7
SETTLE_SECONDS = 90  # a machine that others use too may stand still for a while


def wait_until(done, seconds, director=None, pause=0.02):
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        if director:
            director.turn()
        time.sleep(pause)
    return True


def silent(text):
    """What a check says, or that it could not be made."""
    try:
        return text()
    except OSError as fault:
        return f"no answer: {fault}"


def undelivered(fleet, receiver):
    """Numbers on the topic that no endpoint has taken yet."""
    taken = {(p.call, p.number) for p in list(receiver.posts) if p.status < 300}
    told = {(e["callLegId"], e["number"]) for e in fleet.dump("events") if e["number"]}
    return len(told - taken)


def settle(fleet, load, receiver, director):
    """Faults are over.  What is not as it should be when the time is up, as a list of texts."""
    limit = time.monotonic() + SETTLE_SECONDS
    left = []

    def wait(what, done, pause=0.1):
        if not wait_until(done, max(limit - time.monotonic(), 1), director, pause):
            left.append(what())

    director.settle()
    wait(lambda: "the load did not end", load.over)
    wait(lambda: "Kafka is not whole", fleet.kafka.answers, 0.3)
    wait(lambda: f"not ready: {fleet.wait_ready(1)}", lambda: not fleet.wait_ready(0.5))
    commands = fleet.dump("commands")
    wait(lambda: f"commands not told: {silent(lambda: past.behind(fleet, commands))}",
         lambda: not silent(lambda: past.behind(fleet, commands)))
    wait(lambda: f"not over: {silent(lambda: past.quiet(fleet))}", lambda: not silent(lambda: past.quiet(fleet)))
    wait(lambda: f"{undelivered(fleet, receiver)} events not delivered", lambda: not undelivered(fleet, receiver), 0.3)
    return left


def script_receiver(receiver):
    """/flaky refuses some, and is slow at others; each of those is sent again."""
    steps = [200, 200, 503, 200, (200, {}, 0.05), 200, 500, 200, 200, (200, {}, 0.2)] * 200
    receiver.script("/flaky", *steps, 200)


def run_seed(seed, kafka, directory, options):
    prefix = f"chaos-{os.getpid()}-{seed}-"
    fleet = Fleet(directory, kafka, prefix)
    receiver = Receiver(fleet.webhook_secret)
    load = director = None
    try:
        script_receiver(receiver)
        fleet.up(faults.WORKERS)
        late = fleet.wait_ready()
        if late:
            raise RuntimeError(f"not ready: {late}; logs in {directory}")
        load = Load(seed, fleet, receiver, options.seconds, options.rate)
        director = faults.Director(fleet, seed, options.seconds, options.only)
        load.start()
        wait_until(lambda: load.over() and director.over(), options.seconds + 60, director, 0.005)
        unsettled = settle(fleet, load, receiver, director)
        metrics = fleet.metrics()
        director.quiet = True
        load.stop()
        unsettled += [f"{name} did not drain" for name in fleet.drain()]
        return past.gather(fleet, load, receiver, director,
                           {"seed": seed, "nodes": len(kafka.nodes), "unsettled": unsettled, "metrics": metrics})
    finally:
        if load:
            load.giving_up.set()
        if director:
            director.quiet = True
        fleet.down()
        receiver.close()


def fresh(directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    return directory


def keep(directory, history):
    with open(os.path.join(directory, "history.json"), "w") as f:
        json.dump(history, f, indent=1)


def one(seed, kafka, options):
    """True: no violation; the report, None: the harness failed; the violations."""
    directory = fresh(os.path.join(RUNS, f"seed-{seed}" + ("-3" if len(kafka.nodes) > 1 else "")))
    began = time.monotonic()
    again = f"make chaos SEED={seed} NODES={len(kafka.nodes)}"
    try:
        history = run_seed(seed, kafka, directory, options)
        keep(directory, history)
        violations, report = checker.check(history)
    except Exception as fault:  # pylint: disable=broad-except
        print(f"seed {seed}: FAILED: the harness: {fault!r}")
        traceback.print_exc(file=sys.stdout)
        print(f"    kept in {directory}; repeat with: {again}")
        return False, None, []
    keep(directory, {**history, "violations": violations, "report": report})
    seconds = time.monotonic() - began
    what = ", ".join(sorted({f["what"].split(" for ")[0].split(" worker-")[0] for f in history["faults"]
                             if f["what"].startswith(("kill", "SIGSTOP", "SIGTERM kafka", "scale"))}))
    print(f"seed {seed}: {'ok' if not violations else 'FAILED'} {seconds:.1f} s, {report['calls']} calls, "
          f"{report['dials']} dials, {report['webhooks']} webhooks, {report['takeovers']} takeovers, unknown "
          f"{report['unknown by cause']}, rang late {report['rang after unknown']}, p99 late {report['late p99 s']} s"
          f", machine stood still {report['stood still s']} s ({what})")
    if violations:
        tell(violations, directory, again)
    elif not options.keep:
        shutil.rmtree(directory)
    try:
        Fleet.tool(type("Topics", (), {"kafka": kafka, "prefix": f"chaos-{os.getpid()}-{seed}-"}), "callcast-dump",
                   "drop")
    except RuntimeError as fault:
        print(f"    topics not deleted: {fault}")
    return not violations, report, violations


def run_own_tests():
    """Passed and failed tests of the harness's own parts."""
    passed = failed = 0
    for name in ("test_checker.py", "test_proxy.py", "test_summary.py"):
        done = subprocess.run([sys.executable, os.path.join(HERE, name)], text=True, capture_output=True, check=False)
        lines = done.stderr.splitlines()
        bad = sum(line.endswith(("... FAIL", "... ERROR")) for line in lines)
        passed += sum(line.endswith("... ok") for line in lines)
        failed += max(bad, int(done.returncode != 0))
        print(done.stderr if done.returncode else f"{name}: {lines[-3]}")
    return passed, failed


def parse():
    p = argparse.ArgumentParser(prog="run.sh")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--runs", type=int, default=1)
    p.add_argument("--seeds", help="these instead, with commas")
    p.add_argument("--nodes", type=int, default=1, choices=(1, 3))
    p.add_argument("--seconds", type=float, default=LOAD_SECONDS, help="of load")
    p.add_argument("--rate", type=float, default=20, help="calls a second")
    p.add_argument("--only", type=lambda text: text.split(","), help="kinds of faults, with commas; '' for none")
    p.add_argument("--own-tests", action="store_true", help="those of the checker and the proxy first")
    p.add_argument("--keep", action="store_true", help="directories of good seeds too")
    return p.parse_args()


def interrupted(signo, _frame):
    raise KeyboardInterrupt(signo)


def main():
    options = parse()
    seeds = [int(s) for s in options.seeds.split(",")] if options.seeds else \
        range(options.seed, options.seed + options.runs)
    signal.signal(signal.SIGTERM, interrupted)
    passed, failed = run_own_tests() if options.own_tests else (0, 0)
    os.makedirs(RUNS, exist_ok=True)
    kafka = Kafka(options.nodes)
    summary = Summary(options.nodes)
    try:
        for seed in seeds:
            good, report, violations = one(seed, kafka, options)
            passed, failed = passed + good, failed + (not good)
            summary.add(seed, report, violations)
    finally:
        kafka.stop()
        print(summary.text())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
