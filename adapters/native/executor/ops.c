#include "ops.h"

#include <string.h>

#include "permission.h"

static bool perform_barrier(struct process *process, const struct op *op)
{
	(void)op; // one op at a time: nothing is under way
	outcome_value(process, 0);
	return true;
}

static bool perform_inject(struct process *process, const struct op *op)
{
	int error = fault_prepare(&process->fault, op->nth);

	if (error)
		return process_unsupported(process, "the kernel cannot inject a fault: %s", strerror(error));
	outcome_value(process, 0);
	return true;
}

// Without a default, so that the compiler says which kind is left out.
static performer *performer_of(enum op_kind kind)
{
	switch (kind) {
	case OP_OPEN:
		return perform_open;
	case OP_CLOSE:
		return perform_close;
	case OP_DUP:
		return perform_dup;
	case OP_IOCTL:
		return perform_ioctl;
	case OP_MMAP:
		return perform_mmap;
	case OP_PROTECT:
		return perform_protect;
	case OP_UNMAP:
		return perform_unmap;
	case OP_DISCARD:
		return perform_discard;
	case OP_POKE:
		return perform_poke;
	case OP_PEEK:
		return perform_peek;
	case OP_PREAD:
		return perform_pread;
	case OP_PWRITE:
		return perform_pwrite;
	case OP_DMA:
		return perform_dma;
	case OP_FORK:
		return perform_fork;
	case OP_RLIMIT:
		return perform_rlimit;
	case OP_DROP_CAPABILITY:
		return perform_drop_capability;
	case OP_SET_PARAMETER:
		return perform_set_parameter;
	case OP_BIND_DRIVER:
		return perform_bind_driver;
	case OP_UNBIND_DRIVER:
		return perform_unbind_driver;
	case OP_INJECT:
		return perform_inject;
	case OP_BARRIER:
		return perform_barrier;
	case OP_SEEK:
		return perform_seek;
	case OP_CLOSE_ON_EXEC:
		return perform_close_on_exec;
	case OP_READ_EVENT:
		return perform_read_event;
	case OP_TRUNCATE:
		return perform_truncate;
	case OP_LOCK:
		return perform_lock;
	case OP_EXIT: // the runner's
	case OP_PLUG: // not supported
		break;
	}
	return NULL;
}

bool perform(struct process *process, const struct op *op)
{
	const char *refused = permission_refusal(process, op);
	const bool performed = refused ? process_unsupported(process, "%s", refused) : performer_of(op->kind)(process, op);

	// A fault is for one op, even for one that came to no system call.
	if (op->kind != OP_INJECT)
		fault_drop(&process->fault);
	return performed;
}
