#include "process.h"

#include <stdarg.h>
#include <stdio.h>

#include "errnos.h"

int process_fd(const struct process *process, int name)
{
	const struct resource *resource = &process->resources[name];

	return resource->kind == RESOURCE_FD ? resource->fd : -1;
}

struct memory *process_memory(struct process *process, int name)
{
	const struct resource *resource = &process->resources[name];

	if (resource->kind == RESOURCE_MEMORY)
		return resource->memory;
	process_unsupported(process, "there is no memory %s", process->program->names[name]);
	return NULL;
}

void process_forget(struct process *process, int name)
{
	struct resource *resource = &process->resources[name];

	if (resource->kind == RESOURCE_MEMORY)
		resource->memory->named = false;
	*resource = (struct resource){ .kind = RESOURCE_NONE };
}

void process_name_fd(struct process *process, int name, int fd)
{
	process_forget(process, name);
	process->resources[name] = (struct resource){ .kind = RESOURCE_FD, .fd = fd };
}

void process_name_memory(struct process *process, int name, struct memory *memory)
{
	process_forget(process, name);
	process->resources[name] = (struct resource){ .kind = RESOURCE_MEMORY, .memory = memory };
	memory->name = name;
	memory->named = true;
	*process->last_memory = memory;
	process->last_memory = &memory->next;
}

void process_name_value(struct process *process, int name, uint64_t value)
{
	process_forget(process, name);
	process->resources[name] = (struct resource){ .kind = RESOURCE_VALUE, .value = value };
}

bool process_unsupported(struct process *process, const char *format, ...)
{
	struct channel *channel = process->channel;
	const struct op *op = &process->program->ops[channel->at_op];
	int length = snprintf(channel->detail, sizeof(channel->detail), "op %zu (%s): ", channel->at_op, op_names[op->kind]);
	va_list rest;

	va_start(rest, format);
	vsnprintf(channel->detail + length, sizeof(channel->detail) - (size_t)length, format, rest);
	va_end(rest);
	channel->end = END_UNSUPPORTED;
	return false;
}

void outcome_value(struct process *process, uint64_t value)
{
	text_add(&process->channel->outcomes, "{\"value\":");
	text_integer(&process->channel->outcomes, value);
}

void outcome_fd(struct process *process, int name, int fd)
{
	process_name_fd(process, name, fd);
	text_add(&process->channel->outcomes, "{\"fd\":");
	text_words(&process->channel->outcomes, process->program->names[name]);
}

void outcome_errno(struct process *process, int number)
{
	struct text *outcomes = &process->channel->outcomes;
	const char *name = errno_name(number);
	char digits[16];

	if (!name)
		snprintf(digits, sizeof(digits), "%d", number);
	text_add(outcomes, "{\"errno\":\"");
	text_add(outcomes, name ? name : digits);
	text_add(outcomes, "\"");
}

void outcome_status(struct process *process, int number)
{
	if (number)
		outcome_errno(process, number);
	else
		outcome_value(process, 0);
}

struct report {
	struct process *process;
	bool acting;
};

static void tell(void *context, const struct memory *memory, size_t at, const unsigned char *bytes, size_t length)
{
	const struct report *report = context;
	struct channel *channel = report->process->channel;
	const char *const *names = report->process->program->names;
	struct text *text = &channel->outcomes;

	// The program is over, and says why.
	if (channel->end != END_NONE)
		return;
	if (length > MOST_BYTES || channel->runs++ == MOST_RUNS) {
		process_unsupported(report->process, "more memory changed than an outcome may tell of");
		return;
	}
	text_add(text, channel->changed_open ? ",{" : ",\"changed\":[{");
	channel->changed_open = true;
	if (!report->acting) {
		text_add(text, "\"process\":");
		text_words(text, names[channel->processes[report->process->self].name]);
		text_add(text, ",");
	}
	text_add(text, "\"memory\":");
	text_words(text, names[memory->name]);
	text_add(text, ",\"at\":");
	text_integer(text, at);
	text_add(text, ",\"bytes\":");
	text_bytes(text, bytes, length);
	text_add(text, "}");
}

void outcome_changed(struct process *process, bool acting)
{
	struct report report = { process, acting };

	for (struct memory *memory = process->memories; memory; memory = memory->next)
		if (memory->named)
			memory_compare(memory, tell, &report);
}
