#!/usr/bin/env python3
"""mutants.py - seeds the model's bugs into the real code, one at a time: the simulation must object to each

usage: mutants.py [NAME...]     all, or those; `make mutants` sets what it needs in the environment
   MUTANTS_BUILD   the build folder, in which the simulation was built
   MUTANTS_CC      the compiler with its flags; MUTANTS_LIBS what to link

A mutant is one file with one or a few texts replaced. Each text must stand there
exactly once; if it does not, the mutant fails, because it no longer says what it
means. Rules that live in a Lua script or in librdkafka's part of the worker are
played by the world: there its counterpart is changed. The test that must
object is named; it must pass on the code as it is. Ends with `N passed, N failed`.
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

SEEDS = "10000"  # of the sweep, at most: it ends at the first that fails
SECONDS = 300
WORKERS = 2

Mutant = collections.namedtuple("Mutant", "name model file changes test")



def story(name):
    return "tests/simulation/test_stories", name


def case(name):
    return "tests/simulation/test_counterexamples", name


def people(name):
    return "tests/simulation/test_participants", name


SWEEP = ("tests/simulation/test_random", "test_random_worlds")

# by `name` the model's flag; `model` is its line in the model's checks
MUTANTS = [
    # ---- one create: does it ring once, is it told once
    Mutant("DIALFIRST", "dial.pml V1 DIALFIRST P2", "worker/step.c", [(
        'KILL_POINT(confirm ? "before-confirm" : "before-save");',
        """for (size_t i = 0; !confirm && i < next->legs_count; i++)
		if (next->legs[i].state == LEG_INTENT)
			p->worker->carrier->ops->dial(p->worker->carrier,
			        &(struct carrier_dial){ next->legs[i].dial_id, next->legs[i].address, NULL });""")],
        story("test_saved_told_confirmed_then_dialled")),
    Mutant("DIALFIRST-sweep", "dial.pml V1 DIALFIRST P2", "worker/step.c", [(
        'KILL_POINT(confirm ? "before-confirm" : "before-save");',
        """for (size_t i = 0; !confirm && i < next->legs_count; i++)
		if (next->legs[i].state == LEG_INTENT)
			p->worker->carrier->ops->dial(p->worker->carrier,
			        &(struct carrier_dial){ next->legs[i].dial_id, next->legs[i].address, NULL });""")],
        SWEEP),
    Mutant("COMMITFIRST", "dial.pml V1 COMMITFIRST P3", "worker/step.c", [(
        'KILL_POINT(confirm ? "before-confirm" : "before-save");',
        "partition_done(p, s->input->offset);")], SWEEP),
    Mutant("REDIAL", "dial.pml V1 REDIAL P2", "worker/takeover.c", [(
        "\tc->record = rec;\n",
        """	c->record = rec;
	for (size_t i = 0; i < c->record.legs_count; i++)
		if (c->record.legs[i].state == LEG_GO && !c->record.legs[i].carrier_record.len)
			c->record.legs[i].state = LEG_INTENT;
