// Text that grows, and JSON written into it.
#ifndef VFIO_CONFORM_TEXT_H
#define VFIO_CONFORM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data;
	size_t length;
	size_t capacity;
	bool fixed; // data cannot grow: it lies in memory shared with another process
	bool full;  // something did not fit, and was left out
};

void text_put(struct text *text, const char *bytes, size_t length);
void text_add(struct text *text, const char *words);

// A JSON string, quoted and escaped. What is not UTF-8 becomes U+FFFD.
void text_string(struct text *text, const char *bytes, size_t length);
void text_words(struct text *text, const char *words);

// An Integer of the vocabulary: a number up to 2^31, hexadecimal digits in quotes above.
void text_integer(struct text *text, uint64_t value);

// Bytes of the vocabulary: hexadecimal digits in quotes.
void text_bytes(struct text *text, const unsigned char *bytes, size_t length);

#endif
