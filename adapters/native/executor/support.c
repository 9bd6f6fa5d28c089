#include "support.h"

#include <stdio.h>

#include "fault.h"
#include "memory.h"

bool op_supported(enum op_kind kind)
{
	return kind != OP_PLUG && (kind != OP_INJECT || fault_possible());
}

// What is wrong with the actor's next op, into which a fault is to be injected; NULL if there is none, or a good one.
static const char *wrong_with_next(const struct program *program, size_t at)
{
	for (size_t i = at + 1; i < program->op_count; i++) {
		const struct op *next = &program->ops[i];

		if (next->actor != program->ops[at].actor)
			continue;
		// The kernel takes one number.
		if (next->kind == OP_INJECT)
			return "only one fault can be injected into an op";
		return fault_reaches(next->kind) ? NULL : "a fault cannot be injected into the op after it";
	}
	return NULL;
}

bool program_supported(const struct program *program, char *message, size_t room)
{
	for (size_t i = 0; i < program->op_count; i++) {
		const struct op *op = &program->ops[i];
		const char *what = op->kind == OP_INJECT ? wrong_with_next(program, i) : NULL;

		if (!op_supported(op->kind))
			what = "this executor cannot perform it";
		else if (op->in_thread)
			what = "this executor has no threads";
		else if (op->concurrent)
			what = "this executor runs one op at a time";
		else if (op->kind == OP_EXIT && op->actor == program->main)
			what = "the process main cannot exit";
		else if (op->kind == OP_DMA && op->has_pasid)
			what = "the device knows no PASIDs";
		else if (op->kind == OP_INJECT && op->choice != FAULT_ALLOCATION)
			what = "only allocations can be made to fail";
		else if ((op->kind == OP_MMAP || op->kind == OP_TRUNCATE) && op->length % page_size())
			what = "the length is not a multiple of the page size";
		if (what) {
			snprintf(message, room, "op %zu (%s): %s", i, op_names[op->kind], what);
			return false;
		}
	}
	return true;
}
