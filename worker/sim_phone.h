/*
 * sim_phone.h - a simulated phone: a pure function of its dial, the time and what it was told
 *
 * No timer, no socket, no clock: sim_phone_next() says what the phone does next
 * and when, by its own schedule; the carrier waits for that moment and says
 * sim_phone_done().  So a new owner, with the stored phone in hand, goes on where
 * the old one stopped.  The table of scripts in sim_phone.c is the specification.
 */
#ifndef SIM_PHONE_H
#define SIM_PHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "records.h"

struct carrier_play;

#define SIM_SCRIPTS    33 /* 00..32 */
#define SIM_WEIGHT_MAX 1000000
#define SIM_PLAYS_MAX  16 /* as many as a call has open operations */
#define SIM_DIGIT_GAP  INT64_C(200000)

struct sim_times {
	int64_t ring, press, talk, prompt; /* us; each may be 0 */
};

struct sim_outcomes {
	uint32_t weight[SIM_SCRIPTS];
	uint64_t total;
};

/* "00=50,20=10": weights of scripts.  -EINVAL: *bad (borrowed from text) is where it went wrong. */
int sim_outcomes_parse(struct sim_outcomes *out, const char *text, const char **bad);

/* The script of an address: its last two characters if digits, else 0; 40-99 are drawn from the dial's id. */
int sim_script(const char *address, const char *dial_id, const struct sim_outcomes *o);

struct sim_play {
	char *id;
	int64_t started_at;
	int fault; /* carrier_event.played: what is wrong with the prompt, PLAYED_OK nothing */
	bool loop;
	bool over;  /* PLAYED was told, or it was stopped */
	int digits; /* pressed so far */
};

struct sim_phone {
	int script;
	int64_t dialled_at;
	int told;           /* of trying, ringing, answered: how far it came */
	int64_t hung_up_at; /* by us; 0: not */
	int64_t left_at;    /* by its call's app, which leaves it to its bridge; 0: not */
	char *bridge;       /* NULL: none */
	struct sim_play plays[SIM_PLAYS_MAX];
	size_t play_count;
};

enum sim_step_kind { SIM_TRYING = 1, SIM_RINGING, SIM_ANSWERED, SIM_DIGIT, SIM_PLAYED, SIM_ENDED };

struct sim_step {
	int64_t at; /* us UTC: when by the phone's schedule; may be past */
	enum sim_step_kind kind;
	size_t play; /* DIGIT, PLAYED: which */
	char digit;
	int code; /* ENDED */
	const char *reason;
};

void sim_phone_dial(struct sim_phone *p, int script, int64_t at);
void sim_phone_clear(struct sim_phone *p);

/* false: nothing happens until it is told something. */
bool sim_phone_next(const struct sim_phone *p, const struct sim_times *t, struct sim_step *out);
void sim_phone_done(struct sim_phone *p, const struct sim_step *step);

void sim_phone_hang_up(struct sim_phone *p, int64_t at);
/* A play that it has already is left as it is.  -ENOMEM; -EMFILE: more than SIM_PLAYS_MAX at once. */
int sim_phone_play(struct sim_phone *p, const char *id, const char *uri, bool loop, int64_t started_at);
void sim_phone_stop(struct sim_phone *p, const char *id);
void sim_phone_leave(struct sim_phone *p,
                     int64_t at); /* the first time counts: talk later it hangs up; not stored */
/* Stops all others, and begins those that it has not.  As sim_phone_play(). */
int sim_phone_keep_plays(struct sim_phone *p, const struct carrier_play *plays, size_t n);
int sim_phone_bridge(struct sim_phone *p, const char *bridge); /* NULL: none.  0 or -ENOMEM */

/* out->data is malloc'ed.  -ENOMEM. */
int sim_phone_store(const struct sim_phone *p, struct bytes *out);
/* -EBADMSG: not such a record; *p is empty. */
int sim_phone_restore(struct sim_phone *p, const struct bytes *record);

#endif
