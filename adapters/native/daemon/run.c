#define _GNU_SOURCE
#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "devices.h"
#include "json.h"
#include "keeper.h"
#include "log.h"
#include "sysfs.h"

enum { PATH = 512 };

static const double restore_seconds = 5;

struct saved_parameter {
	char path[PATH];
	char value[256];
};

static bool save(struct saved_parameter *saved, const char *module, const char *name)
{
	return !sysfs_parameter_path(saved->path, sizeof(saved->path), module, name) &&
	       sysfs_read(saved->path, saved->value, sizeof(saved->value));
}

// Saves the parameters that the program may change: those that it declares, and those that it sets.
static size_t save_all(const struct program *program, struct saved_parameter **saved)
{
	size_t most = program->parameter_count, count = 0;

	for (size_t i = 0; i < program->op_count; i++)
		most += program->ops[i].kind == OP_SET_PARAMETER;
	*saved = most ? calloc(most, sizeof(**saved)) : NULL;
	if (!*saved)
		return 0;
	for (size_t i = 0; i < program->parameter_count; i++)
		count += save(&(*saved)[count], program->parameters[i].module, program->parameters[i].name);
	for (size_t i = 0; i < program->op_count; i++)
		if (program->ops[i].kind == OP_SET_PARAMETER)
			count += save(&(*saved)[count], program->ops[i].module, program->ops[i].parameter);
	return count;
}

static void restore_parameters(const struct saved_parameter *saved, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char value[256];

		if (sysfs_read(saved[i].path, value, sizeof(value)) && strcmp(value, saved[i].value))
			sysfs_write(saved[i].path, saved[i].value);
	}
}

static void restore_drivers(void *context)
{
	const struct run *run = context;
	const struct program *program = run->program;

	for (size_t i = 0; i < program->changed_slot_count; i++)
		if (run->slots[program->changed_slots[i]])
			slot_restore(run->slots[program->changed_slots[i]]);
	for (size_t i = 0; i < program->op_count; i++) {
		const struct op *op = &program->ops[i];

		if ((op->kind == OP_BIND_DRIVER || op->kind == OP_UNBIND_DRIVER) && run->slots[op->slot])
			slot_restore(run->slots[op->slot]);
	}
}

static bool changes_drivers(const struct program *program)
{
	for (size_t i = 0; i < program->op_count; i++)
		if (program->ops[i].kind == OP_BIND_DRIVER || program->ops[i].kind == OP_UNBIND_DRIVER)
			return true;
	return program->changed_slot_count > 0;
}

// Whether a text is the outcomes of a program as far as JSON goes: objects, no more than there are ops, and nothing behind them.
static bool are_outcomes(const char *outcomes, size_t length, size_t op_count)
{
	static struct text copy; // reading changes it
	static struct arena arena;
	struct json_problem problem;
	const struct json *list;
	size_t count = 0;

	copy.length = 0;
	text_add(&copy, "[");
	text_put(&copy, outcomes, length);
	text_put(&copy, "]", 2);
	arena_reset(&arena);
	list = memchr(outcomes, '\n', length) ? NULL : json_read(copy.data, copy.length - 1, &arena, &problem);
	for (const struct json *one = list ? list->first : NULL; one; one = one->next)
		if (one->type != JSON_OBJECT || ++count > op_count)
			return false;
	return list && list->type == JSON_ARRAY;
}

// Adds the outcomes that the program published. What is none of its making, or damaged, would pass for messages of the daemon's.
static void add_outcomes(const struct run *run, struct fate *fate, struct text *text)
{
	const size_t before = text->length;

	text_put(text, channel_outcomes(*run->channel), fate->published);
	if (are_outcomes(text->data + before, fate->published, run->program->op_count))
		return;
	text->length = before;
	fate->end = END_CRASHED;
	snprintf(fate->detail, sizeof(fate->detail), "what its processes share with the daemon was overwritten");
}

struct fate run_program(const struct run *run, struct text *text)
{
	struct saved_parameter *saved;
	size_t saved_count = save_all(run->program, &saved);
	struct fate fate = keeper_run(run->program, run->slots, *run->channel, run->seconds);

	add_outcomes(run, &fate, text);
	text_add(text, "]");
	// The memory itself goes with the process that still has it. Without any other the next program has to make do.
	if (fate.left) {
		struct channel *fresh = channel_make();

		if (fresh) {
			munmap(*run->channel, sizeof(struct channel) + MOST_OUTCOMES);
			*run->channel = fresh;
		}
	}
	// In a process of its own: a driver that does not let go must not hold up the daemon.
	if (changes_drivers(run->program))
		keeper_apart(restore_drivers, (void *)(uintptr_t)run, restore_seconds);
	restore_parameters(saved, saved_count);
	free(saved);
	// Last: what the kernel has to say about the restoring belongs to the program that made it necessary.
	log_add(run->log, text);
	return fate;
}