""")], SWEEP),
    Mutant("NOOUTBOX", "dial.pml V1 NOOUTBOX P3, P4", "worker/takeover.c", [(
        "} else if (!in_hand(t, e)) {", "} else if (0) {")],
        story("test_what_was_saved_and_not_told_is_told")),
    Mutant("NODEDUPE-create", "dial.pml V1 NODEDUPE P2", "worker/call_commands.c", [(
        "\tif (call_exists(d->rec)) {", "\tif (0) {")], SWEEP),
    Mutant("NODEDUPE", "dial.pml V1 NODEDUPE P2", "worker/call_commands.c", [(
        "if (call_knows_command(rec, c->command_id)) {", "if (0) {")],
        story("test_a_repeated_command_is_not_acted_on")),
    Mutant("NOEPOCH+NOVERSION", "dial.pml V1 NOEPOCH NOVERSION P2", "tests/simulation/world_redis.c", [
        ("return r->epoch[0] && !strcmp(r->epoch, q->epoch.text);", "return true;"),
        ("if ((c ? c->version : 0) != q->version)", "if (0)")], SWEEP),
    Mutant("STOPREFUSED", "dial.pml V1 STOPREFUSED P3", "worker/partition.c", [(
        "p->number, p->epoch.text);\n\tpartition_ask(p);",
        "p->number, p->epoch.text);\n\tpartition_set_state(p, PARTITION_IDLE);")],
        story("test_refused_asks_the_group_and_takes_over_again")),
    # the confirm as an unchecked clear: whoever asks for it is told that it is done
    Mutant("RESUME", "dial.pml V2 RESUME P2", "tests/simulation/world_redis.c", [
        ("\tenum store_answer a;\n\n\tif (!epoch_holds(r, q))",
         "\tenum store_answer a;\n\n\tif (!q->name_count && !epoch_holds(r, q))"),
        ("a = write_call(r, redis_find(r, q->call), q);",
         "a = write_call(r, redis_find(r, q->call), q);\n\tif (q->name_count)\n\t\ta = STORE_DONE;")],
        case("test_counterexample_9")),
    Mutant("RESUME-unasked", "dial.pml V2 RESUME P2", "worker/step.c", [(
        'KILL_POINT(confirm ? "before-confirm" : "before-save");',
        """for (; s->input->in.kind == INPUT_CONFIRM && s->acted < s->plan.act_count; s->acted++)
		p->worker->carrier->ops->dial(p->worker->carrier,
		        &(struct carrier_dial){ s->plan.acts[s->acted].dial_id, s->plan.acts[s->acted].address,
		                                NULL });""")],
        case("test_counterexample_9")),
    # ---- one call, one owner: is the epoch enough
    Mutant("EPOCH", "save.pml EPOCH", "tests/simulation/world_redis.c", [(
        "if ((c ? c->version : 0) != q->version)", "if (0)")], SWEEP),
    Mutant("VERSION", "save.pml VERSION", "tests/simulation/world_redis.c", [(
        "const bool same = c && c->version == q->version + 1 && c->stamp == q->stamp;",
        "const bool same = false;")], story("test_a_late_confirm_is_asked_again")),
    # ---- the clock before the dial
    Mutant("NOCHECK", "lease.pml NOCHECK", "worker/step.c", [(
        "clock_mono() - s->sent >= w->settings->dial_bound", "false")], case("test_counterexample_3")),
    Mutant("FROMREPLY", "lease.pml FROMREPLY", "worker/step.c", [(
        "\ts->asked = false;\n", "\ts->asked = false;\n\ts->sent = clock_mono();\n")],
        case("test_counterexample_10")),
    Mutant("NOWAIT", "lease.pml FROMSEND NOWAIT", "worker/call.c", [(
        "leg->deadline = d->rules->now + d->rules->dial_bound;", "leg->deadline = d->rules->now;")],
        case("test_unknown_waits_as_long_as_a_dial_may_be_made")),
    Mutant("NOWAIT-sweep", "lease.pml FROMSEND NOWAIT", "worker/call.c", [(
        "leg->deadline = d->rules->now + d->rules->dial_bound;", "leg->deadline = d->rules->now;")], SWEEP),
    # ---- who tells what, when
    Mutant("AFTER", "outbox.pml AFTER", "worker/takeover.c", [(
        "\tledger_read(p->worker->ledger, p->number, got->told, ledger_was_read, p);",
        """	ledger_read(p->worker->ledger, p->number, got->told, ledger_was_read, p);
	partition_set_state(p, PARTITION_ACTIVE);
	partition_feed(p);""")], SWEEP),
    Mutant("RECODED", "outbox.pml RECODED", "worker/step_tell.c", [(
        "\tu = untold_new(p, name, 0);\n",
        """	struct call_event e = { 0 };
	const char *why;

	if (record_decode(RECORD_CALL_EVENT, &e, t->value.data, t->value.len, &why) == 0) {
		free(e.epoch);
		e.epoch = must_strdup(p->epoch.text);
		free(t->value.data);
		record_encode(RECORD_CALL_EVENT, &e, &t->value);
	}
	call_event_clear(&e);
	u = untold_new(p, name, 0);
""")], SWEEP),
    Mutant("GAPPY", "outbox.pml GAPPY", "tests/simulation/world_kafka.c", [(
        "for (struct telling *what = t->first; what; what = what->after)\n\t\tproduce(t, what);\n",
        """for (struct telling *what = t->first ? t->first->after : NULL; what; what = what->after)
		produce(t, what);
	if (t->first)
		produce(t, t->first);
