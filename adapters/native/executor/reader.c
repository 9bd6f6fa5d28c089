#include "reader.h"

#include <stdio.h>
#include <string.h>

#include "limits.h"

bool wrong(struct reader *reader, const char *key, const char *must)
{
	snprintf(reader->message, reader->room, "%s%s%s %s", reader->where, *reader->where && *key ? "." : "", key, must);
	return false;
}

bool few(struct reader *reader, const struct json *list, const char *key, size_t most, size_t *count)
{
	char must[60];

	*count = 0;
	for (const struct json *one = list ? list->first : NULL; one; one = one->next) {
		if (++*count > most) {
			snprintf(must, sizeof(must), "must have at most %zu elements", most);
			return wrong(reader, key, must);
		}
	}
	return true;
}

bool is_short(struct reader *reader, const struct json *json, size_t most)
{
	char must[60];

	if (json->length <= most)
		return true;
	snprintf(must, sizeof(must), "must have at most %zu characters", most);
	return wrong(reader, json->key, must);
}

static uint32_t hash(const char *name, size_t length)
{
	uint32_t mixed = 2166136261u;

	for (size_t i = 0; i < length; i++)
		mixed = (mixed ^ (unsigned char)name[i]) * 16777619u;
	return mixed;
}

static void add_bucket(struct reader *reader, int number)
{
	const char *name = reader->names[number];
	size_t at = hash(name, strlen(name)) % reader->bucket_count;

	while (reader->buckets[at])
		at = (at + 1) % reader->bucket_count;
	reader->buckets[at] = number + 1;
}

static void grow(struct reader *reader)
{
	size_t room = reader->name_room ? 2 * reader->name_room : 16;
	const char **names = arena_take(reader->arena, room * sizeof(*names));

	if (reader->name_count)
		memcpy(names, reader->names, reader->name_count * sizeof(*names));
	reader->names = names;
	reader->name_room = room;
	reader->bucket_count = 2 * room;
	reader->buckets = arena_take(reader->arena, reader->bucket_count * sizeof(*reader->buckets));
	for (size_t i = 0; i < reader->name_count; i++)
		add_bucket(reader, (int)i);
}

int intern(struct reader *reader, const char *name, size_t length)
{
	char *copy;

	if (reader->name_count == reader->name_room)
		grow(reader);
	for (size_t at = hash(name, length) % reader->bucket_count; reader->buckets[at]; at = (at + 1) % reader->bucket_count) {
		int number = reader->buckets[at] - 1;

		if (!strncmp(reader->names[number], name, length) && !reader->names[number][length])
			return number;
	}
	copy = arena_take(reader->arena, length + 1);
	memcpy(copy, name, length);
	reader->names[reader->name_count] = copy;
	add_bucket(reader, (int)reader->name_count);
	return (int)reader->name_count++;
}

// Length of the name ([a-z][a-z0-9_]*) that the text starts with.
static size_t name_length(const char *text)
{
	return *text >= 'a' && *text <= 'z' ? strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
}

bool read_name(struct reader *reader, const struct json *json, int *name)
{
	size_t length = json_is_string(json) ? name_length(json->text) : 0;

	if (!length || length != json->length)
		return wrong(reader, json->key, "must be a name: a lower-case letter, then such letters, digits or _");
	if (!is_short(reader, json, MOST_NAME))
		return false;
	*name = intern(reader, json->text, length);
	return true;
}

bool read_actor(struct reader *reader, const struct json *json, struct op *op)
{
	size_t length = json_is_string(json) ? name_length(json->text) : 0;

	if (length && json->text[length] == '/') {
		op->in_thread = name_length(json->text + length + 1) == json->length - length - 1 && json->length > length + 1;
		if (!op->in_thread)
			length = 0;
	}
	if (!length || (!op->in_thread && length != json->length))
		return wrong(reader, json->key, "must be the name of a process, or process/thread");
	if (length > MOST_NAME || (op->in_thread && json->length - length - 1 > MOST_NAME))
		return is_short(reader, json, op->in_thread ? MOST_NAME * 2 + 1 : MOST_NAME) &&
		       wrong(reader, json->key, "must have names of at most 64 characters");
	op->actor = intern(reader, json->text, length);
	return true;
}

