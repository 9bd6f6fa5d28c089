#include "json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

struct reader {
	char *start;
	char *at;
	char *end;
	struct arena *arena;
	struct json_problem *problem;
	size_t values;
};

static struct json *value(struct reader *reader, int depth);

static void *fail(struct reader *reader, const char *message)
{
	snprintf(reader->problem->message, sizeof(reader->problem->message), "%s", message);
	reader->problem->position = (size_t)(reader->at - reader->start);
	return NULL;
}

static void space(struct reader *reader)
{
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at)
		reader->at++;
}

static bool take(struct reader *reader, char wanted)
{
	if (reader->at == reader->end || *reader->at != wanted)
		return false;
	reader->at++;
	return true;
}

// Four hexadecimal digits of a \u escape; -1 if they are not.
static long unit(struct reader *reader)
{
	long point = 0;

	if (reader->end - reader->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *reader->at++;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		point = point << 4 | digit;
	}
	return point;
}

// Stores the character of a \u escape, never longer than the escape. NULL if it is malformed.
static char *escaped_point(struct reader *reader, char *to)
{
	long point = unit(reader);

	if (point >= 0xd800 && point < 0xdc00) {
		long low;

		if (!take(reader, '\\') || !take(reader, 'u'))
			return NULL;
		low = unit(reader);
		if (low < 0xdc00 || low >= 0xe000)
			return NULL;
		point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
	}
	// A NUL would end the string early.
	if (point <= 0 || (point >= 0xdc00 && point < 0xe000))
		return NULL;
	if (point < 0x80) {
		*to++ = (char)point;
	} else if (point < 0x800) {
		*to++ = (char)(0xc0 | point >> 6);
		*to++ = (char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		*to++ = (char)(0xe0 | point >> 12);
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	} else {
		*to++ = (char)(0xf0 | point >> 18);
		*to++ = (char)(0x80 | (point >> 12 & 0x3f));
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	}
	return to;
}

// The characters after an opening quote, up to the closing one.
static char *characters(struct reader *reader, size_t *length)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char *start = reader->at;
	char *to = start;

	for (;;) {
		char c;

		if (reader->at == reader->end)
			return fail(reader, "a string has no end");
		c = *reader->at;
		if ((unsigned char)c < 0x20)
			return fail(reader, "a control character in a string");
		reader->at++;
		if (c == '"')
			break;
		if (c != '\\') {
			*to++ = c;
		} else if (take(reader, 'u')) {
			to = escaped_point(reader, to);
			if (!to)
				return fail(reader, "a malformed \\u escape, or one that is not allowed");
		} else {
			const char *name = reader->at < reader->end && *reader->at ? strchr(names, *reader->at) : NULL;

			if (!name)
				return fail(reader, "an unknown escape in a string");
			reader->at++;
			*to++ = meant[name - names];
		}
	}
	*to = 0; // at the closing quote, or before it
	*length = (size_t)(to - start);
	return start;
}

static struct json *number(struct reader *reader, struct json *made)
{
	char *start = reader->at;
	char *digits;
	char ends[24];

	take(reader, '-');
	digits = reader->at;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	if (reader->at == digits || (*digits == '0' && reader->at - digits > 1))
		return fail(reader, "a malformed number");
	made->integer = true;
	for (int part = 0; part < 2; part++) {
		if (part == 0 ? !take(reader, '.') : !take(reader, 'e') && !take(reader, 'E'))
			continue;
		made->integer = false;
		if (part == 1 && !take(reader, '+'))
			take(reader, '-');
		digits = reader->at;
		while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
			reader->at++;
		if (reader->at == digits)
			return fail(reader, "a malformed number");
	}
	made->type = JSON_NUMBER;
	made->text = start;
	made->length = (size_t)(reader->at - start);
	if (made->integer && made->length < sizeof(ends)) {
		memcpy(ends, start, made->length);
		ends[made->length] = 0;
		errno = 0;
		made->number = strtoll(ends, NULL, 10);
		made->integer = errno == 0;
	} else {
		made->integer = false;
	}
	return made;
}

static struct json *word(struct reader *reader, struct json *made)
{
	static const struct { const char *text; enum json_type type; } words[] = {
		{ "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].text);

		if ((size_t)(reader->end - reader->at) >= length && !memcmp(reader->at, words[i].text, length)) {
			reader->at += length;
			made->type = words[i].type;
			return made;
		}
	}
	return fail(reader, "a value is expected");
}

// Elements of an array or members of an object, after the opening bracket.
static struct json *elements(struct reader *reader, struct json *made, int depth)
{
	const bool object = made->type == JSON_OBJECT;
	const char close = object ? '}' : ']';
	struct json **last = &made->first;

	space(reader);
	if (take(reader, close))
		return made;
	for (;;) {
		const char *key = NULL;
		size_t length;

		space(reader);
		if (object) {
			if (!take(reader, '"'))
				return fail(reader, "a member's name in quotes is expected");
			key = characters(reader, &length);
			if (!key)
				return NULL;
			space(reader);
			if (!take(reader, ':'))
				return fail(reader, "':' is expected");
		}
		*last = value(reader, depth);
		if (!*last)
			return NULL;
		(*last)->key = key;
		last = &(*last)->next;
		space(reader);
		if (take(reader, close))
			return made;
		if (!take(reader, ','))
			return fail(reader, object ? "',' or '}' is expected" : "',' or ']' is expected");
	}
}

static struct json *value(struct reader *reader, int depth)
{
	struct json *made;

	space(reader);
	if (depth == 0)
		return fail(reader, "nested too deeply");
	if (reader->values++ == MOST_VALUES)
		return fail(reader, "more than 2097152 values");
	made = arena_take(reader->arena, sizeof(*made));
	if (take(reader, '"')) {
		made->type = JSON_STRING;
		made->text = characters(reader, &made->length);
		return made->text ? made : NULL;
	}
	if (take(reader, '{') || take(reader, '[')) {
		made->type = reader->at[-1] == '{' ? JSON_OBJECT : JSON_ARRAY;
		return elements(reader, made, depth - 1);
	}
	if (reader->at < reader->end && (*reader->at == '-' || (*reader->at >= '0' && *reader->at <= '9')))
		return number(reader, made);
	return word(reader, made);
}

struct json *json_read(char *buffer, size_t length, struct arena *arena, struct json_problem *problem)
{
	struct reader reader = { .start = buffer, .at = buffer, .end = buffer + length, .arena = arena, .problem = problem };
	struct json *read = value(&reader, MOST_DEPTH);

	if (!read)
		return NULL;
	space(&reader);
	return reader.at == reader.end ? read : fail(&reader, "more text after the value");
}

const struct json *json_member(const struct json *object, const char *key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *member = object->first; member; member = member->next)
		if (!strcmp(member->key, key))
			return member;
	return NULL;
}

bool json_is_string(const struct json *value)
{
	return value && value->type == JSON_STRING;
}

void json_write(const struct json *value, struct text *text)
{
	static const char *const words[] = { [JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true" };

	switch (value->type) {
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		text_add(text, words[value->type]);
		break;
	case JSON_NUMBER:
		text_put(text, value->text, value->length);
		break;
	case JSON_STRING:
		text_string(text, value->text, value->length);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		text_add(text, value->type == JSON_OBJECT ? "{" : "[");
		for (const struct json *one = value->first; one; one = one->next) {
			if (one != value->first)
				text_add(text, ",");
			if (one->key) {
				text_words(text, one->key);
				text_add(text, ":");
			}
			json_write(one, text);
		}
		text_add(text, value->type == JSON_OBJECT ? "}" : "]");
		break;
	}
}
