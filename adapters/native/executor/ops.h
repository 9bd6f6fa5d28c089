// Performing single ops.
#ifndef VFIO_CONFORM_OPS_H
#define VFIO_CONFORM_OPS_H

#include "process.h"

// Performs the op and begins its outcome. False if it cannot be performed here; the channel then says why.
typedef bool performer(struct process *process, const struct op *op);

performer perform_open, perform_close, perform_dup, perform_ioctl, perform_pread, perform_pwrite;
performer perform_mmap, perform_protect, perform_unmap, perform_discard, perform_poke, perform_peek;
performer perform_seek, perform_close_on_exec, perform_read_event, perform_truncate, perform_lock;
performer perform_dma;
performer perform_rlimit, perform_drop_capability, perform_set_parameter, perform_bind_driver, perform_unbind_driver;
performer perform_fork;

// Any op but exit, which needs someone else to see the process go.
performer perform;

// Stores what the op gives into memory, relocations resolved. 0 or EFAULT.
int store_bytes(struct process *process, struct memory *memory, uint64_t at, const struct bytes *bytes);

#endif
