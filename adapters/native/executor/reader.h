// Reading the parts of a program: single values, each checked against the vocabulary.
#ifndef VFIO_CONFORM_READER_H
#define VFIO_CONFORM_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"

struct reader {
	struct arena *arena;
	const char **names;
	size_t name_count;
	size_t name_room;
	int *buckets; // hash table of names: number + 1
	size_t bucket_count;
	char where[64]; // path of what is being read
	char *message;
	size_t room;
};

// Reports what is wrong at reader->where, then gives false.
bool wrong(struct reader *reader, const char *key, const char *must);

// The number of a name; new names get the next one.
int intern(struct reader *reader, const char *name, size_t length);

// Whether a list or object has no more elements than that; otherwise reports it. Counts no further.
bool few(struct reader *reader, const struct json *list, const char *key, size_t most, size_t *count);

// Whether a string is no longer than that; otherwise reports it.
bool is_short(struct reader *reader, const struct json *json, size_t most);

bool read_name(struct reader *reader, const struct json *json, int *name);
bool read_actor(struct reader *reader, const struct json *json, struct op *op);
bool read_integer(struct reader *reader, const struct json *json, uint64_t *value);
bool read_offset(struct reader *reader, const struct json *json, uint64_t *value);
bool read_index(struct reader *reader, const struct json *json, int *value);
bool read_word(struct reader *reader, const struct json *json, const char *const *words, int *value);
bool read_module_name(struct reader *reader, const struct json *json, const char **value);
bool read_bytes(struct reader *reader, const struct json *json, struct bytes *bytes);
bool read_relocations(struct reader *reader, const struct json *json, struct bytes *bytes);
bool read_saves(struct reader *reader, const struct json *json, struct op *op);
bool read_argument(struct reader *reader, const struct json *json, struct op *op);

#endif
