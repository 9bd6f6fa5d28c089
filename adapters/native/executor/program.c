#include "program.h"

#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "limits.h"
#include "reader.h"

static bool read_string(struct reader *reader, const struct json *json, size_t most, const char **text)
{
	if (!json_is_string(json))
		return wrong(reader, json->key, "must be a string");
	*text = json->text;
	return is_short(reader, json, most);
}

static bool read_boolean(struct reader *reader, const struct json *json, bool *value)
{
	if (json->type != JSON_TRUE && json->type != JSON_FALSE)
		return wrong(reader, json->key, "must be true or false");
	*value = json->type == JSON_TRUE;
	return true;
}

// Text with {name} or {cut} in it, once at most, and no other braces.
static bool read_spelling(struct reader *reader, const struct json *json, const char **spelling)
{
	const char *brace;

	if (!read_string(reader, json, MOST_SPELLING, spelling))
		return false;
	brace = strpbrk(*spelling, "{}");
	if (brace && !strncmp(brace, "{name}", 6))
		brace = strpbrk(brace + 6, "{}");
	else if (brace && !strncmp(brace, "{cut}", 5))
		brace = strpbrk(brace + 5, "{}");
	return !brace || wrong(reader, json->key, "may have {name} or {cut} once, and no other braces");
}

static bool read_slot_device(struct reader *reader, const struct json *json, int *device)
{
	if (json_is_string(json) && !strcmp(json->text, "bound_to_host_driver")) {
		*device = DEVICE_OF_HOST_DRIVER;
		return true;
	}
	return read_index(reader, json, device);
}

static bool read_field(struct reader *reader, const struct field *field, const struct json *json, struct op *op)
{
	void *place = (char *)op + field->place;
	uint64_t ignored;

	switch (field->type) {
	case FIELD_NAME:
		return read_name(reader, json, place);
	case FIELD_ACTOR:
		return read_actor(reader, json, op);
	case FIELD_BOOLEAN:
		return read_boolean(reader, json, place);
	case FIELD_INTEGER:
		return read_integer(reader, json, place);
	case FIELD_OFFSET:
		return read_offset(reader, json, place);
	case FIELD_INDEX:
		return read_index(reader, json, place);
	case FIELD_SLOT_DEVICE:
		return read_slot_device(reader, json, place);
	case FIELD_WORD:
		return read_word(reader, json, field->words, place);
	case FIELD_PATH:
		if (!json_is_string(json) || *json->text != '/')
			return wrong(reader, json->key, "must be a path from /");
		return read_string(reader, json, MOST_PATH, place);
	case FIELD_SPELLING:
		return read_spelling(reader, json, place);
	case FIELD_MODULE_NAME:
		return read_module_name(reader, json, place);
	case FIELD_STRING:
		return read_string(reader, json, MOST_PATH, place);
	case FIELD_BYTES:
		return op->has_bytes = read_bytes(reader, json, &op->bytes);
	case FIELD_RELOCATIONS:
		return read_relocations(reader, json, &op->bytes);
	case FIELD_ARGUMENT:
		return read_argument(reader, json, op);
	case FIELD_SAVES:
		return read_saves(reader, json, op);
	case FIELD_PRESENT:
		return *(bool *)place = json->type == JSON_OBJECT || read_integer(reader, json, &ignored);
	case FIELD_IGNORED:
		return true;
	}
	return false;
}

static const struct field common_fields[] = {
	{ "actor", FIELD_ACTOR, true, 0, NULL },
	{ "concurrent", FIELD_BOOLEAN, true, offsetof(struct op, concurrent), NULL },
	{ 0 },
};

static const struct field *find(const struct field *fields, const char *key)
{
	for (; fields->key; fields++)
		if (!strcmp(fields->key, key))
			return fields;
	return NULL;
}

