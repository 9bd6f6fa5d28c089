// What the executor adds to system calls: a program of 1,000 ioctls on a descriptor that answers at once, and the same in a
// bare loop. Prints nanoseconds: of one call in the loop, of one op, and of starting the program (reading it and a process
// for it). Each is the least of some rounds, which alternate.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "program.h"
#include "runner.h"
#include "text.h"

enum { CALLS = 1000, ROUNDS = 100, NUMBER = 0x3b64 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double loop(void)
{
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const double started = now();

	for (int i = 0; i < CALLS; i++)
		if (ioctl(fd, NUMBER, 0) != -1)
			exit(1);
	close(fd);
	return now() - started;
}

static void write_program(struct text *text)
{
	text_add(text, "{\"id\":\"bench\",\"topology\":{\"slots\":{}},\"ops\":[{\"op\":\"open\",\"what\":\"path\",\"path\":\"/dev/null\",\"as\":\"n\"}");
	for (int i = 0; i < CALLS; i++)
		text_add(text, ",{\"op\":\"ioctl\",\"fd\":\"n\",\"number\":15204,\"argument\":{\"value\":0}}");
	text_put(text, "]}", 3);
}

static void least(double *known, double value)
{
	if (value < *known)
		*known = value;
}

int main(void)
{
	double *ran = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double bare = 1e18, op = 1e18, start = 1e18;
	struct channel *channel = channel_make();
	struct arena arena = { 0 };

	for (int round = 0; channel && round < ROUNDS; round++) {
		struct json_problem problem;
		struct text text = { 0 };
		struct program *program;
		char message[200];
		double began;
		pid_t pid;

		write_program(&text);
		channel_clear(channel);
		arena_reset(&arena);
		began = now();
		program = program_read(json_read(text.data, text.length - 1, &arena, &problem), &arena, message, sizeof(message));
		if (!program)
			return 1;
		pid = fork();
		if (pid == 0) {
			const double entered = now();

			runner_run(program, NULL, channel);
			ran[0] = now() - entered;
			ran[1] = entered;
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid || channel_read(channel).end != END_COMPLETED)
			return 1;
		least(&op, ran[0] / CALLS);
		least(&start, ran[1] - began);
		least(&bare, loop() / CALLS);
		free(text.data);
	}
	printf("%g %g %g\n", bare, op, start);
	return 0;
}
