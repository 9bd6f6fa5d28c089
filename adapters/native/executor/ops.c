#include "ops.h"

static bool perform_barrier(struct process *process, const struct op *op)
{
	(void)op; // one op at a time: nothing is under way
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
		[OP_BARRIER] = perform_barrier,
	};

	if (!performers[op->kind])
		return process_unsupported(process, "this executor cannot perform it");
	return performers[op->kind](process, op);
}
