#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "fault.h"
#include "json.h"
#include "limits.h"
#include "measured.h"
#include "memory.h"
#include "sysfs.h"

// What the file says lives as long as the daemon.
static struct arena arena;

static bool complain(char *message, size_t room, const char *what)
{
	snprintf(message, room, "%s", what);
	return false;
}

static bool read_file(const char *file, struct text *text)
{
	FILE *stream = fopen(file, "re");
	char piece[4096];
	size_t got;
	bool good;

	if (!stream)
		return false;
	while ((got = fread(piece, 1, sizeof(piece), stream)))
		text_put(text, piece, got);
	good = !ferror(stream);
	fclose(stream);
	text_put(text, "", 1); // the reader of JSON wants one byte more
	return good;
}

// A program may change what a restore needs to know, so drivers are looked up now. A device that is not there yet
// (its bus is still being scanned) is looked for again when a program needs it.
static bool read_device(struct device *device, const struct json *path)
{
	if (!json_is_string(path))
		return false;
	device->path = path->text;
	if (!device_find(device, path->text))
		*device->name = 0;
	return true;
}

static bool read_slot(struct slot *slot, const struct json *json)
{
	const struct json *devices = json_member(json, "devices"), *host_driver_device = json_member(json, "bound_to_host_driver");

	slot->name = json->key;
	if (!devices || devices->type != JSON_ARRAY)
		return false;
	// A key that is misspelled would leave a device out without a word.
	for (const struct json *one = json->first; one; one = one->next)
		if (one != devices && one != host_driver_device)
			return false;
	for (const struct json *one = devices->first; one; one = one->next)
		slot->device_count++;
	slot->devices = arena_take(&arena, slot->device_count * sizeof(*slot->devices));
	slot->device_count = 0;
	for (const struct json *one = devices->first; one; one = one->next)
		if (!read_device(&slot->devices[slot->device_count++], one))
			return false;
	if (host_driver_device)
		slot->host_driver_device = arena_take(&arena, sizeof(*slot->host_driver_device));
	return !host_driver_device || read_device(slot->host_driver_device, host_driver_device);
}

// What is not known without a configuration is as on a machine with one IOMMU of the usual kind and no devices.
static void describe_host(struct text *text)
{
	char words[700];

	snprintf(words, sizeof(words),
		 "{\"id\":\"host\",\"machine\":{},\"slots\":{},\"pageSize\":%zu,\"apertureLast\":\"0x7fffffffff\","
		 "\"reserved\":[{\"first\":\"0xfee00000\",\"last\":\"0xfeefffff\"}],\"pageSizes\":%zu,"
		 "\"userAddressEnd\":\"0x7ffffffff000\",\"dmaEntryLimit\":65535,\"memlockExempt\":%s,"
		 "\"dmaAddressBits\":28,\"dmaBufferBytes\":4095,\"device\":{\"regions\":[],\"interrupts\":[],"
		 "\"config\":\"\",\"configWritable\":\"\",\"configUnknown\":\"\",\"registers\":[],"
		 "\"interruptCause\":{\"raise\":96,\"acknowledge\":100}}}",
		 page_size(), page_size(), measured_memlock_exempt() ? "true" : "false");
	text_add(text, words);
}

bool config_read(struct config *config, const char *file, char *message, size_t room)
{
	const struct json *devices, *root, *processes;
	struct json *json, *environment;
	struct json_problem problem;
	struct text text = { 0 };

	*config = (struct config){ 0 };
	if (!file) {
		describe_host(&config->environment);
		return true;
	}
	if (!read_file(file, &text)) {
		snprintf(message, room, "%s: %s", file, strerror(errno));
		free(text.data);
		return false;
	}
	// Strings point into the text, so it is kept.
	char *kept = arena_take(&arena, text.length);
	size_t length = text.length - 1;
	memcpy(kept, text.data, text.length);
	free(text.data);
	json = json_read(kept, length, &arena, &problem);
	if (!json) {
		snprintf(message, room, "%s: byte %zu: %s", file, problem.position, problem.message);
		return false;
	}
	environment = (struct json *)json_member(json, "environment");
	devices = json_member(json, "devices");
	root = json_member(json, "sysfs");
	processes = json_member(json, "procfs");
	if (!environment || environment->type != JSON_OBJECT)
		return complain(message, room, "the configuration needs an object `environment`");
	if (devices && devices->type != JSON_OBJECT)
		return complain(message, room, "`devices` of the configuration must be an object");
	if (json_is_string(root))
		sysfs_root = root->text;
	if (json_is_string(processes))
		procfs_root = processes->text;
	measured_correct(environment, &arena);
	json_write(environment, &config->environment);
	for (const struct json *one = devices ? devices->first : NULL; one; one = one->next)
		config->slot_count++;
	if (config->slot_count > MOST_SLOTS)
		return complain(message, room, "`devices` of the configuration must have at most 64 slots");
	config->slots = arena_take(&arena, config->slot_count * sizeof(*config->slots));
	config->slot_count = 0;
	for (const struct json *one = devices ? devices->first : NULL; one; one = one->next) {
		if (!read_slot(&config->slots[config->slot_count++], one)) {
			snprintf(message, room, "slot %.60s: needs `devices`, a list of PCI paths, and may have `bound_to_host_driver`, one path; nothing else", one->key);
			return false;
		}
	}
	return true;
}

static bool present(struct device *device, const char *slot, char *message, size_t room)
{
	if (*device->name || device_find(device, device->path))
		return true;
	*device->name = 0;
	snprintf(message, room, "slot %s: there is no PCI device %s", slot, device->path);
	return false;
}

const struct slot *config_slot(const struct config *config, const char *name, char *message, size_t room)
{
	for (size_t i = 0; i < config->slot_count; i++) {
		const struct slot *slot = &config->slots[i];

		if (strcmp(slot->name, name))
			continue;
		for (size_t j = 0; j < slot->device_count; j++)
			if (!present(&slot->devices[j], name, message, room))
				return NULL;
		return !slot->host_driver_device || present(slot->host_driver_device, name, message, room) ? slot : NULL;
	}
	snprintf(message, room, "this machine has no slot %s", name);
	return NULL;
}
