/* sim_phone.c - see sim_phone.h */
#include "sim_phone.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier.h"
#include "clock.h"

/* Moments of a phone's life.  Those of `ends` count from the answer, where there is one. */
enum moment { NEVER, AT_ONCE, AFTER_RING, AFTER_TALK, AFTER_5S, AFTER_32S, AFTER_60S };

struct script {
	bool known;
	bool silent; /* not even a 100 comes back */
	bool rings;  /* a 180, after a tenth of the ringing time */
	enum moment answers, ends;
	int code;           /* of the end */
	const char *digits; /* pressed after each prompt's start */
};

#define ANSWERS .known = true, .rings = true, .answers = AFTER_RING
#define PRESSES(d)                                                                                           \
	{                                                                                                    \
		ANSWERS, .digits = (d)                                                                       \
	}

/* What a number that ends in these two digits does. */
static const struct script scripts[SIM_SCRIPTS] = {
	[0] = { ANSWERS },
	[1] = PRESSES("1"),
	[2] = PRESSES("2"),
	[3] = PRESSES("3"),
	[4] = PRESSES("4"),
	[5] = PRESSES("5"),
	[6] = PRESSES("6"),
	[7] = PRESSES("7"),
	[8] = PRESSES("8"),
	[9] = PRESSES("9"),
	[10] = { ANSWERS, .ends = AFTER_TALK, .code = 200 },
	[11] = PRESSES("1234#"),
	[20] = { .known = true, .ends = AFTER_RING, .code = 486 },
	[21] = { .known = true, .rings = true },
	[22] = { .known = true, .rings = true, .ends = AFTER_RING, .code = 603 },
	[23] = { .known = true, .ends = AT_ONCE, .code = 404 },
	[24] = { .known = true, .ends = AT_ONCE, .code = 503 },
	/* as long as SIP's timer B waits for the first answer */
	[25] = { .known = true, .silent = true, .ends = AFTER_32S, .code = 408 },
	[30] = { ANSWERS, .ends = AT_ONCE, .code = 200 },
	/* greets for sim.talk, then the tone, then records until its tape is full; we hear none of it */
	[31] = { ANSWERS, .ends = AFTER_60S, .code = 200 },
	[32] = { .known = true, .rings = true, .answers = AFTER_5S },
};

static const char *reason_of(int code)
{
	switch (code) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 408:
		return "Request Timeout";
	case 486:
		return "Busy Here";
	case 487:
		return "Request Terminated";
	case 503:
		return "Service Unavailable";
	default:
		return "Decline";
	}
}

/* ---- which script ---- */

/* Up to `most` digits at *text, which moves behind them; -1: none, or more. */
static long take_digits(const char **text, size_t most)
{
	size_t len = strspn(*text, "0123456789");
	long n = len && len <= most ? strtol(*text, NULL, 10) : -1;

	*text += len;
	return n;
}

int sim_outcomes_parse(struct sim_outcomes *out, const char *text, const char **bad)
{
	struct sim_outcomes o = { .total = 0 };
	long script, weight;

	while (*text) {
		*bad = text;
		script = take_digits(&text, 2);
		if (script < 0 || script >= SIM_SCRIPTS || !scripts[script].known || *text++ != '=')
			return -EINVAL;
		weight = take_digits(&text, 7);
		if (weight < 0 || weight > SIM_WEIGHT_MAX || (*text && *text != ','))
			return -EINVAL;
		o.total += (uint64_t)weight;
		o.weight[script] += (uint32_t)weight;
		if (*text == ',')
			text++;
	}
	*out = o;
	return 0;
}