""")], SWEEP),
    Mutant("SENT", "outbox.pml SENT", "worker/step_tell.c", [(
        "\tteller_send(c->partition->worker->teller, t);\n",
        "\tteller_send(c->partition->worker->teller, t);\n\tpartition_acked(c->partition, u->name);\n")], SWEEP),
    # ---- commands that come again, and what is committed
    Mutant("BYOFFSET", "commands.pml BYOFFSET LOWEST", "worker/call_commands.c", [(
        "if (call_knows_command(rec, c->command_id)) {", "if (below_next) {")],
        story("test_a_repeated_command_is_not_acted_on")),
    Mutant("NEWEST", "commands.pml BYID NEWEST", "worker/offsets.c", [(
        "\te->done = true;\n",
        """	e->done = true;
	for (size_t i = 0; i < o->count; i++)
		if (at(o, i)->offset < offset)
			at(o, i)->done = true;
""")], SWEEP),
    Mutant("EARLY", "commands.pml BYID EARLY", "worker/partition.c", [(
        "\toffsets_add(&p->offsets, m->offset);\n",
        "\toffsets_add(&p->offsets, m->offset);\n\tpartition_done(p, m->offset);\n")], SWEEP),
    Mutant("EXPIRE", "commands.pml BYID LOWEST EXPIRE", "worker/call_commands.c", [(
        "if (c->expires_at && c->expires_at <= d->rules->now) {", "if (0) {")],
        case("test_a_create_whose_record_is_gone_is_passed_over")),
    # ---- who comes and who leaves: not the model's, but of the same kind
    Mutant("UNANNOUNCED", "-", "worker/call.c", [(
        "leg->number > announced || ", "announced < 0 || ")],
        people("test_a_confirm_is_of_what_was_announced")),
    Mutant("UNJOINED", "-", "worker/takeover.c", [(
        "plays, play_count);", "plays, 0 * play_count);")],
        people("test_who_joins_hears_what_is_played_whoever_owns_the_call")),
    Mutant("UNBRIDGED", "-", "worker/takeover.c", [(
        "if (talking > 1)", "if (0)")],
        people("test_who_joins_hears_what_is_played_whoever_owns_the_call")),
    Mutant("UNLEFT", "-", "worker/takeover.c", [(
        "if (rec->state == CALL_LEFT || rec->state == CALL_TERMINATING)", "if (0)")], people("test_left_by_an_owner_who_is_gone")),
    Mutant("LEFTATONCE", "-", "worker/call_end.c", [(
        " && !may_still_ring(d->rec))", ")")], people("test_nobody_rings_after_it_was_left")),
    Mutant("UNHEARD", "-", "tests/simulation/world_phone.c", [(
        "s->phone->knew[m->to->number] = s->phone->had[m->to->number];", "")],
        story("test_an_end_that_was_heard_is_not_lost_at_a_handover")),
    Mutant("CUTSHORT", "-", "worker/step.c", [(
        "if (s->plan.dials && dialled_late(s))", "if (0 && dialled_late(s))")],
        story("test_who_was_dialled_late_rings_as_long")),
    Mutant("LEFTISOVER", "-", "worker/takeover.c", [(
        "e.state == CALL_TERMINATED", "e.final")], people("test_left_is_taken_over")),
    Mutant("LOSTCONFIRM", "-", "worker/step.c", [(
        "\t\ts->confirm = c->confirm;\n\t\tc->confirm = NULL;",
        "\t\ts->confirm = c->confirm ? must_strdup(c->confirm) : NULL;"), (
        "\t\tlog_moved(c, before);",
        "\t\tfree(s->input->in.kind == INPUT_CONFIRM ? c->confirm : NULL);\n"
        "\t\tc->confirm = s->input->in.kind == INPUT_CONFIRM ? NULL : c->confirm;\n"
        "\t\tlog_moved(c, before);")], SWEEP),
    # ---- the sweep itself: a place that it does not reach any more
    Mutant("UNREACHED", "-", "worker/takeover.c", [(
        'KILL_POINT("live-read");', "")], SWEEP),
    Mutant("SHUNNED", "-", "tests/simulation/world_kill.c", [(
        "if (!o || strcmp(o->name, name)", 'if (!strcmp(name, "outbox-told") || !o || strcmp(o->name, name)')], SWEEP),
]

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MUTANTS_BUILD", "build"))


class Failure(Exception):
    pass


def run(command, **more):
    try:
        return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=SECONDS, check=False, **more)
    except subprocess.TimeoutExpired:
        raise Failure(f"came to no end in {SECONDS} s") from None


def object_of(path):
    folder = BUILD / "killable" if path.startswith("worker/") else BUILD
    return folder / pathlib.Path(path).with_suffix(".o")


def mutate(mutant):
    """The changed file, in a folder of its own."""
    text = (ROOT / mutant.file).read_text()
    for old, new in mutant.changes:
        if text.count(old) != 1:
            raise Failure(f"no longer applies: {old.strip()!r} stands {text.count(old)} times in {mutant.file}")
        text = text.replace(old, new)
    path = BUILD / "mutants" / mutant.name / mutant.file
    (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / path).write_text(text)
    return path


def objects():
    world = sorted((ROOT / "tests/simulation").glob("*.c"))
    worker = sorted((ROOT / "worker").glob("*.c"))
    names = [p.relative_to(ROOT).as_posix() for p in world if not p.name.startswith("test_")]
    names += [p.relative_to(ROOT).as_posix() for p in worker if p.name not in ("main.c", "kill_point.c")]
    return {name: object_of(name) for name in names}


def build(mutant):
    source = mutate(mutant)
    program = source.parents[len(source.parents) - len((BUILD / "mutants").parts) - 2] / "test"
    changed = source.with_suffix(".o")
    found = run(shlex.split(os.environ["MUTANTS_CC"]) + ["-w", "-c", "-o", str(changed), str(source)])
    if found.returncode:
        raise Failure("does not compile:\n" + found.stdout)
    parts = objects()
    parts[mutant.file] = changed
    # the worker as an archive: what the world plays is taken from the world
    worker = program.with_name("worker.a")
    (ROOT / worker).unlink(missing_ok=True)
    run(["ar", "rcs", str(worker)] + [str(o) for name, o in parts.items() if name.startswith("worker/")])
    world = [str(o) for name, o in parts.items() if name.startswith("tests/")]
    found = run(shlex.split(os.environ["MUTANTS_CC"]) + ["-o", str(program), f"{BUILD}/{mutant.test[0]}.o"] + world +
                [str(worker), f"{BUILD}/lib.a"] + shlex.split(os.environ["MUTANTS_LIBS"]))
    if found.returncode:
        raise Failure("does not link:\n" + found.stdout)
    return program


def failed_tests(program, test):
    """Names of the tests that failed (test "": of all), and what the first one said."""
    environment = dict(os.environ, RUNS=SEEDS, FAILURES="1", TEST=test or "*")
    for name in ("SEED", "VERBOSE"):
        environment.pop(name, None)
    output = run([str(program)], env=environment).stdout
    names = set(re.findall(r"^\[  FAILED  \] (test_\w+)", output, re.M))
    said = re.search(r"^(?:ERROR: |\[  ERROR   \] --- |(?=seed |only |no worker ))(?!\[)(.+)$", output, re.M)
    return names, said.group(1) if said else ""


def try_one(mutant):
    try:
        names, said = failed_tests(build(mutant), mutant.test[1])
    except Failure as why:
        return False, f"FAILED: {why}"
    if mutant.test[1] not in names:
        return False, f"FAILED: survived, {mutant.test[1]} did not object"
    return True, f"caught by {mutant.test[1]}: {said[:110]}"


def sound_as_it_is(mutants):
    """What fails without any mutant can catch none."""
    bad = set()
    for program in sorted({m.test[0] for m in mutants}):
        try:
            bad |= failed_tests(BUILD / program, "")[0]
        except Failure as why:
            sys.exit(f"{program}: {why}\n0 passed, 1 failed")
    return bad


def main():
    wanted = set(sys.argv[1:])
    mutants = [m for m in MUTANTS if not wanted or m.name in wanted]
    already = sound_as_it_is(mutants)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for mutant, (caught, said) in zip(mutants, pool.map(try_one, mutants)):
            if caught and mutant.test[1] in already:
                caught, said = False, f"FAILED: {mutant.test[1]} fails without it as well"
            passed, failed = passed + caught, failed + (not caught)
            print(f"{mutant.name:18} {mutant.model:34} {said}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or not mutants


if __name__ == "__main__":
    sys.exit(main())