// What the schema says in words only: which optional fields an op needs after all.
static bool complete(struct reader *reader, const struct op *op)
{
	const struct bytes *bytes = &op->bytes;

	if (op->kind == OP_OPEN) {
		if ((op->choice == WHAT_GROUP || op->choice == WHAT_DEVICE) && op->slot == NO_NAME)
			return wrong(reader, "slot", "is missing");
		if (op->choice == WHAT_DEVICE && op->group == NO_NAME)
			return wrong(reader, "group", "is missing");
		if (op->choice == WHAT_PATH && !op->path)
			return wrong(reader, "path", "is missing");
	}
	if (op->kind == OP_MMAP && op->choice == BACKING_FD && op->fd == NO_NAME)
		return wrong(reader, "fd", "is missing");
	if (op->kind == OP_MMAP && op->length == 0)
		return wrong(reader, "length", "must be at least 1");
	if (op->kind == OP_PEEK && op->length > MOST_BYTES)
		return wrong(reader, "length", "must be at most 1048576");
	if ((op->kind == OP_MMAP || op->kind == OP_PREAD || op->kind == OP_PWRITE || op->kind == OP_DMA) &&
	    op->length > MOST_MEMORY)
		return wrong(reader, "length", "must be at most 67108864");
	if (op->kind == OP_INJECT && op->nth == 0)
		return wrong(reader, "nth", "must be at least 1");
	for (size_t i = 0; i < bytes->relocation_count; i++)
		if (bytes->relocations[i].at + bytes->relocations[i].width > bytes->length)
			return wrong(reader, "relocations", "must lie within bytes");
	return true;
}

static bool read_op(struct reader *reader, const struct json *json, int main, struct op *op)
{
	const struct json *kind = json_member(json, "op");
	const struct field *fields;
	unsigned int given = 0;
	int number;

	if (!kind)
		return wrong(reader, "op", "is missing");
	for (number = 0; number < OP_KINDS && !(json_is_string(kind) && !strcmp(op_names[number], kind->text)); number++)
		;
	if (number == OP_KINDS) {
		char must[80];

		snprintf(must, sizeof(must), "is unknown: %.60s", json_is_string(kind) ? kind->text : "not a string");
		return wrong(reader, "op", must);
	}
	*op = (struct op){ .kind = (enum op_kind)number, .actor = main, .as = NO_NAME, .fd = NO_NAME, .group = NO_NAME,
			   .memory = NO_NAME, .slot = NO_NAME };
	fields = op_fields(op->kind);
	for (const struct json *one = json->first; one; one = one->next) {
		const struct field *field = find(fields, one->key);

		if (field) {
			unsigned int flag = 1u << (field - fields);

			if (given & flag)
				return wrong(reader, one->key, "is given twice");
			given |= flag;
		} else if (one != kind) {
			field = find(common_fields, one->key);
			if (!field)
				return wrong(reader, one->key, "is not a field of this op");
		} else {
			continue;
		}
		if (!read_field(reader, field, one, op))
			return false;
	}
	for (const struct field *field = fields; field->key; field++)
		if (!field->optional && !(given & 1u << (field - fields)))
			return wrong(reader, field->key, "is missing");
	return complete(reader, op);
}

static bool read_slots(struct reader *reader, const struct json *json, struct program *program)
{
	const struct json *slots = json_member(json_member(json, "topology"), "slots");
	size_t count;

	if (!slots || slots->type != JSON_OBJECT)
		return wrong(reader, "topology.slots", "must be an object");
	if (!few(reader, slots, "topology.slots", MOST_SLOTS, &count))
		return false;
	program->slots = arena_take(reader->arena, count * sizeof(int));
	for (const struct json *one = slots->first; one; one = one->next) {
		size_t length = strlen(one->key);

		if (length > MOST_NAME)
			return wrong(reader, "topology.slots", "must have names of at most 64 characters");
		program->slots[program->slot_count++] = intern(reader, one->key, length);
	}
	return true;
}

