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
static const char *const drivers[] = { "vfio-pci", "host", NULL };
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

#define OP_NAME(kind, name) [OP_##kind] = #name,
const char *const op_names[OP_KINDS] = { EACH_OP_KIND(OP_NAME) };

// Without a default, so that the compiler says which kind is left out.
const struct field *op_fields(enum op_kind kind)
{
	switch (kind) {
	case OP_OPEN:
		return open_fields;
	case OP_CLOSE:
	case OP_CLOSE_ON_EXEC:
	case OP_READ_EVENT:
		return fd_fields;
	case OP_DUP:
		return dup_fields;
	case OP_IOCTL:
		return ioctl_fields;
	case OP_MMAP:
		return mmap_fields;
	case OP_PROTECT:
		return protect_fields;
	case OP_UNMAP:
	case OP_DISCARD:
	case OP_PEEK:
	case OP_LOCK:
		return range_fields;
	case OP_POKE:
		return poke_fields;
	case OP_PREAD:
	case OP_PWRITE:
		return transfer_fields;
	case OP_DMA:
		return dma_fields;
	case OP_FORK:
		return fork_fields;
	case OP_EXIT:
	case OP_BARRIER:
		return no_fields;
	case OP_RLIMIT:
		return rlimit_fields;
	case OP_DROP_CAPABILITY:
		return capability_fields;
	case OP_SET_PARAMETER:
		return parameter_fields;
	case OP_BIND_DRIVER:
		return bind_fields;
	case OP_UNBIND_DRIVER:
		return unbind_fields;
	case OP_INJECT:
		return inject_fields;
	case OP_SEEK:
		return seek_fields;
	case OP_TRUNCATE:
		return truncate_fields;
	case OP_PLUG:
		return plug_fields;
	}
	return NULL;
}
