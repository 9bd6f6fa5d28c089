// Ops on memories.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "descriptor.h"
#include "ops.h"

// Whether the program cuts a memory of that name.
static bool truncates(const struct program *program, int name)
{
	for (size_t i = 0; i < program->op_count; i++)
		if (program->ops[i].kind == OP_TRUNCATE && program->ops[i].memory == name)
			return true;
	return false;
}

bool perform_mmap(struct process *process, const struct op *op)
{
	struct mapping mapping = {
		.length = op->length,
		.protection = (enum protection)op->protection,
		.backing = (enum backing)op->choice,
		.untouched = op->fill == FILL_UNTOUCHED,
		.keep_file = truncates(process->program, op->as),
		.fd = op->choice == BACKING_FD ? process_fd(process, op->fd) : -1,
		.offset = op->offset,
	};
	const bool own_file = mapping.backing == BACKING_MEMFD || mapping.backing == BACKING_FILE;
	struct memory *memory;
	int error;

	if (own_file && mapping.keep_file && !descriptor_fits_aside())
		return process_unsupported(process, "its file cannot be kept out of the way of the program's descriptors");
	memory = calloc(1, sizeof(*memory));
	error = memory ? memory_map(memory, &mapping) : ENOMEM;
	if (error)
		free(memory);
	if (error == EMFILE && own_file)
		return process_unsupported(process, "there is no descriptor left to make its file with");
	if (!error)
		process_name_memory(process, op->as, memory);
	outcome_status(process, error);
	return true;
}

bool perform_protect(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);

	if (!memory)
		return false;
	outcome_status(process, memory_protect(memory, op->at, op->length, (enum protection)op->protection));
	return true;
}

bool perform_unmap(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);

	if (!memory)
		return false;
	outcome_status(process, memory_unmap(memory, op->at, op->length));
	return true;
}

bool perform_discard(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);

	if (!memory)
		return false;
	outcome_status(process, memory_discard(memory, op->at, op->length));
	return true;
}

bool perform_lock(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);

	if (!memory)
		return false;
	outcome_status(process, memory_lock(memory, op->at, op->length));
	return true;
}

bool perform_truncate(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);

	if (!memory)
		return false;
	if (memory->file < 0)
		return process_unsupported(process, "there is no file of its own behind the memory");
	if (op->length > memory_present(memory))
		return process_unsupported(process, "a file cannot be cut to more than is left of it");
	outcome_status(process, memory_truncate(memory, op->length));
	return true;
}

// What a name stands for in a relocation. One that stands for nothing is a descriptor that is not open.
static uint64_t resolve(const struct process *process, int name)
{
	const struct resource *resource = &process->resources[name];

	switch (resource->kind) {
	case RESOURCE_MEMORY:
		return (uint64_t)(uintptr_t)resource->memory->base;
	case RESOURCE_VALUE:
		return resource->value;
	case RESOURCE_FD:
		return (uint64_t)resource->fd;
	default:
		return UINT64_MAX;
	}
}

// The bytes with their relocations resolved, in `room` if that is enough.
static unsigned char *resolve_bytes(const struct process *process, const struct bytes *bytes, unsigned char *room, size_t size)
{
	unsigned char *resolved = bytes->length <= size ? room : malloc(bytes->length);

	if (!resolved)
		abort();
	if (bytes->length)
		memcpy(resolved, bytes->data, bytes->length);
	for (size_t i = 0; i < bytes->relocation_count; i++) {
		const struct relocation *relocation = &bytes->relocations[i];
		uint64_t value = resolve(process, relocation->ref) + relocation->add;

		for (unsigned int byte = 0; byte < relocation->width; byte++)
			resolved[relocation->at + byte] = (unsigned char)(value >> 8 * byte);
	}
	return resolved;
}

int store_bytes(struct process *process, struct memory *memory, uint64_t at, const struct bytes *bytes)
{
	unsigned char room[256];
	unsigned char *resolved = resolve_bytes(process, bytes, room, sizeof(room));
	int error = memory_store(memory, at, resolved, bytes->length);

	for (size_t i = 0; !error && i < bytes->relocation_count; i++)
		memory_relocated(memory, at + bytes->relocations[i].at, bytes->relocations[i].width);
	if (resolved != room)
		free(resolved);
	return error;
}

bool perform_poke(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);

	if (!memory)
		return false;
	outcome_status(process, store_bytes(process, memory, op->at, &op->bytes));
	return true;
}

bool perform_peek(struct process *process, const struct op *op)
{
	struct memory *memory = process_memory(process, op->memory);
	unsigned char *bytes = memory ? malloc(op->length + 1) : NULL;
	int error;

	if (!memory)
		return false;
	if (!bytes)
		return process_unsupported(process, "there is no memory for the bytes");
	error = memory_load(memory, op->at, bytes, op->length);
	outcome_status(process, error);
	if (!error) {
		memory_hide_relocations(memory, op->at, bytes, op->length);
		text_add(&process->channel->outcomes, ",\"bytes\":");
		text_bytes(&process->channel->outcomes, bytes, op->length);
	}
	free(bytes);
	return true;
}
