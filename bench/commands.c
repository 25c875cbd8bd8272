/*
 * commands.c - writes commands straight to calls.commands, without a producer, for benchmarks of the worker
 *
 * Call number i stands on partition i modulo their count, and its id follows from
 * i, so that a later run finds the same calls.  CALLCAST_KAFKA and
 * CALLCAST_TOPIC_PREFIX say where.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#include "callid.h"
#include "clock.h"
#include "digest.h"
#include "kafka.h"
#include "log.h"
#include "records.h"
#include "settings.h"

#define PATIENCE (5 * CLOCK_SEC)

struct writer {
	const struct settings *settings;
	rd_kafka_t *rk;
	int partitions;
	int unacked;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "commands: %s: %s\n", what, why);
	exit(1);
}

static void usage(void)
{
	fputs("usage: commands create FIRST COUNT PHONE     PHONE: two digits, see bench/pulse_carrier.c\n"
	      "       commands hangup FIRST COUNT\n"
	      "       commands play CALL RATE SECONDS       so many a second, for so long\n",
	      stderr);
	exit(2);
}

/* ---- one command ---- */

static void call_id(char out[CALLID_SIZE], int call, int partitions)
{
	const int partition = call % partitions;
	uint8_t id[24] = { 0 };

	id[1] = (uint8_t)(partition >> 8);
	id[2] = (uint8_t)partition;
	for (int i = 0; i < 4; i++)
		id[12 + i] = (uint8_t)(call >> (24 - 8 * i));
	base64url_encode(out, id, sizeof(id));
}

static void write_command(struct writer *w, int call, const struct call_command *what)
{
	struct call_command c = *what;
	char id[CALLID_SIZE], uuid[UUID_SIZE];
	struct bytes value;

	call_id(id, call, w->partitions);
	uuid_random(uuid);
	c.command_id = uuid;
	c.call_leg_id = id;
	c.tenant = (char *)"default";
	c.callback_uri = (char *)"http://127.0.0.1:9/";
	c.accepted_at = c.answer_by = clock_utc();
	c.expires_at = c.accepted_at + 3600 * CLOCK_SEC;
	if (record_encode(RECORD_CALL_COMMAND, &c, &value) < 0)
		fail("record", "not encoded");
	if (rd_kafka_producev(w->rk, RD_KAFKA_V_TOPIC(kafka_topic(w->settings, TOPIC_COMMANDS)),
	                      RD_KAFKA_V_PARTITION(call % w->partitions), RD_KAFKA_V_KEY(id, CALLID_LEN),
	                      RD_KAFKA_V_VALUE(value.data, value.len),
	                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END))
		fail("calls.commands", "not produced");
	free(value.data);
	w->unacked++;
	rd_kafka_poll(w->rk, 0);
}

static void create(struct writer *w, int call, const char *phone)
{
	char number[32];
	struct identifier target = { IDENTIFIER_PHONE, number };
	struct create_body body = { .source = { IDENTIFIER_PHONE, (char *)"+15555550100" },
		                    .targets = &target,
		                    .targets_count = 1,
		                    .dtmf_received = true };
	struct call_command c = { .kind = COMMAND_CREATE, .create = &body };

	snprintf(number, sizeof(number), "+155550%05d%.2s", call % 100000, phone);
	write_command(w, call, &c);
}

static void play(struct writer *w, int call)
{
	struct play_body body = { .audio_file_uri = (char *)"http://127.0.0.1:9/a.wav" };
	struct call_command c = { .kind = COMMAND_PLAY, .play = &body };

	write_command(w, call, &c);
}

static void hang_up(struct writer *w, int call)
{
	struct call_command c = { .kind = COMMAND_HANGUP };

	write_command(w, call, &c);
}

/* By the clock, not by the sleep: a late one is made up for. */
static void play_again_and_again(struct writer *w, int call, int rate, int seconds)
{
	const int64_t began = clock_mono();

	for (int64_t i = 0; i < (int64_t)rate * seconds; i++) {
		const int64_t wait = began + i * CLOCK_SEC / rate - clock_mono();

		if (wait > 0)
			nanosleep(&(struct timespec){ wait / CLOCK_SEC, wait % CLOCK_SEC * 1000 }, NULL);
		play(w, call);
	}
}

/* ---- open, close ---- */

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg)
{
	struct writer *w = arg;

	(void)rk;
	if (m->err)
		fail("calls.commands", rd_kafka_err2str(m->err));
	w->unacked--;
}

static void open_writer(struct writer *w, const struct settings *s)
{
	rd_kafka_conf_t *conf = kafka_conf(s, KAFKA_TELLER, NULL);
	char why[256];

	*w = (struct writer){ .settings = s };
	if (!conf)
		fail("kafka", "no configuration");
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
	rd_kafka_conf_set_opaque(conf, w);
	w->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
	if (!w->rk)
		fail("kafka", why);
	w->partitions = kafka_partitions(w->rk, kafka_topic(s, TOPIC_COMMANDS), PATIENCE);
	if (w->partitions <= 0)
		fail("calls.commands", "not there");
}

static void close_writer(struct writer *w)
{
	rd_kafka_flush(w->rk, (int)(PATIENCE / CLOCK_MS));
	if (w->unacked)
		fail("calls.commands", "not acknowledged");
	rd_kafka_destroy(w->rk);
}

static int number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < 0 || n > 1000000)
		usage();
	return (int)n;
}

/* False: that is none of the three. */
static bool carry_out(struct writer *w, int words, char **word)
{
	const int first = number(word[1]), count = number(word[2]);

	if (!strcmp(word[0], "create") && words == 4) {
		for (int i = first; i < first + count; i++)
			create(w, i, word[3]);
	} else if (!strcmp(word[0], "hangup") && words == 3) {
		for (int i = first; i < first + count; i++)
			hang_up(w, i);
	} else if (!strcmp(word[0], "play") && words == 4 && count) {
		play_again_and_again(w, first, count, number(word[3]));
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	char *no_flags[] = { argv[0], NULL };
	struct settings *s = NULL;
	struct writer w;
	char why[256];

	if (argc < 4)
		usage();
	if (settings_load(&s, TOOL, 1, no_flags, NULL) || records_open("", "", why, sizeof(why)) < 0)
		return 2;
	log_threshold = LOG_WARN; /* a broker that has just started is asked again, and says so */
	open_writer(&w, s);
	if (!carry_out(&w, argc - 1, argv + 1))
		usage();
	close_writer(&w);
	records_close();
	settings_free(s);
	return 0;
}
