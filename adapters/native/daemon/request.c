#define _GNU_SOURCE
#include "request.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "confined.h"
#include "limits.h"
#include "line.h"
#include "permission.h"
#include "run.h"
#include "support.h"

static void put_id(struct text *text, const struct json *id)
{
	text_put(text, id->text, id->length);
}

static bool is_id(const struct json *id)
{
	return id && id->type == JSON_NUMBER && id->integer && id->number >= 0;
}

static void refuse(struct daemon *daemon, const struct json *id, const char *message)
{
	text_add(&daemon->answer, "{\"type\":\"error\",");
	if (is_id(id)) {
		text_add(&daemon->answer, "\"id\":");
		put_id(&daemon->answer, id);
		text_add(&daemon->answer, ",");
	}
	text_add(&daemon->answer, "\"message\":");
	text_words(&daemon->answer, message);
	text_add(&daemon->answer, "}\n");
}

static void describe(struct daemon *daemon, const struct json *request)
{
	const struct json *protocol = json_member(request, "protocol");
	struct text *text = &daemon->answer;
	struct utsname system;
	bool comma = false;

	if (!protocol || protocol->type != JSON_NUMBER || !protocol->integer || protocol->number != 1) {
		refuse(daemon, NULL, "this executor speaks protocol 1 only");
		return;
	}
	uname(&system);
	text_add(text, "{\"type\":\"description\",\"protocol\":1,\"name\":\"linux\",\"version\":");
	text_words(text, system.release);
	text_add(text, ",\"ops\":[");
	for (int kind = 0; kind < OP_KINDS; kind++) {
		if (!op_supported((enum op_kind)kind))
			continue;
		text_add(text, comma ? "," : "");
		text_words(text, op_names[kind]);
		comma = true;
	}
	text_add(text, op_supported(OP_INJECT) ? "],\"faults\":[\"allocation\"]" : "]");
	text_add(text, ",\"environment\":");
	text_put(text, daemon->config.environment.data, daemon->config.environment.length);
	text_add(text, "}\n");
}

// The slots of the machine that the program's slots stand for, by name of the program. NULL if one is missing.
static const struct slot **bind_slots(struct daemon *daemon, const struct program *program, const struct json *given,
				      char *message, size_t room)
{
	const struct slot **slots = arena_take(&daemon->arena, program->name_count * sizeof(*slots));

	for (size_t i = 0; i < program->slot_count; i++) {
		const char *name = program->names[program->slots[i]];
		const struct json *target = json_member(given, name);

		if (!json_is_string(target)) {
			snprintf(message, room, "the request does not say which slot %.60s is", name);
			return NULL;
		}
		slots[program->slots[i]] = config_slot(&daemon->config, target->text, message, room);
		if (!slots[program->slots[i]])
			return NULL;
	}
	return slots;
}

static void result(struct daemon *daemon, const struct json *id, const struct program *program, const struct slot **slots,
		   const char *unsupported)
{
	static const char *const ends[] = {
		[END_COMPLETED] = "completed", [END_CRASHED] = "crashed", [END_HUNG] = "hung", [END_UNSUPPORTED] = "unsupported",
	};
	struct text *text = &daemon->answer;
	struct fate fate = { .end = END_UNSUPPORTED };

	text_add(text, "{\"type\":\"result\",\"id\":");
	put_id(text, id);
	if (!unsupported) {
		struct run run = { program, slots, &daemon->channel, daemon->timeout, daemon->log };

		text_add(text, ",\"outcomes\":[");
		fate = run_program(&run, text);
		unsupported = fate.detail;
	} else {
		text_add(text, ",\"outcomes\":[]");
	}
	text_add(text, ",\"end\":");
	text_words(text, ends[fate.end]);
	if (fate.end != END_COMPLETED) {
		text_add(text, ",\"detail\":");
		text_words(text, unsupported);
	}
	text_add(text, "}\n");
}

static void run(struct daemon *daemon, const struct json *request)
{
	const struct json *id = json_member(request, "id"), *given = json_member(request, "slots");
	const struct slot **slots;
	struct program *program;
	char message[200] = "";
	size_t slot_count = 0;

	if (!is_id(id)) {
		refuse(daemon, id, "id must be a number from 0 on");
		return;
	}
	if (!given || given->type != JSON_OBJECT) {
		refuse(daemon, id, "slots must be an object");
		return;
	}
	for (const struct json *one = given->first; one; one = one->next) {
		if (++slot_count > MOST_SLOTS) {
			refuse(daemon, id, "slots must have at most 64 members");
			return;
		}
	}
	program = program_read(json_member(request, "program"), &daemon->arena, message, sizeof(message));
	if (!program) {
		refuse(daemon, id, message);
		return;
	}
	if (!confined_program(program, message, sizeof(message))) {
		fprintf(stderr, "vfio-conformd: a program of uid %u, process %d, was not run: %s\n", daemon->peer.uid, daemon->peer.pid,
			message);
		result(daemon, id, program, NULL, message);
		return;
	}
	slots = program_supported(program, message, sizeof(message)) && permission_program(program, message, sizeof(message))
			? bind_slots(daemon, program, given, message, sizeof(message))
			: NULL;
	result(daemon, id, program, slots, slots ? NULL : message);
}

bool answer(struct daemon *daemon, char *line, size_t length)
{
	struct json_problem problem;
	const struct json *request, *type;

	daemon->answer.length = 0;
	arena_reset(&daemon->arena);
	if (length == LINE_TOO_LONG) {
		refuse(daemon, NULL, "a line has more than the 67108864 bytes that a message may have");
		return true;
	}
	request = json_read(line, length, &daemon->arena, &problem);
	if (!request) {
		char message[200];

		snprintf(message, sizeof(message), "byte %zu: %s", problem.position, problem.message);
		refuse(daemon, NULL, message);
		return true;
	}
	type = json_member(request, "type");
	if (!json_is_string(type))
		refuse(daemon, json_member(request, "id"), "a message is an object with a type");
	else if (!strcmp(type->text, "describe"))
		describe(daemon, request);
	else if (!strcmp(type->text, "run"))
		run(daemon, request);
	else if (!strcmp(type->text, "stop"))
		return false;
	else
		refuse(daemon, json_member(request, "id"), "the type must be describe, run or stop");
	return true;
}
