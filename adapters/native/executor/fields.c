#include "fields.h"

#define PLACE(member) offsetof(struct op, member)

static const char *const whats[] = { "container", "group", "device", "path", "pipe", "event", NULL };
static const char *const accesses[] = { "read-write", "read", "write", "path", NULL };
static const char *const protections[] = { "read-write", "none", "read", "write", NULL };
static const char *const backings[] = { "anonymous", "shared", "memfd", "file", "fd", NULL };
static const char *const fills[] = { "ff", "untouched", NULL };
static const char *const directions[] = { "from-memory", "to-memory", NULL };
static const char *const limits[] = { "memlock", "nofile", NULL };
static const char *const capabilities[] = { "ipc_lock", "sys_admin", "sys_rawio", "sys_resource", "all", NULL };
static const char *const drivers[] = { "vfio-pci", "native", NULL };
static const char *const faults[] = { "allocation", "copy", "driver", NULL };

static const struct field open_fields[] = {
	{ "what", FIELD_WORD, false, PLACE(choice), whats },
	{ "slot", FIELD_NAME, true, PLACE(slot), NULL },
	{ "group", FIELD_NAME, true, PLACE(group), NULL },
	{ "device", FIELD_INDEX, true, PLACE(device), NULL },
	{ "spelling", FIELD_SPELLING, true, PLACE(spelling), NULL },
	{ "path", FIELD_PATH, true, PLACE(path), NULL },
	{ "access", FIELD_WORD, true, PLACE(access), accesses },
	{ "as", FIELD_NAME, false, PLACE(as), NULL },
	{ 0 },
};
static const struct field fd_fields[] = {
	{ "fd", FIELD_NAME, false, PLACE(fd), NULL },
	{ 0 },
};
static const struct field seek_fields[] = {
	{ "fd", FIELD_NAME, false, PLACE(fd), NULL },
	{ "offset", FIELD_INTEGER, false, PLACE(offset), NULL },
	{ 0 },
};
static const struct field dup_fields[] = {
	{ "fd", FIELD_NAME, false, PLACE(fd), NULL },
	{ "as", FIELD_NAME, false, PLACE(as), NULL },
	{ 0 },
};
static const struct field ioctl_fields[] = {
	{ "fd", FIELD_NAME, false, PLACE(fd), NULL },
	{ "number", FIELD_INTEGER, false, PLACE(number), NULL },
	{ "argument", FIELD_ARGUMENT, false, 0, NULL },
	{ "save", FIELD_SAVES, true, 0, NULL },
	{ "as", FIELD_NAME, true, PLACE(as), NULL },
	{ 0 },
};
static const struct field mmap_fields[] = {
	{ "as", FIELD_NAME, false, PLACE(as), NULL },
	{ "length", FIELD_OFFSET, false, PLACE(length), NULL },
	{ "protection", FIELD_WORD, true, PLACE(protection), protections },
	{ "backing", FIELD_WORD, true, PLACE(choice), backings },
	{ "fd", FIELD_NAME, true, PLACE(fd), NULL },
	{ "offset", FIELD_INTEGER, true, PLACE(offset), NULL },
	{ "fill", FIELD_WORD, true, PLACE(fill), fills },
	{ 0 },
};
static const struct field protect_fields[] = {
	{ "memory", FIELD_NAME, false, PLACE(memory), NULL },
	{ "at", FIELD_OFFSET, false, PLACE(at), NULL },
	{ "length", FIELD_OFFSET, false, PLACE(length), NULL },
	{ "protection", FIELD_WORD, false, PLACE(protection), protections },
	{ 0 },
};
static const struct field range_fields[] = {
	{ "memory", FIELD_NAME, false, PLACE(memory), NULL },
	{ "at", FIELD_OFFSET, false, PLACE(at), NULL },
	{ "length", FIELD_OFFSET, false, PLACE(length), NULL },
	{ 0 },
};
static const struct field truncate_fields[] = {
	{ "memory", FIELD_NAME, false, PLACE(memory), NULL },
	{ "length", FIELD_OFFSET, false, PLACE(length), NULL },
	{ 0 },
};
static const struct field poke_fields[] = {
	{ "memory", FIELD_NAME, false, PLACE(memory), NULL },
	{ "at", FIELD_OFFSET, false, PLACE(at), NULL },
	{ "bytes", FIELD_BYTES, false, 0, NULL },
	{ "relocations", FIELD_RELOCATIONS, true, 0, NULL },
	{ 0 },
};
static const struct field transfer_fields[] = {
	{ "fd", FIELD_NAME, false, PLACE(fd), NULL },
	{ "offset", FIELD_INTEGER, false, PLACE(offset), NULL },
	{ "memory", FIELD_NAME, false, PLACE(memory), NULL },
	{ "at", FIELD_OFFSET, false, PLACE(at), NULL },
	{ "length", FIELD_OFFSET, false, PLACE(length), NULL },
	{ 0 },
};
static const struct field dma_fields[] = {
	{ "device", FIELD_NAME, false, PLACE(fd), NULL },
	{ "direction", FIELD_WORD, false, PLACE(choice), directions },
	{ "iova", FIELD_INTEGER, false, PLACE(iova), NULL },
	{ "length", FIELD_OFFSET, false, PLACE(length), NULL },
	{ "at", FIELD_OFFSET, true, PLACE(at), NULL },
	{ "pasid", FIELD_PRESENT, true, PLACE(has_pasid), NULL },
	{ 0 },
};
static const struct field fork_fields[] = {
	{ "as", FIELD_NAME, false, PLACE(as), NULL },
	{ 0 },
};
static const struct field no_fields[] = {
	{ 0 },
};
static const struct field rlimit_fields[] = {
	{ "resource", FIELD_WORD, false, PLACE(choice), limits },
	{ "value", FIELD_INTEGER, false, PLACE(number), NULL },
	{ 0 },
};
static const struct field capability_fields[] = {
	{ "capability", FIELD_WORD, false, PLACE(choice), capabilities },
	{ 0 },
};
static const struct field parameter_fields[] = {
	{ "module", FIELD_MODULE_NAME, false, PLACE(module), NULL },
	{ "parameter", FIELD_MODULE_NAME, false, PLACE(parameter), NULL },
	{ "value", FIELD_STRING, false, PLACE(value), NULL },
	{ 0 },
};
static const struct field bind_fields[] = {
	{ "slot", FIELD_NAME, false, PLACE(slot), NULL },
	{ "device", FIELD_SLOT_DEVICE, false, PLACE(device), NULL },
	{ "driver", FIELD_WORD, false, PLACE(choice), drivers },
	{ 0 },
};
static const struct field unbind_fields[] = {
	{ "slot", FIELD_NAME, false, PLACE(slot), NULL },
	{ "device", FIELD_SLOT_DEVICE, false, PLACE(device), NULL },
	{ 0 },
};
static const struct field plug_fields[] = {
	{ "slot", FIELD_NAME, false, PLACE(slot), NULL },
	{ 0 },
};
static const struct field inject_fields[] = {
	{ "fault", FIELD_WORD, false, PLACE(choice), faults },
	{ "nth", FIELD_INDEX, false, PLACE(nth), NULL },
	{ "errno", FIELD_IGNORED, true, 0, NULL },
	{ 0 },
};

