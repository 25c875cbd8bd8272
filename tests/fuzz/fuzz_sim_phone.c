/*
 * fuzz_sim_phone.c - a simulated phone's record, and the weights of sim.outcomes: worker/sim_phone.c
 *
 * The first line is sim.outcomes, the rest the record.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "settings_table.h"
#include "sim_phone.h"

enum { STEPS_MAX = 3 + SIM_PLAYS_MAX * 6 + 1 }; /* a prompt: five digits and its end */

static const struct sim_times times = { 300000, 1000000, 5000000, 3000000 };
static struct settings *settings;

static struct bytes stored(const struct sim_phone *p)
{
	struct bytes b = { 0 };

	HOLDS(sim_phone_store(p, &b) == 0 && b.data && b.len);
	return b;
}

static void same_when_stored(const struct sim_phone *p)
{
	struct bytes once = stored(p), twice;
	struct sim_phone back;

	HOLDS(sim_phone_restore(&back, &once) == 0);
	twice = stored(&back);
	HOLDS(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
	sim_phone_clear(&back);
	free(once.data);
	free(twice.data);
}

/* Whatever it was told before, it comes to its end, or to a rest. */
static void run_on(struct sim_phone *p)
{
	struct sim_step step;
	int n;

	for (n = 0; n <= STEPS_MAX && sim_phone_next(p, &times, &step) && step.kind != SIM_ENDED; n++) {
		HOLDS(step.kind >= SIM_TRYING && step.kind <= SIM_PLAYED && step.at >= 0);
		HOLDS((step.kind != SIM_DIGIT && step.kind != SIM_PLAYED) || step.play < p->play_count);
		HOLDS(step.kind != SIM_DIGIT || strchr("0123456789*#", step.digit));
		sim_phone_done(p, &step);
	}
	HOLDS(n <= STEPS_MAX);
}

static void read_record(const uint8_t *data, size_t size)
{
	struct bytes record = { (void *)data, size };
	struct sim_phone p;
	int r = sim_phone_restore(&p, &record);

	HOLDS(r == 0 || r == -EBADMSG);
	if (r < 0) {
		HOLDS(!p.play_count && !p.bridge && !p.dialled_at);
		return;
	}
	HOLDS(p.script >= 0 && p.script < SIM_SCRIPTS && p.play_count <= SIM_PLAYS_MAX);
	for (size_t i = 0; i < p.play_count; i++)
		HOLDS(p.plays[i].id && *p.plays[i].id);
	same_when_stored(&p);
	run_on(&p);
	HOLDS(sim_phone_play(&p, "another", "http://a/bad.wav", false, 1) != -ENOMEM);
	sim_phone_stop(&p, "another");
	sim_phone_hang_up(&p, 1);
	run_on(&p);
	sim_phone_clear(&p);
}

/* Every draw is a script that there is; what the settings take is understood here. */
static void read_outcomes(const char *text)
{
	static const char *const dials[] = { "a.1.1", "b.1.1", "c.2.1" };
	bool set = setting_assign(settings, setting_find("sim.outcomes"), text) == 0;
	const char *bad = NULL;
	struct sim_outcomes o;
	int r = sim_outcomes_parse(&o, text, &bad);

	HOLDS(r == 0 || (r == -EINVAL && bad >= text && bad <= text + strlen(text)));
	/* but for a script that there is not: only the worker knows */
	HOLDS(!set || r == 0 || (bad[0] >= '0' && bad[0] <= '3' && bad[2] == '='));
	for (size_t i = 0; r == 0 && i < sizeof(dials) / sizeof(*dials); i++) {
		int script = sim_script("+4670123456789", dials[i], &o);

		HOLDS(script >= 0 && script < SIM_SCRIPTS && (!o.total || o.weight[script]));
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	HOLDS(settings_default(&settings, WORKER) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_lines l = fuzz_lines(data, size);
	char *outcomes = fuzz_line_text(&l);
	const uint8_t *rest;
	size_t len = fuzz_rest(&l, &rest);

	read_outcomes(outcomes);
	read_record(rest, len);
	free(outcomes);
	return 0;
}
