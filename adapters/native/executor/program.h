// A program as data, read from JSON and checked against the vocabulary.
#ifndef VFIO_CONFORM_PROGRAM_H
#define VFIO_CONFORM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "json.h"
#include "op_kinds.h"

#define OP_KIND(kind, name) OP_##kind,
#define OP_KIND_COUNT(kind, name) + 1
enum op_kind { EACH_OP_KIND(OP_KIND) };
enum { OP_KINDS = 0 EACH_OP_KIND(OP_KIND_COUNT) };
#undef OP_KIND
#undef OP_KIND_COUNT

enum what { WHAT_CONTAINER, WHAT_GROUP, WHAT_DEVICE, WHAT_PATH, WHAT_PIPE, WHAT_EVENT };
enum access { ACCESS_READ_WRITE, ACCESS_READ, ACCESS_WRITE, ACCESS_PATH };
enum protection { PROTECTION_READ_WRITE, PROTECTION_NONE, PROTECTION_READ, PROTECTION_WRITE };
enum backing { BACKING_ANONYMOUS, BACKING_SHARED, BACKING_MEMFD, BACKING_FILE, BACKING_FD };
enum fill { FILL_FF, FILL_UNTOUCHED };
enum direction { DIRECTION_FROM_MEMORY, DIRECTION_TO_MEMORY };
enum limit { LIMIT_MEMLOCK, LIMIT_NOFILE };
enum capability {
	CAPABILITY_IPC_LOCK, CAPABILITY_SYS_ADMIN, CAPABILITY_SYS_RAWIO, CAPABILITY_SYS_RESOURCE, CAPABILITY_ALL
};
enum fault_kind { FAULT_ALLOCATION, FAULT_COPY, FAULT_DRIVER };
enum driver { DRIVER_VFIO_PCI, DRIVER_NATIVE };

// Names are numbers from 0 on, into program.names.
enum { NO_NAME = -1, DEVICE_OF_HOST_DRIVER = -1 };

struct relocation {
	uint64_t at;
	unsigned int width;
	int ref;
	uint64_t add;
};

struct bytes {
	const unsigned char *data;
	size_t length;
	const struct relocation *relocations;
	size_t relocation_count;
};

struct save {
	int name;
	uint64_t at;
	unsigned int width;
};

// One op. What its kind does not use has no meaning.
struct op {
	enum op_kind kind;
	int actor;
	bool in_thread;
	bool concurrent;
	int as;
	int fd;
	int group;
	int memory;
	int slot;
	int device; // index in the slot, or DEVICE_OF_HOST_DRIVER
	int choice; // what, backing, direction, resource, capability, driver or fault
	int nth; // of the fault
	int access;
	int protection;
	int fill;
	const char *path;
	const char *spelling; // of the device's name; NULL for the name itself
	const char *module;
	const char *parameter;
	const char *value;
	uint64_t number; // of the ioctl; the limit
	uint64_t offset;
	uint64_t iova;
	uint64_t at;
	uint64_t length;
	uint64_t argument;
	bool has_pasid;
	bool has_bytes;
	struct bytes bytes;
	const struct save *saves;
	size_t save_count;
};

struct parameter {
	const char *module;
	const char *name;
};

struct program {
	const char *id;
	const char **names;
	size_t name_count;
	int main; // the name of the first process
	int *slots;
	size_t slot_count;
	struct parameter *parameters; // declared changes
	size_t parameter_count;
	int *changed_slots;
	size_t changed_slot_count;
	struct op *ops;
	size_t op_count;
};

extern const char *const op_names[OP_KINDS];

// Reads a program. NULL, and the message says where and what, if it is not one.
struct program *program_read(const struct json *json, struct arena *arena, char *message, size_t room);

#endif
