// vfio-conformd: runs programs on this machine's kernel for whoever speaks the adapter protocol (docs/protocol.md).
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confined.h"
#include "exchange.h"
#include "keeper.h"
#include "line.h"
#include "listen.h"
#include "log.h"
#include "permission.h"
#include "probe.h"
#include "request.h"

static const char usage[] = "usage: vfio-conformd [--config FILE] [--device PATH | --listen unix:PATH [--unsafe]] [--timeout SECONDS]\n"
			    "                     [--forbid config-writes|bar-access|reset|driver-binding]..\n"
			    "       vfio-conformd --probe [--group N]..\n";

// Answers until the asker stops or goes away; without a wire that is the process that shares memory with this one. False if
// nobody reads the answers any more.
static bool converse(struct daemon *daemon, struct wire *wire)
{
	size_t length;
	char *line;

	while ((line = wire ? wire_line(wire, &length) : exchange_message(&length))) {
		if (!answer(daemon, line, length))
			return true;
		if (wire ? !wire_send(wire, daemon->answer.data, daemon->answer.length)
			 : !exchange_answer(daemon->answer.data, daemon->answer.length))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "device", required_argument, NULL, 'd' },
		{ "listen", required_argument, NULL, 'l' },
		{ "unsafe", no_argument, NULL, 'u' },
		{ "timeout", required_argument, NULL, 't' },
		{ "forbid", required_argument, NULL, 'f' },
		{ "exchange", no_argument, NULL, 'x' }, // how the native addon starts it
		{ "probe", no_argument, NULL, 'p' },
		{ "group", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct daemon daemon = { .timeout = 10 };
	static struct wire wire;
	const char *config = NULL, *device = NULL, *address = NULL;
	bool unsafe = false, probes = false, exchanges = false;
	const char *groups[MOST_PROBED];
	size_t group_count = 0;
	char message[300], *rest;
	int option, listener = -1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'd':
			device = optarg;
			break;
		case 'l':
			address = optarg;
			break;
		case 'u':
			unsafe = true;
			break;
		case 't':
			daemon.timeout = strtod(optarg, &rest);
			if (*rest || !(daemon.timeout > 0 && daemon.timeout <= 86400)) {
				fprintf(stderr, "vfio-conformd: --timeout needs a number of seconds, not %s\n", optarg);
				return 2;
			}
			break;
		case 'p':
			probes = true;
			break;
		case 'g':
			if (group_count == MOST_PROBED) {
				fprintf(stderr, "vfio-conformd: --group: at most %d are probed at once\n", MOST_PROBED);
				return 2;
			}
			groups[group_count++] = optarg;
			break;
		case 'f':
			if (!permission_forbid(optarg)) {
				fprintf(stderr, "vfio-conformd: --forbid %s: give config-writes, bar-access, reset or driver-binding\n",
					optarg);
				return 2;
			}
			break;
		case 'x':
			exchanges = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc || (device && address) || (unsafe && !address) || (exchanges && (device || address)) || (group_count && !probes) ||
	    (probes && (config || device || address))) {
		fputs(usage, stderr);
		return 2;
	}
	if (probes)
		return probe(groups, group_count);
	if (!config_read(&daemon.config, config, message, sizeof(message))) {
		fprintf(stderr, "vfio-conformd: %s\n", message);
		return 2;
	}
	if (exchanges ? !exchange_open() : !wire_open(&wire, device)) {
		fprintf(stderr, "vfio-conformd: %s: %s\n", exchanges ? "--exchange" : device, strerror(errno));
		return 2;
	}
	daemon.channel = channel_make();
	if (!daemon.channel) {
		fprintf(stderr, "vfio-conformd: shared memory: %s\n", strerror(errno));
		return 1;
	}
	daemon.log = log_open();
	signal(SIGPIPE, SIG_IGN); // a reader that went away is an error of write
	keeper_prepare();
	if (!address)
		return converse(&daemon, exchanges ? NULL : &wire) ? 0 : 1;
	listener = listen_at(address, message, sizeof(message));
	if (listener < 0) {
		fprintf(stderr, "vfio-conformd: %s\n", message);
		return 2;
	}
	if (!unsafe)
		confine();
	for (;;) {
		const int connection = listen_next(listener, &daemon.peer);

		if (connection < 0)
			return 1;
		wire_connect(&wire, connection, listener);
		converse(&daemon, &wire); // who goes away makes room for the next
		close(connection);
	}
}
