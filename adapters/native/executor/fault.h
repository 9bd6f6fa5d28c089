// Faults that the kernel can inject: the nth allocation of an op's system call fails.
#ifndef VFIO_CONFORM_FAULT_H
#define VFIO_CONFORM_FAULT_H

#include <stdbool.h>

#include "program.h"

// Where the process file system is mounted.
extern const char *procfs_root;

// What is to fail in a process' next op.
struct fault {
	int nth; // 0: nothing
	int fd;  // through which it is set up
};

// Whether this kernel injects faults, and lets this process ask for them.
bool fault_possible(void);

// Whether faults reach that kind of op: it is one system call, made by fault_call.
bool fault_reaches(enum op_kind kind);

// Nothing is set up in the kernel yet. 0 or an errno.
int fault_prepare(struct fault *fault, int nth);

// Drops what was prepared.
void fault_drop(struct fault *fault);

// Makes a system call, with the fault that was prepared. As syscall(2): -1 and errno if it fails.
long fault_call(const struct fault *fault, long number, long first, long second, long third, long fourth);

#endif
