"""soak.py - see soak.sh: CALLS calls that are all up at once, every operation done to each, twice, and what that takes

usage: soak.py RUN_DIR     the folder of a stack that is up; CALLS, RATE, ROUNDS as in soak.sh
"""
import asyncio
import collections
import gc
import os
import pathlib
import re
import shlex
import sys
import time
import types
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/e2e"))
from client import Client  # noqa: E402
from receiver import faults_of_delivery, word_of  # noqa: E402
from sample_program import PROMPT, App, Report, Settings  # noqa: E402

CALLS, RATE, ROUNDS = (int(os.environ.get(name, default)) for name, default in
                       (("CALLS", "10000"), ("RATE", "300"), ("ROUNDS", "2")))
SECONDS = 60 + 6 * CALLS // RATE  # a round may take so long
SETTLE = 5  # s until memory is looked at, after a round
GROWTH, SLACK = 1.1, 4096  # a second round may take so much more than the first: a factor, and KB

BEGIN, END = "establishing established people:1 tone1 play:completed ", " terminating terminated"
# what is done with a call once all are up, how many of 20, and what its app is told
KINDS = {
    "left": (8, BEGIN + "invite:completed people:2" + END),
    "removed": (4, BEGIN + "invite:completed people:2 people:1" + END),
    "busy": (3, BEGIN + "invite:failed" + END),
    "deleted": (3, BEGIN + "invite:completed people:2" + END),
    "heard": (2, BEGIN + "tone1 play:completed" + END),
}
ORDER = [kind for kind, (share, _) in KINDS.items() for _ in range(share)]


class Call(Report):
    """The sample program's call, which waits at the digit until all calls are up; then goes the way of its kind."""

    def __init__(self, app, index, kind, gate):
        callee = f"+1{570 + index % 10}{index:07d}01"
        guest = f"+1{580 + index % 10}{index:07d}{20 if kind == 'busy' else 0:02d}"
        super().__init__(app, callee, guest, Settings(SECONDS, 0))
        self.kind, self.gate = kind, gate

    async def conversation(self):
        await self.create()
        self.subscribe("DtmfReceived", self.call, self.on_tone)
        if await self.play():
            await getattr(self, self.kind)()
        else:
            self.done.append("its prompt failed")
            await self.hang_up()

    async def left(self):
        """The app hangs up while two talk."""
        await self.invite()
        await self.hang_up()

    busy = left

    async def deleted(self):
        await self.invite()
        await self.ask("DELETE", "")

    async def removed(self):
        await self.invite()
        await self.remove(self.invited)
        await self.hang_up()

    async def heard(self):
        """A second prompt, to its end; then the only one is removed."""
        heard = asyncio.get_running_loop().create_future()
        context = self.context("PlayAudioResult")
        await self.ask("POST", "/PlayAudio", {"audioFileUri": PROMPT, "operationContext": context})
        self.subscribe("PlayAudioResult", context, lambda data: heard.done() or heard.set_result(True))
        await heard
        self.app.dispatcher.unsubscribe("PlayAudioResult", context)
        await self.remove(self.number)

    async def remove(self, number):
        listed = await self.ask("GET", "/participants")
        for one in listed["value"]:
            if one["identifier"]["rawId"].endswith(number):
                await self.ask("DELETE", "/participants/" + one["participantId"])


def kept(post):
    """What the checks look at, of an event: a whole one of each would be most of this program's memory."""
    data = {name: post.data[name] for name in ("callState", "operationContext", "outcome") if name in post.data}
    return types.SimpleNamespace(number=post.number, id=post.id, body=hash(post.body), type=post.type, data=data,
                                 status=post.status, word=word_of(post))


# ---- memory ----

def pids(folder):
    names = ("producer", "worker-*", "notifier", "broker", "redis")
    return {path.stem: int(path.read_text()) for name in names for path in sorted(folder.glob(name + ".pid"))}


