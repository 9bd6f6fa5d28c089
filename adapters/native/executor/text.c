#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

// Room for `more` bytes at the end, or NULL.
static char *room(struct text *text, size_t more)
{
	if (text->capacity - text->length < more) {
		size_t capacity = text->capacity ? text->capacity : 256;
		char *data;

		if (text->fixed) {
			text->full = true;
			return NULL;
		}
		while (capacity - text->length < more)
			capacity *= 2;
		data = realloc(text->data, capacity);
		if (!data) {
			fputs("vfio-conform: out of memory\n", stderr);
			abort();
		}
		text->data = data;
		text->capacity = capacity;
	}
	return text->data + text->length;
}

void text_put(struct text *text, const char *bytes, size_t length)
{
	char *end = room(text, length);

	if (!end || !length)
		return;
	memcpy(end, bytes, length);
	text->length += length;
}

void text_add(struct text *text, const char *words)
{
	text_put(text, words, strlen(words));
}

// Length of the UTF-8 sequence at `at`; 0 if there is none.
static size_t sequence(const unsigned char *at, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
	uint32_t point;

	if (length < 2)
		return length;
	if (length > left)
		return 0;
	point = at[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	return length;
}

void text_string(struct text *text, const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;
	const unsigned char *end = at + length;

	text_put(text, "\"", 1);
	while (at < end) {
		size_t taken = sequence(at, (size_t)(end - at));

		if (!taken) {
			text_add(text, "\\ufffd");
			at++;
		} else if (*at == '"' || *at == '\\') {
			char escape[2] = { '\\', (char)*at++ };

			text_put(text, escape, 2);
		} else if (*at < 0x20) {
			char escape[8];

			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned int)*at++);
			text_add(text, escape);
		} else {
			text_put(text, (const char *)at, taken);
			at += taken;
		}
	}
	text_put(text, "\"", 1);
}

void text_words(struct text *text, const char *words)
{
	text_string(text, words, strlen(words));
}

void text_integer(struct text *text, uint64_t value)
{
	char number[24];
	bool small = value <= UINT64_C(0x80000000);
	int length = snprintf(number, sizeof(number), small ? "%" PRIu64 : "\"0x%" PRIx64 "\"", value);

	text_put(text, number, (size_t)length);
}

void text_bytes(struct text *text, const unsigned char *bytes, size_t length)
{
	char *to = room(text, 2 * length + 2);

	if (!to)
		return;
	*to++ = '"';
	for (size_t i = 0; i < length; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '"';
	text->length += 2 * length + 2;
}