bool read_integer(struct reader *reader, const struct json *json, uint64_t *value)
{
	const char *digits;

	if (json->type == JSON_NUMBER && json->integer && json->number >= -INT64_C(0x80000000) &&
	    json->number <= INT64_C(0x80000000)) {
		*value = (uint64_t)json->number;
		return true;
	}
	if (!json_is_string(json) || json->length < 3 || json->length > 18 || strncmp(json->text, "0x", 2))
		return wrong(reader, json->key, "must be a number from -2^31 to 2^31, or a string such as \"0x1000\"");
	digits = json->text + 2;
	if (strspn(digits, "0123456789abcdef") != json->length - 2 || (*digits == '0' && digits[1]))
		return wrong(reader, json->key, "must be 0x and lower-case hexadecimal digits, without leading zeros");
	*value = 0;
	for (; *digits; digits++)
		*value = *value << 4 | (uint64_t)(*digits <= '9' ? *digits - '0' : *digits - 'a' + 10);
	return true;
}

bool read_offset(struct reader *reader, const struct json *json, uint64_t *value)
{
	if (json->type != JSON_NUMBER || !json->integer || json->number < 0 || json->number > INT64_C(0x80000000))
		return wrong(reader, json->key, "must be a number from 0 to 2^31");
	*value = (uint64_t)json->number;
	return true;
}

bool read_index(struct reader *reader, const struct json *json, int *value)
{
	if (json->type != JSON_NUMBER || !json->integer || json->number < 0 || json->number > INT32_MAX)
		return wrong(reader, json->key, "must be a number from 0 on");
	*value = (int)json->number;
	return true;
}

