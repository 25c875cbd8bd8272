/* world_calls.c - calls and their commands; what became of them; see world.h */
#include "simulation/world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "result.h"

int world_call(struct world *w, int partition)
{
	struct told_call *c = &w->calls[w->call_count];
	uint8_t id[24] = { 0 };

	if (w->call_count == WORLD_CALLS)
		abort();
	id[2] = (uint8_t)partition;
	id[7] = (uint8_t)w->call_count;
	id[8] = (uint8_t)draw(w, 256);
	base64url_encode(c->id, id, sizeof(id));
	c->partition = partition;
	return w->call_count++;
}

static void give(struct world *w, struct told_call *c, struct call_command *cmd, const char *name)
{
	char id[UUID_SIZE];
	struct bytes value;

	uuid_derive(id, "command", c->id, name);
	cmd->command_id = id;
	cmd->call_leg_id = c->id;
	cmd->tenant = (char *)"default";
	cmd->callback_uri = (char *)"https://app.example/cb";
	cmd->accepted_at = clock_utc();
	if (record_encode(RECORD_CALL_COMMAND, cmd, &value) < 0)
		abort();
	world_log(w, "command %s for %s", command_kind_name(cmd->kind), c->id);
	kafka_append_command(w, c->partition, c->id, &value);
	free(value.data);
}

#define PHONES 4

static void create(struct world *w, int call, const char *phones, int64_t expires_at, const char *subject)
{
	struct told_call *c = &w->calls[call];
	struct identifier targets[PHONES];
	char numbers[PHONES][16];
	struct create_body body = { .source = { IDENTIFIER_PHONE, (char *)"+4680000000" },
		                    .targets = targets,
		                    .subject = (char *)subject,
		                    .dtmf_received = true };
	struct call_command cmd = { .kind = COMMAND_CREATE, .create = &body, .expires_at = expires_at };
	int used, script;

	for (; body.targets_count < PHONES && sscanf(phones, "%d%n", &script, &used) == 1; phones += used) {
		char *number = numbers[body.targets_count];

		snprintf(number, sizeof(numbers[0]), "+4670%04d%02d", call, script);
		targets[body.targets_count++] = (struct identifier){ IDENTIFIER_PHONE, number };
	}
	c->created = true;
	c->old = expires_at < clock_utc();
	give(w, c, &cmd, "create");
}

void world_create(struct world *w, int call, const char *phones)
{
	create(w, call, phones, clock_utc() + 3600 * CLOCK_SEC, NULL);
}

void world_create_until(struct world *w, int call, const char *phones, int64_t time)
{
	create(w, call, phones, clock_utc() + time, NULL);
}

void world_create_old(struct world *w, int call, const char *phones)
{
	create(w, call, phones, clock_utc() - 1, NULL);
}

void world_create_big(struct world *w, int call)
{
	char *subject = must_calloc(1, CALL_RECORD_MAX + 1);

	memset(subject, 'x', CALL_RECORD_MAX);
	create(w, call, "0", clock_utc() + 3600 * CLOCK_SEC, subject);
	free(subject);
}

static void play(struct world *w, int call, const char *name, const char *context, bool loop)
{
	struct play_body body = { .audio_file_uri = (char *)"https://app.example/a.wav", .loop = loop };
	struct call_command cmd = { .kind = COMMAND_PLAY,
		                    .play = &body,
		                    .operation_context = (char *)context };

	give(w, &w->calls[call], &cmd, name);
}

void world_play(struct world *w, int call, const char *name, const char *context)
{
	play(w, call, name, context, false);
}

void world_play_loop(struct world *w, int call, const char *name, const char *context)
{
	play(w, call, name, context, true);
}

