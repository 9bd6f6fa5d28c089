// The fields of each kind of op: which there are, what they hold, where they go.
#ifndef VFIO_CONFORM_FIELDS_H
#define VFIO_CONFORM_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"

enum field_type {
	FIELD_NAME,         // int
	FIELD_ACTOR,        // op.actor, op.in_thread
	FIELD_BOOLEAN,      // bool
	FIELD_INTEGER,      // uint64_t
	FIELD_OFFSET,       // uint64_t
	FIELD_INDEX,        // int
	FIELD_SLOT_DEVICE,  // int
	FIELD_WORD,         // int, index into words
	FIELD_PATH,         // const char *
	FIELD_SPELLING,     // const char *
	FIELD_MODULE_NAME,  // const char *
	FIELD_STRING,       // const char *
	FIELD_BYTES,        // op.bytes
	FIELD_RELOCATIONS,  // op.bytes
	FIELD_ARGUMENT,     // op.argument or op.memory, op.at, op.bytes
	FIELD_SAVES,        // op.saves
	FIELD_PRESENT,      // bool: an Integer, or what stands for one, that no op uses
	FIELD_IGNORED,      // anything that counts only where the op is not supported
};

struct field {
	const char *key;
	enum field_type type;
	bool optional;
	size_t place; // offset in struct op
	const char *const *words;
};

// Fields of that kind of op, up to one without key; `op`, `actor` and `concurrent` aside.
const struct field *op_fields(enum op_kind kind);

#endif
