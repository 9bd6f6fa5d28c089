#include "ops.h"

#include <string.h>

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
		return process_unsupported(process, "the kernel cannot be told of a fault: %s", strerror(error));
	outcome_value(process, 0);
	return true;
}

bool perform(struct process *process, const struct op *op)
{
	static performer *const performers[OP_KINDS] = {
		[OP_OPEN] = perform_open,
		[OP_CLOSE] = perform_close,
		[OP_DUP] = perform_dup,
		[OP_IOCTL] = perform_ioctl,
		[OP_MMAP] = perform_mmap,
		[OP_PROTECT] = perform_protect,
		[OP_UNMAP] = perform_unmap,
		[OP_DISCARD] = perform_discard,
		[OP_POKE] = perform_poke,
		[OP_PEEK] = perform_peek,
		[OP_PREAD] = perform_pread,
		[OP_PWRITE] = perform_pwrite,
		[OP_DMA] = perform_dma,
		[OP_FORK] = perform_fork,
		[OP_RLIMIT] = perform_rlimit,
		[OP_DROP_CAPABILITY] = perform_drop_capability,
		[OP_SET_PARAMETER] = perform_set_parameter,
		[OP_BIND_DRIVER] = perform_bind_driver,
		[OP_UNBIND_DRIVER] = perform_unbind_driver,
		[OP_INJECT] = perform_inject,
		[OP_BARRIER] = perform_barrier,
		[OP_SEEK] = perform_seek,
		[OP_CLOSE_ON_EXEC] = perform_close_on_exec,
		[OP_READ_EVENT] = perform_read_event,
		[OP_TRUNCATE] = perform_truncate,
		[OP_LOCK] = perform_lock,
	};

	const bool performed = performers[op->kind](process, op);

	// A fault is for one op, even for one that came to no system call.
	if (op->kind != OP_INJECT)
		fault_drop(&process->fault);
	return performed;
}
