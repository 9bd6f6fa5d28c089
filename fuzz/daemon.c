// Fuzzes what the daemon makes of a line: JSON, a message, a program. With -DLIBFUZZER libFuzzer drives it, else the
// main() below: mutations of the files that it is given, for so many seconds, or only the files themselves for 0.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arena.h"
#include "json.h"
#include "program.h"

enum { MOST = 64 * 1024, FILES = 256, STEPS = 8 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct arena arena;
	static struct text text;
	struct json_problem problem;
	char *line = malloc(size + 1), message[200] = "";
	struct json *json;

	memcpy(line, data, size);
	arena_reset(&arena);
	json = json_read(line, size, &arena, &problem);
	if (json) {
		text.length = 0;
		json_write(json, &text);
		program_read(json_member(json, "program"), &arena, message, sizeof(message));
	}
	free(line);
	return 0;
}

#ifndef LIBFUZZER
struct input {
	unsigned char *bytes;
	size_t length;
};

static struct input inputs[FILES];
static size_t count;

static void load(const char *file)
{
	FILE *stream = fopen(file, "rb");
	struct input *input = &inputs[count];

	if (!stream || count == FILES) {
		fprintf(stderr, "fuzz-daemon: %s cannot be read\n", file);
		exit(2);
	}
	input->bytes = malloc(MOST);
	input->length = fread(input->bytes, 1, MOST, stream);
	count++;
	fclose(stream);
}

// One change of a byte, a piece taken out, doubled, or put in from another input.
static size_t change(unsigned char *bytes, size_t length)
{
	static const char *const words[] = { "{", "}", "[", "]", "\"", "\\u", ",", "0x", "-1", "99999999999999999999", "null", "\\" };
	const struct input *other = &inputs[(size_t)random() % count];
	const size_t at = length ? (size_t)random() % length : 0;
	const unsigned char *from = other->bytes;
	size_t piece = 1 + (size_t)random() % 32;

	switch (random() % 4) {
	case 0:
		if (length)
			bytes[at] = (unsigned char)random();
		return length;
	case 1:
		piece = piece < length - at ? piece : length - at;
		memmove(bytes + at, bytes + at + piece, length - at - piece);
		return length - piece;
	case 2:
		from = (const unsigned char *)words[(size_t)random() % (sizeof(words) / sizeof(words[0]))];
		piece = strlen((const char *)from);
		break;
	default:
		piece = piece < other->length ? piece : other->length;
		from += (size_t)random() % (other->length - piece + 1);
	}
	if (length + piece > MOST)
		return length;
	memmove(bytes + at + piece, bytes + at, length - at);
	memcpy(bytes + at, from, piece);
	return length + piece;
}

int main(int argc, char **argv)
{
	static unsigned char bytes[MOST];
	const time_t end = time(NULL) + (argc > 2 ? atol(argv[1]) : 0);
	unsigned long tried = 0;

	if (argc < 4) {
		fputs("usage: fuzz-daemon SECONDS SEED FILE..\n", stderr);
		return 2;
	}
	srandom((unsigned int)strtoul(argv[2], NULL, 10));
	for (int i = 3; i < argc; i++)
		load(argv[i]);
	for (size_t i = 0; i < count; i++, tried++)
		LLVMFuzzerTestOneInput(inputs[i].bytes, inputs[i].length);
	while (time(NULL) < end) {
		const struct input *input = &inputs[(size_t)random() % count];
		size_t length = input->length;

		memcpy(bytes, input->bytes, length);
		for (long step = 1 + random() % STEPS; step; step--)
			length = change(bytes, length);
		LLVMFuzzerTestOneInput(bytes, length);
		tried++;
	}
	printf("%lu\n", tried);
	return 0;
}
#endif
