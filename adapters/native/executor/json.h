// A strict reader of JSON (RFC 8259), for one value in one buffer.
#ifndef VFIO_CONFORM_JSON_H
#define VFIO_CONFORM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "text.h"

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	bool integer;      // number: it is one, and fits `number`
	int64_t number;
	const char *key;   // within an object
	const char *text;  // string: its characters, NUL-terminated; number: as written, `length` long
	size_t length;
	struct json *first; // array, object: elements
	struct json *next;  // within an array or object
};

struct json_problem {
	char message[120];
	size_t position; // bytes from the start
};

// Reads the whole of `buffer`, which has one more byte than `length`. Strings are unescaped in place, and the
// value points into the buffer. NULL, and the problem reported, if it is not exactly one JSON value.
struct json *json_read(char *buffer, size_t length, struct arena *arena, struct json_problem *problem);

// The member with that key; NULL if `object` is no object or has none.
const struct json *json_member(const struct json *object, const char *key);

bool json_is_string(const struct json *value);

// Writes a value, without line breaks.
void json_write(const struct json *value, struct text *text);

#endif