const char *const op_names[OP_KINDS] = {
	[OP_OPEN] = "open", [OP_CLOSE] = "close", [OP_DUP] = "dup", [OP_IOCTL] = "ioctl", [OP_MMAP] = "mmap",
	[OP_PROTECT] = "protect", [OP_UNMAP] = "unmap", [OP_DISCARD] = "discard", [OP_POKE] = "poke",
	[OP_PEEK] = "peek", [OP_PREAD] = "pread", [OP_PWRITE] = "pwrite", [OP_DMA] = "dma", [OP_FORK] = "fork",
	[OP_EXIT] = "exit", [OP_RLIMIT] = "rlimit", [OP_DROP_CAPABILITY] = "drop_capability",
	[OP_SET_PARAMETER] = "set_parameter", [OP_BIND_DRIVER] = "bind_driver",
	[OP_UNBIND_DRIVER] = "unbind_driver", [OP_INJECT] = "inject", [OP_BARRIER] = "barrier",
	[OP_SEEK] = "seek", [OP_CLOSE_ON_EXEC] = "close_on_exec", [OP_READ_EVENT] = "read_event",
	[OP_TRUNCATE] = "truncate", [OP_LOCK] = "lock", [OP_PLUG] = "plug",
};

const struct field *const op_fields[OP_KINDS] = {
	[OP_OPEN] = open_fields, [OP_CLOSE] = fd_fields, [OP_DUP] = dup_fields, [OP_IOCTL] = ioctl_fields,
	[OP_MMAP] = mmap_fields, [OP_PROTECT] = protect_fields, [OP_UNMAP] = range_fields,
	[OP_DISCARD] = range_fields, [OP_POKE] = poke_fields, [OP_PEEK] = range_fields,
	[OP_PREAD] = transfer_fields, [OP_PWRITE] = transfer_fields, [OP_DMA] = dma_fields,
	[OP_FORK] = fork_fields, [OP_EXIT] = no_fields, [OP_RLIMIT] = rlimit_fields,
	[OP_DROP_CAPABILITY] = capability_fields, [OP_SET_PARAMETER] = parameter_fields,
	[OP_BIND_DRIVER] = bind_fields, [OP_UNBIND_DRIVER] = unbind_fields, [OP_INJECT] = inject_fields,
	[OP_BARRIER] = no_fields, [OP_SEEK] = seek_fields, [OP_CLOSE_ON_EXEC] = fd_fields,
	[OP_READ_EVENT] = fd_fields, [OP_TRUNCATE] = truncate_fields, [OP_LOCK] = range_fields,
	[OP_PLUG] = plug_fields,
};