static bool read_changes(struct reader *reader, const struct json *json, struct program *program)
{
	const struct json *changes = json_member(json, "changes");
	size_t most;

	if (changes && changes->type != JSON_ARRAY)
		return wrong(reader, "changes", "must be a list");
	if (!few(reader, changes, "changes", MOST_CHANGES, &most))
		return false;
	program->parameters = arena_take(reader->arena, most * sizeof(*program->parameters));
	program->changed_slots = arena_take(reader->arena, most * sizeof(int));
	for (const struct json *one = changes ? changes->first : NULL; one; one = one->next) {
		const struct json *slot = json_member(one, "slot");
		const struct json *module = json_member(one, "module"), *name = json_member(one, "parameter");
		struct parameter *parameter = &program->parameters[program->parameter_count];

		if (slot) {
			if (!read_name(reader, slot, &program->changed_slots[program->changed_slot_count++]))
				return false;
		} else if (!module || !name) {
			return wrong(reader, "changes", "need a slot, or a module and a parameter");
		} else {
			if (!read_module_name(reader, module, &parameter->module) ||
			    !read_module_name(reader, name, &parameter->name))
				return false;
			program->parameter_count++;
		}
	}
	return true;
}

static bool read_ops(struct reader *reader, const struct json *json, struct program *program)
{
	const struct json *ops = json_member(json, "ops");
	size_t count;

	if (!ops || ops->type != JSON_ARRAY)
		return wrong(reader, "ops", "must be a list");
	if (!few(reader, ops, "ops", MOST_OPS, &count))
		return false;
	program->ops = arena_take(reader->arena, count * sizeof(struct op));
	for (const struct json *one = ops->first; one; one = one->next) {
		snprintf(reader->where, sizeof(reader->where), "ops[%zu]", program->op_count);
		if (!read_op(reader, one, program->main, &program->ops[program->op_count]))
			return false;
		program->op_count++;
	}
	return true;
}

// What the processes of a program have at one time at the most, were none to exit.
struct share {
	uint64_t bytes;
	size_t memories;
};

static bool modest(struct reader *reader, const struct program *program)
{
	struct share *shares = arena_take(reader->arena, reader->name_count * sizeof(*shares)), all = { 0 };
	size_t processes = 1;

	for (size_t i = 0; i < program->op_count; i++) {
		const struct op *op = &program->ops[i];
		struct share *own = &shares[op->actor];

		if (op->kind == OP_MMAP) {
			*own = (struct share){ own->bytes + op->length, own->memories + 1 };
			all = (struct share){ all.bytes + op->length, all.memories + 1 };
		} else if (op->kind == OP_FORK) {
			shares[op->as] = *own;
			all = (struct share){ all.bytes + own->bytes, all.memories + own->memories };
			processes++;
		}
		snprintf(reader->where, sizeof(reader->where), "ops[%zu]", i);
		if (all.bytes > MOST_MEMORY)
			return wrong(reader, "", "takes the memory of all processes beyond 67108864 bytes");
		if (all.memories > MOST_MEMORIES)
			return wrong(reader, "", "is one memory more than the 1024 that a program may have");
		if (processes > MOST_PROCESSES)
			return wrong(reader, "", "is one process more than the 64 that a program may have");
	}
	return true;
}

// Whether what says what a program is, but not what it does, is of a fitting length.
static bool short_words(struct reader *reader, const struct json *json)
{
	static const char *const words[] = { "id", "about", "rule", "feature" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct json *word = json_member(json, words[i]);

		if (word && word->type == JSON_STRING && !is_short(reader, word, MOST_TEXT))
			return false;
	}
	return true;
}

struct program *program_read(const struct json *json, struct arena *arena, char *message, size_t room)
{
	static const char *const known[] = { "id", "about", "rule", "feature", "topology", "changes", "ops" };
	struct reader reader = { .arena = arena, .message = message, .room = room };
	struct program *program = arena_take(arena, sizeof(*program));
	const struct json *id = json_member(json, "id");

	if (!json || json->type != JSON_OBJECT)
		return wrong(&reader, "program", "must be an object"), NULL;
	if (!json_is_string(id) || !id->length)
		return wrong(&reader, "id", "must be a string that is not empty"), NULL;
	for (const struct json *one = json->first; one; one = one->next) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], one->key))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return wrong(&reader, one->key, "is not a field of a program"), NULL;
	}
	if (!short_words(&reader, json))
		return NULL;
	program->id = id->text;
	program->main = intern(&reader, "main", 4);
	if (!read_slots(&reader, json, program) || !read_changes(&reader, json, program) || !read_ops(&reader, json, program) ||
	    !modest(&reader, program))
		return NULL;
	program->names = reader.names;
	program->name_count = reader.name_count;
	return program;
}