/* FNV-1a, mixed: evenly spread, and the same for every worker. */
static uint64_t hash_of(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

static int draw(const char *dial_id, const struct sim_outcomes *o)
{
	uint64_t rest;
	int i;

	if (!o->total)
		return 0;
	rest = hash_of(dial_id) % o->total;
	for (i = 0; i < SIM_SCRIPTS - 1 && rest >= o->weight[i]; i++)
		rest -= o->weight[i];
	return i;
}

int sim_script(const char *address, const char *dial_id, const struct sim_outcomes *o)
{
	size_t len = strlen(address);
	const char *last = address + len - 2;
	int n;

	if (len < 2 || last[0] < '0' || last[0] > '9' || last[1] < '0' || last[1] > '9')
		return 0;
	n = (last[0] - '0') * 10 + last[1] - '0';
	if (n >= 40)
		return draw(dial_id, o);
	return n < SIM_SCRIPTS && scripts[n].known ? n : 0;
}

/* ---- the phone's schedule ---- */

#define FOREVER INT64_MAX

static int64_t moment_at(enum moment m, int64_t from, const struct sim_times *t)
{
	switch (m) {
	case AT_ONCE:
		return from;
	case AFTER_RING:
		return from + t->ring;
	case AFTER_TALK:
		return from + t->talk;
	case AFTER_5S:
		return from + 5 * CLOCK_SEC;
	case AFTER_32S:
		return from + 32 * CLOCK_SEC;
	case AFTER_60S:
		return from + 60 * CLOCK_SEC;
	default:
		return FOREVER;
	}
}

static int64_t answered_at(const struct sim_phone *p, const struct sim_times *t)
{
	return moment_at(scripts[p->script].answers, p->dialled_at, t);
}

/* What it does by itself before it answers, in order; each once. */
static void next_progress(const struct sim_phone *p, const struct sim_times *t, struct sim_step *best)
{
	const struct script *s = &scripts[p->script];
	const int64_t at[] = {
		[SIM_TRYING] = s->silent ? FOREVER : p->dialled_at,
		[SIM_RINGING] = s->rings ? p->dialled_at + t->ring / 10 : FOREVER,
		[SIM_ANSWERED] = answered_at(p, t),
	};
	int kind;

	for (kind = p->told + 1; kind <= SIM_ANSWERED; kind++)
		if (at[kind] < best->at) {
			*best = (struct sim_step){ .at = at[kind], .kind = kind };
			return;
		}
}

static void next_of_play(const struct sim_phone *p, size_t i, const struct sim_times *t,
                         struct sim_step *best)
{
	const struct sim_play *play = &p->plays[i];
	const char *digits = scripts[p->script].digits;
	int64_t at, answered = answered_at(p, t);

	if (digits && !play->fault && digits[play->digits] && answered != FOREVER) {
		at = play->started_at > answered ? play->started_at : answered;
		at += t->press + play->digits * SIM_DIGIT_GAP;
		if (at < best->at)
			*best = (struct sim_step){
				.at = at, .kind = SIM_DIGIT, .play = i, .digit = digits[play->digits]
			};
	}
	if (play->over || (play->loop && !play->fault))
		return;
	at = play->started_at + (play->fault ? 0 : t->prompt);
	if (at < best->at)
		*best = (struct sim_step){ .at = at, .kind = SIM_PLAYED, .play = i };
}

/* Of what is due at the same time, the end comes last and our hanging up first. */
bool sim_phone_next(const struct sim_phone *p, const struct sim_times *t, struct sim_step *out)
{
	const struct script *s = &scripts[p->script];
	int64_t answered = answered_at(p, t);
	int64_t end = moment_at(s->ends, answered == FOREVER ? p->dialled_at : answered, t);
	struct sim_step best = { .at = FOREVER };
	size_t i;

	next_progress(p, t, &best);
	for (i = 0; i < p->play_count; i++)
		next_of_play(p, i, t, &best);
	if (end < best.at)
		best = (struct sim_step){ .at = end, .kind = SIM_ENDED, .code = s->code };
	if (p->left_at && p->left_at + t->talk < best.at)
		best = (struct sim_step){ .at = p->left_at + t->talk, .kind = SIM_ENDED, .code = 200 };
	if (p->hung_up_at && p->hung_up_at <= best.at)
		best = (struct sim_step){ .at = p->hung_up_at,
			                  .kind = SIM_ENDED,
			                  .code = p->told >= SIM_ANSWERED ? 200 : 487 };
	if (best.kind == SIM_ENDED)
		best.reason = reason_of(best.code);
	*out = best;
	return best.at != FOREVER;
}

static void play_clear(struct sim_phone *p, size_t i)
{
	free(p->plays[i].id);
	p->play_count--;
	memmove(&p->plays[i], &p->plays[i + 1], (p->play_count - i) * sizeof(p->plays[0]));
}

/* Drops a prompt of which nothing more is to come. */
static void play_settle(struct sim_phone *p, size_t i)
{
	const struct sim_play *play = &p->plays[i];
	const char *digits = scripts[p->script].digits;

	if (play->over && (!digits || play->fault || !digits[play->digits]))
		play_clear(p, i);
}

void sim_phone_done(struct sim_phone *p, const struct sim_step *step)
{
	switch (step->kind) {
	case SIM_TRYING:
	case SIM_RINGING:
	case SIM_ANSWERED:
		p->told = step->kind;
		break;
	case SIM_DIGIT:
		p->plays[step->play].digits++;
		play_settle(p, step->play);
		break;
	case SIM_PLAYED:
		p->plays[step->play].over = true;
		play_settle(p, step->play);
		break;
	case SIM_ENDED:
		break;
	}
}

/* ---- what it is told ---- */

void sim_phone_dial(struct sim_phone *p, int script, int64_t at)
{
	*p = (struct sim_phone){ .script = script, .dialled_at = at };
}

void sim_phone_clear(struct sim_phone *p)
{
	while (p->play_count)
		play_clear(p, p->play_count - 1);
	free(p->bridge);
	*p = (struct sim_phone){ 0 };
}

void sim_phone_hang_up(struct sim_phone *p, int64_t at)
{
	if (!p->hung_up_at)
		p->hung_up_at = at;
}

static bool path_ends_in(const char *uri, const char *name)
{
	size_t path = strcspn(uri, "?#"), len = strlen(name);

	return path >= len && !memcmp(uri + path - len, name, len);
}

static size_t find_play(const struct sim_phone *p, const char *id)
{
	size_t i;

	for (i = 0; i < p->play_count && strcmp(p->plays[i].id, id); i++)
		;
	return i;
}

/* A prompt that is over is kept for the digits still to come only; those of the oldest are given up. */
static bool make_room(struct sim_phone *p)
{
	size_t i;

	for (i = 0; p->play_count == SIM_PLAYS_MAX && i < p->play_count; i++)
		if (p->plays[i].over)
			play_clear(p, i);
	return p->play_count < SIM_PLAYS_MAX;
}

int sim_phone_play(struct sim_phone *p, const char *id, const char *uri, bool loop, int64_t started_at)
{
	struct sim_play play = { .started_at = started_at, .loop = loop };

	if (find_play(p, id) < p->play_count)
		return 0;
	if (!make_room(p))
		return -EMFILE;
	if (path_ends_in(uri, "missing.wav"))
		play.fault = PLAYED_DOWNLOAD_FAILED;
	else if (path_ends_in(uri, "bad.wav"))
		play.fault = PLAYED_BAD_FORMAT;
	play.id = strdup(id);
	if (!play.id)
		return -ENOMEM;
	p->plays[p->play_count++] = play;
	return 0;
}

/* Who has heard enough to press goes on pressing: only the prompt's end is not told any more. */
void sim_phone_stop(struct sim_phone *p, const char *id)
{
	size_t i = find_play(p, id);

	if (i == p->play_count)
		return;
	p->plays[i].over = true;
	play_settle(p, i);
}

int sim_phone_keep_plays(struct sim_phone *p, const struct carrier_play *plays, size_t n)
{
	int error = 0;

	for (size_t i = p->play_count; i-- > 0;) { /* from the end: what is settled goes from the list */
		size_t k;

		for (k = 0; k < n && strcmp(p->plays[i].id, plays[k].play); k++)
			;
		if (k < n || p->plays[i].over)
			continue;
		p->plays[i].over = true;
		play_settle(p, i);
	}
	for (size_t k = 0; k < n; k++) {
		const char *uri = plays[k].uri ? plays[k].uri : "";
		const int r = sim_phone_play(p, plays[k].play, uri, plays[k].loop, plays[k].started_at);

		error = r < 0 ? r : error;
	}
	return error;
}

void sim_phone_leave(struct sim_phone *p, int64_t at)
{
	if (!p->left_at)
		p->left_at = at;
}

int sim_phone_bridge(struct sim_phone *p, const char *bridge)
{
	char *copy = bridge ? strdup(bridge) : NULL;

	if (bridge && !copy)
		return -ENOMEM;
	free(p->bridge);
	p->bridge = copy;
	return 0;
}

/* ---- the record: "sim1", numbers, and texts with their lengths before them; left_at is told anew ---- */

int sim_phone_store(const struct sim_phone *p, struct bytes *out)
{
	const char *bridge = p->bridge ? p->bridge : "";
	FILE *f;
	size_t i;
	char *text = NULL;

	f = open_memstream(&text, &out->len);
	if (!f)
		return -ENOMEM;
	fprintf(f, "sim1 %d %" PRId64 " %d %" PRId64 " %zu:%s %zu", p->script, p->dialled_at, p->told,
	        p->hung_up_at, strlen(bridge), bridge, p->play_count);
	for (i = 0; i < p->play_count; i++) {
		const struct sim_play *play = &p->plays[i];

		fprintf(f, " %" PRId64 " %d %d %d %d %zu:%s", play->started_at, play->fault, play->loop,
		        play->over, play->digits, strlen(play->id), play->id);
	}
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	out->data = text;
	return 0;
}

/* A number between the bounds, after a space. */
static int64_t take_number(const char **at, int64_t low, int64_t high, bool *ok)
{
	char *end;
	long long n;

	if (!*ok || **at != ' ' || (*at)[1] == ' ') {
		*ok = false;
		return low;
	}
	n = strtoll(*at + 1, &end, 10);
	*ok = end != *at + 1 && n >= low && n <= high;
	*at = end;
	return *ok ? n : low;
}

/* A text after its length; NULL if it is empty or there is none. */
static char *take_text(const char **at, bool *ok)
{
	size_t len = (size_t)take_number(at, 0, 4096, ok);
	char *text = NULL;

	if (!*ok || **at != ':' || strnlen(*at + 1, len) < len) {
		*ok = false;
		return NULL;
	}
	if (len) {
		text = strndup(*at + 1, len);
		*ok = text != NULL;
	}
	*at += 1 + len;
	return text;
}

static void take_play(const char **at, struct sim_phone *p, bool *ok)
{
	struct sim_play *play = &p->plays[p->play_count];
	const char *digits = scripts[p->script].digits;

	play->started_at = take_number(at, 0, INT64_MAX / 2, ok);
	play->fault = (int)take_number(at, PLAYED_OK, PLAYED_DOWNLOAD_FAILED, ok);
	play->loop = take_number(at, 0, 1, ok);
	play->over = take_number(at, 0, 1, ok);
	play->digits = (int)take_number(at, 0, digits ? (int64_t)strlen(digits) : 0, ok);
	play->id = take_text(at, ok);
	if (!play->id)
		*ok = false;
	else
		p->play_count++;
}

static void take_phone(const char *at, struct sim_phone *p, bool *ok)
{
	size_t plays, i;

	p->script = (int)take_number(&at, 0, SIM_SCRIPTS - 1, ok);
	*ok = *ok && scripts[p->script].known;
	p->dialled_at = take_number(&at, 0, INT64_MAX / 2, ok);
	p->told = (int)take_number(&at, 0, SIM_ANSWERED, ok);
	p->hung_up_at = take_number(&at, 0, INT64_MAX / 2, ok);
	p->bridge = take_text(&at, ok);
	plays = (size_t)take_number(&at, 0, SIM_PLAYS_MAX, ok);
	for (i = 0; *ok && i < plays; i++)
		take_play(&at, p, ok);
	*ok = *ok && !*at;
}

int sim_phone_restore(struct sim_phone *p, const struct bytes *record)
{
	char *text = record->len ? strndup(record->data, record->len) : NULL;
	bool ok = text && strlen(text) == record->len && !strncmp(text, "sim1", 4);

	*p = (struct sim_phone){ 0 };
	if (ok)
		take_phone(text + 4, p, &ok);
	free(text);
	if (ok)
		return 0;
	sim_phone_clear(p);
	return -EBADMSG;
}