def resident(pid):
    """In KB."""
    return int(re.search(r"^VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


class Memory:
    """Of each program: columns of what it had, and the highest since it was last asked."""

    def __init__(self, folder):
        self.pids = pids(folder)
        self.columns = {}
        self.highest = collections.Counter()

    def look(self):
        now = {name: resident(pid) for name, pid in self.pids.items()}
        self.highest |= collections.Counter(now)
        return now

    async def watch(self):
        while True:
            self.look()
            await asyncio.sleep(0.5)

    def note(self, column):
        self.columns[column] = self.look()

    def note_highest(self, column):
        self.columns[column], self.highest = dict(self.highest), collections.Counter()

    def table(self):
        yield "MB resident  " + "".join(f"{column:>10}" for column in self.columns)
        for name in self.pids:
            yield f"  {name:11}" + "".join(f"{column[name] / 1024:10.1f}" for column in self.columns.values())

    def faults(self):
        """Programs of ours that took more for the last round than for the first."""
        for what in ("peak", "after"):
            first, last = self.columns[f"{what} 1"], self.columns[f"{what} {ROUNDS}"]
            for name in self.pids:
                if name not in ("broker", "redis") and last[name] > first[name] * GROWTH + SLACK:
                    yield f"{name} grew, {what}: {first[name]} KB, then {last[name]}"


# ---- a round ----

def late_answers(env):
    """Answers that took longer than answerBy allowed: only then may an event come first."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://{env['CALLCAST_PRODUCER_ADMIN']}/metrics", timeout=10) as answer:
        return int(re.search(r"^callcast_http_late_answers_total (\d+)", answer.read().decode(), re.M)[1])


def is_up(call):
    """Its prompt plays, its digit was pressed, and it waits."""
    return call.pressed.done()


async def paced(items, act):
    began = time.monotonic()
    for i, item in enumerate(items):
        wait = began + i / RATE - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        act(item)


async def a_round(app, turn):
    """The calls, ended or late; how long it took until all were up, and until all had ended."""
    base = turn * CALLS
    calls = [Call(app, base + i, ORDER[i % len(ORDER)], asyncio.Event()) for i in range(CALLS)]
    tasks, began = [], time.monotonic()
    await paced(calls, lambda call: tasks.append(asyncio.create_task(call.run())))
    limit = began + SECONDS
    while not all(map(is_up, calls)) and time.monotonic() < limit:
        await asyncio.sleep(0.2)
    # one that has ended already was not up with the others
    up, all_up = sum(is_up(c) and not c.terminated.done() for c in calls), time.monotonic() - began
    print(f"round {turn + 1}: {up} of {CALLS} calls up at once after {all_up:.1f} s", flush=True)
    await paced(calls, lambda call: call.gate.set())
    done, late = await asyncio.wait(tasks, timeout=max(1, limit - time.monotonic()))
    print(f"round {turn + 1}: {len(done)} ended after {time.monotonic() - began:.1f} s, "
          f"{sum(map(len, app.hooks.posts.values()))} webhooks so far", flush=True)
    for task in late:
        task.cancel()
    faults = [] if up == CALLS else [f"{CALLS - up} calls were not up with the others"]
    faults += [f"{t.exception()!r}" for t in done if t.exception()]
    return calls, faults


def faults_of(app, call):
    posts = app.hooks.posts.get(call.call, [])
    words, wanted = " ".join(p.word for p in posts), KINDS[call.kind][1]
    if not call.terminated.done():
        return [f"{call.call} ({call.kind}) did not end: {words}; {call.done}"]
    faults = [f"{call.call}: {fault}" for fault in faults_of_delivery(posts)]
    if words != wanted:
        faults.append(f"{call.call} ({call.kind}): {words}; {call.done}")
    if posts and posts[-1].data.get("outcome") != "completed":
        faults.append(f"{call.call}: ended as {posts[-1].data.get('outcome')}")
    return faults


def faults_of_dials(path, calls):
    """Each callee once, each guest once where one was invited; no dial twice."""
    lines = [line.split() for line in pathlib.Path(path).read_text().splitlines()]
    ids, numbers = (collections.Counter(line[i] for line in lines) for i in (0, 1))
    wanted = collections.Counter([c.number for c in calls] + [c.invited for c in calls if c.kind != "heard"])
    return [f"{i} was dialled {n} times" for i, n in ids.items() if n > 1] + \
           [f"{n} was dialled {numbers[n]} times" for n in wanted | numbers if numbers[n] != wanted[n]]


async def main(folder):
    env = dict(word.split("=", 1) for word in shlex.split((folder / "env").read_text(), comments=True))
    client = Client(env["CALLCAST_ENDPOINT"], env["CALLCAST_ACCESS_KEY"])
    memory, calls, faults = Memory(folder), [], []
    watcher = asyncio.create_task(memory.watch())
    async with App(client, env["CALLCAST_WEBHOOK_SECRET"], 64, kept) as app:
        memory.note("before")
        for turn in range(ROUNDS):
            made, wrong = await a_round(app, turn)
            calls, faults = calls + made, faults + wrong
            await asyncio.sleep(SETTLE)
            memory.note_highest(f"peak {turn + 1}")
            memory.note(f"after {turn + 1}")
        early, late = len(app.dispatcher.early), late_answers(env)
        print(f"{early} events came before the answer to their request; {late} answers were late")
        faults += app.hooks.faults + ([f"{early} came too early"] if early > late else [])
    watcher.cancel()
    for call in calls:
        faults += faults_of(app, call)
    faults += faults_of_dials(env["CALLCAST_SIM_LEDGER"], calls)
    print(*memory.table(), sep="\n")
    faults += memory.faults()
    ended, kinds = sum(c.terminated.done() for c in calls), collections.Counter(c.kind for c in calls)
    print(f"{ended} of {len(calls)} calls ended; kinds: " + ", ".join(f"{k} {n}" for k, n in kinds.items()))
    print(f"{len(faults)} faults", *faults[:20], sep="\n  ")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    gc.set_threshold(100000, 50, 100)  # what is kept of a call is kept to the end
    sys.exit(asyncio.run(main(pathlib.Path(sys.argv[1]))))