bool read_word(struct reader *reader, const struct json *json, const char *const *words, int *value)
{
	char list[100] = "must be one of:";

	if (json_is_string(json)) {
		for (*value = 0; words[*value]; ++*value)
			if (!strcmp(words[*value], json->text))
				return true;
	}
	for (size_t i = 0; words[i]; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s %s", i ? "," : "", words[i]);
	return wrong(reader, json->key, list);
}

bool read_module_name(struct reader *reader, const struct json *json, const char **value)
{
	if (!json_is_string(json) || !json->length ||
	    strspn(json->text, "abcdefghijklmnopqrstuvwxyz0123456789_") != json->length)
		return wrong(reader, json->key, "must be lower-case letters, digits or _");
	if (!is_short(reader, json, MOST_NAME))
		return false;
	*value = json->text;
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_bytes(struct reader *reader, const struct json *json, struct bytes *bytes)
{
	unsigned char *data;

	if (!json_is_string(json) || json->length % 2)
		return wrong(reader, json->key, "must be a string of pairs of hexadecimal digits");
	if (!is_short(reader, json, 2 * MOST_BYTES))
		return false;
	data = arena_take(reader->arena, json->length / 2);
	for (size_t i = 0; i < json->length; i += 2) {
		int high = digit(json->text[i]), low = digit(json->text[i + 1]);

		if (high < 0 || low < 0)
			return wrong(reader, json->key, "must be a string of pairs of lower-case hexadecimal digits");
		data[i / 2] = (unsigned char)(high << 4 | low);
	}
	bytes->data = data;
	bytes->length = json->length / 2;
	return true;
}

static bool read_width(struct reader *reader, const struct json *json, unsigned int *width)
{
	if (json->type != JSON_NUMBER || !json->integer || (json->number != 4 && json->number != 8))
		return wrong(reader, json->key, "must be 4 or 8");
	*width = (unsigned int)json->number;
	return true;
}

static bool read_relocation(struct reader *reader, const struct json *json, struct relocation *relocation)
{
	relocation->ref = NO_NAME;
	if (json->type != JSON_OBJECT)
		return wrong(reader, "relocations", "must be objects");
	for (const struct json *one = json->first; one; one = one->next) {
		bool good = !strcmp(one->key, "at")      ? read_offset(reader, one, &relocation->at)
			    : !strcmp(one->key, "width") ? read_width(reader, one, &relocation->width)
			    : !strcmp(one->key, "ref")   ? read_name(reader, one, &relocation->ref)
			    : !strcmp(one->key, "add")   ? read_integer(reader, one, &relocation->add)
							 : wrong(reader, one->key, "is not a field of a relocation");

		if (!good)
			return false;
	}
	if (!json_member(json, "at") || !relocation->width || relocation->ref == NO_NAME)
		return wrong(reader, "relocations", "need at, width and ref");
	return true;
}

bool read_relocations(struct reader *reader, const struct json *json, struct bytes *bytes)
{
	struct relocation *relocations;

	if (json->type != JSON_ARRAY)
		return wrong(reader, json->key, "must be a list");
	if (!few(reader, json, json->key, MOST_PARTS, &bytes->relocation_count))
		return false;
	bytes->relocations = relocations = arena_take(reader->arena, bytes->relocation_count * sizeof(*relocations));
	for (const struct json *one = json->first; one; one = one->next)
		if (!read_relocation(reader, one, relocations++))
			return false;
	return true;
}

static bool read_save(struct reader *reader, const struct json *json, struct save *save)
{
	save->name = NO_NAME;
	if (json->type != JSON_OBJECT)
		return wrong(reader, "save", "must be a list of objects");
	for (const struct json *one = json->first; one; one = one->next) {
		bool good = !strcmp(one->key, "name")    ? read_name(reader, one, &save->name)
			    : !strcmp(one->key, "at")    ? read_offset(reader, one, &save->at)
			    : !strcmp(one->key, "width") ? read_width(reader, one, &save->width)
							 : wrong(reader, one->key, "is not a field of save");

		if (!good)
			return false;
	}
	if (save->name == NO_NAME || !json_member(json, "at") || !save->width)
		return wrong(reader, "save", "needs name, at and width");
	return true;
}

bool read_saves(struct reader *reader, const struct json *json, struct op *op)
{
	struct save *saves;

	if (json->type != JSON_ARRAY)
		return wrong(reader, json->key, "must be a list");
	if (!few(reader, json, json->key, MOST_PARTS, &op->save_count))
		return false;
	op->saves = saves = arena_take(reader->arena, op->save_count * sizeof(*saves));
	for (const struct json *one = json->first; one; one = one->next)
		if (!read_save(reader, one, saves++))
			return false;
	return true;
}

bool read_argument(struct reader *reader, const struct json *json, struct op *op)
{
	bool value = json_member(json, "value"), at = false;

	if (json->type != JSON_OBJECT)
		return wrong(reader, json->key, "must be an object");
	for (const struct json *one = json->first; one; one = one->next) {
		bool good;

		if (value)
			good = !strcmp(one->key, "value") ? read_integer(reader, one, &op->argument)
							  : wrong(reader, one->key, "cannot stand next to value");
		else if (!strcmp(one->key, "memory"))
			good = read_name(reader, one, &op->memory);
		else if (!strcmp(one->key, "at"))
			good = at = read_offset(reader, one, &op->at);
		else if (!strcmp(one->key, "bytes"))
			good = op->has_bytes = read_bytes(reader, one, &op->bytes);
		else if (!strcmp(one->key, "relocations"))
			good = read_relocations(reader, one, &op->bytes);
		else
			good = wrong(reader, one->key, "is not a field of an argument");
		if (!good)
			return false;
	}
	if (!value && (op->memory == NO_NAME || !at))
		return wrong(reader, json->key, "must be a value, or a memory and at");
	return true;
}