void world_invite(struct world *w, int call, const char *name, const char *phones)
{
	struct identifier whom[PHONES];
	char numbers[PHONES][24];
	struct invite_body body = { .participants = whom };
	struct call_command cmd = { .kind = COMMAND_INVITE,
		                    .invite = &body,
		                    .operation_context = (char *)name };
	int used, script;

	/* the name's last letter tells the numbers of one invite from those of another */
	for (; body.participants_count < PHONES && sscanf(phones, "%d%n", &script, &used) == 1;
	     phones += used) {
		char *number = numbers[body.participants_count];

		snprintf(number, sizeof(numbers[0]), "+469%d%03d%02d", name[strlen(name) - 1] % 10, call,
		         script);
		whom[body.participants_count++] = (struct identifier){ IDENTIFIER_PHONE, number };
	}
	give(w, &w->calls[call], &cmd, name);
}

void world_remove(struct world *w, int call, const char *name, const char *of, int index)
{
	char command[UUID_SIZE], participant[UUID_SIZE], place[12];
	struct call_command cmd = { .kind = COMMAND_REMOVE, .participant_id = participant };

	uuid_derive(command, "command", w->calls[call].id, of);
	snprintf(place, sizeof(place), "%d", index);
	uuid_derive(participant, "participant", command, place);
	give(w, &w->calls[call], &cmd, name);
}

void world_delete(struct world *w, int call, const char *name)
{
	struct call_command cmd = { .kind = COMMAND_DELETE };

	give(w, &w->calls[call], &cmd, name);
}

void world_cancel(struct world *w, int call, const char *name)
{
	struct call_command cmd = { .kind = COMMAND_CANCEL };

	give(w, &w->calls[call], &cmd, name);
}

void world_hang_up(struct world *w, int call, const char *name)
{
	struct call_command cmd = { .kind = COMMAND_HANGUP };

	give(w, &w->calls[call], &cmd, name);
}

void world_repeat(struct world *w, int partition)
{
	const struct log *log = &w->kafka.commands[partition];
	struct log_record last;

	if (!log->count)
		return;
	last = log->records[log->count - 1];
	kafka_append_command(w, partition, last.key, &last.value);
}

void world_poison(struct world *w, int partition, size_t len)
{
	struct bytes poison = { must_calloc(1, len), len };

	world_log(w, "poison on %d", partition);
	memset(poison.data, 'p', len);
	kafka_append_command(w, partition, "poison", &poison);
	free(poison.data);
}

void world_create_misfit(struct world *w, int call)
{
	create(w, call, "", clock_utc() + 3600 * CLOCK_SEC, NULL);
}

void world_spoil(struct world *w, int call, bool spoilt)
{
	world_log(w, "redis: %s %s", w->calls[call].id, spoilt ? "can't be saved" : "can be saved again");
	w->calls[call].spoilt = spoilt;
	w->calls[call].was_spoilt |= spoilt;
}

void world_newer(struct world *w, int partition)
{
	static uint8_t newer[] = { 0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0 };

	kafka_append_command(w, partition, "newer", &(struct bytes){ newer, sizeof(newer) });
}

/* ---- what became of them ---- */

const char *world_outcome(const struct world *w, int call)
{
	return w->calls[call].final ? outcome_name(w->calls[call].outcome) : "";
}

int world_dials(const struct world *w, int call)
{
	return phone_dials((struct world *)w, w->calls[call].id);
}

int world_bridged(const struct world *w, int call)
{
	return phone_bridged((struct world *)w, w->calls[call].id);
}

int world_prompts(const struct world *w, int call)
{
	return phone_prompts((struct world *)w, w->calls[call].id);
}

size_t world_events(const struct world *w, int call)
{
	return w->calls[call].count;
}

const char *world_story(const struct world *w, int call)
{
	return w->calls[call].story;
}

int64_t world_committed(const struct world *w, int partition)
{
	return w->kafka.group.committed[partition];
}

int64_t world_commands(const struct world *w, int partition)
{
	return (int64_t)w->kafka.commands[partition].count;
}

size_t world_dead_letters(const struct world *w)
{
	return w->kafka.dead;
}
