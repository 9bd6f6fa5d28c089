#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "measured.h"
#include "memory.h"
#include "probed_group.h"
#include "text.h"

static struct probed_group groups[MOST_PROBED];
static size_t group_count;

static bool same_iommu(const struct iommu_info *one, const struct iommu_info *other)
{
	return one->page_sizes == other->page_sizes && one->snoop_control == other->snoop_control &&
	       one->range_count == other->range_count &&
	       !memcmp(one->ranges, other->ranges, one->range_count * sizeof(*one->ranges));
}

// The first group whose IOMMU told something.
static const struct probed_group *told(void)
{
	for (size_t i = 0; i < group_count; i++)
		if (groups[i].info.range_count)
			return &groups[i];
	return NULL;
}

static bool add_group(const char *number, char *message)
{
	const struct probed_group *first = told();
	struct probed_group *group = &groups[group_count];

	if (group_count == MOST_PROBED) {
		snprintf(message, MOST_MESSAGE, "more than %d groups cannot be described at once", MOST_PROBED);
		return false;
	}
	*group = (struct probed_group){ 0 };
	snprintf(group->number, sizeof(group->number), "%.15s", number);
	if (!group_probe(group, message))
		return false;
	if (first && group->info.range_count && !same_iommu(&first->info, &group->info)) {
		snprintf(message, MOST_MESSAGE, "its IOMMU translates otherwise than that of group %s; describe it apart: --probe --group %s",
			 first->number, group->number);
		return false;
	}
	group_count++;
	return true;
}

// First address that no process may have: nothing can be mapped from there on, not even where nothing is.
static uint64_t user_address_end(void)
{
	const uint64_t page = page_size();
	uint64_t first = 1, end = (UINT64_MAX / 2 + 1) / page;

	while (first < end) {
		const uint64_t middle = first + (end - first) / 2;
		void *wanted = (void *)(uintptr_t)(middle * page);
		void *at = mmap(wanted, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		const bool can = at != MAP_FAILED || errno == EEXIST;

		if (at != MAP_FAILED)
			munmap(at, page);
		if (can)
			first = middle + 1;
		else
			end = middle;
	}
	return first * page;
}

static void put(struct text *text, const char *before, uint64_t value)
{
	text_add(text, before);
	text_integer(text, value);
}

// What lies between the ranges that can be mapped.
static void put_ranges(struct text *text, const struct iommu_info *info)
{
	uint64_t next = 0;
	bool comma = false;

	put(text, ",\"apertureLast\":", info->ranges[info->range_count - 1].last);
	text_add(text, ",\"reserved\":[");
	for (size_t i = 0; i < info->range_count; i++) {
		if (info->ranges[i].first > next) {
			put(text, comma ? ",{\"first\":" : "{\"first\":", next);
			put(text, ",\"last\":", info->ranges[i].first - 1);
			text_add(text, "}");
			comma = true;
		}
		next = info->ranges[i].last + 1;
	}
	put(text, "],\"pageSizes\":", info->page_sizes);
}

static bool same_model(const struct probed_group *one, const struct probed_group *other)
{
	return one->model.json.length == other->model.json.length &&
	       !memcmp(one->model.json.data, other->model.json.data, one->model.json.length);
}

// The group whose devices are those of slots that name no model: the first that can be told to transfer, else the first.
static const struct probed_group *usual(void)
{
	const struct probed_group *found = NULL;

	for (size_t i = 0; i < group_count; i++)
		if (groups[i].model.json.length && (!found || (is_edu(groups[i].devices[0].id) && !is_edu(found->devices[0].id))))
			found = &groups[i];
	return found;
}

// Where a group's model is described: the first group of that model. Of a group that is not viable it is the model of the
// devices with the same id. NULL if none is known.
static const struct probed_group *model_of(const struct probed_group *group)
{
	for (size_t i = 0; i < group_count; i++) {
		const struct probed_group *one = &groups[i];

		if (!one->model.json.length)
			continue;
		if (group->model.json.length ? same_model(one, group) : !memcmp(one->devices[0].id, group->devices[0].id, 4))
			return one;
	}
	return NULL;
}

// Name of the model that a group describes: the ids of vendor and device, and the group, as two may differ nevertheless.
static void model_name(const struct probed_group *group, char *name, size_t room)
{
	const unsigned char *id = group->devices[0].id;

	snprintf(name, room, "%02x%02x:%02x%02x, group %.15s", id[1], id[0], id[3], id[2], group->number);
}

// The IOMMUs are counted in the order of the groups.
static uint64_t iommu_of(const struct probed_group *group)
{
	uint64_t count = 0;

	for (size_t i = 0; i < group_count; i++) {
		bool seen = false;

		if (!strcmp(groups[i].iommu, group->iommu))
			break;
		for (size_t j = 0; j < i; j++)
			seen = seen || !strcmp(groups[j].iommu, groups[i].iommu);
		count += !seen;
	}
	return count;
}

static void put_slots(struct text *text, const struct probed_group *first)
{
	text_add(text, ",\"slots\":{");
	for (size_t i = 0; i < group_count; i++) {
		const struct probed_group *group = &groups[i], *model = model_of(group);
		char words[200], name[64];

		snprintf(words, sizeof(words), "%s\"g%.15s\":{\"devices\":%zu,\"viable\":%s,\"dma\":%s,\"iommu\":%d,\"resettable\":%s", i ? "," : "",
			 group->number, group->device_count, group->host_driver_count ? "false" : "true",
			 is_edu(group->devices[0].id) ? "true" : "false", (int)iommu_of(group),
			 group->model.resettable ? "true" : "false");
		text_add(text, words);
		if (model && !same_model(model, first)) {
			model_name(model, name, sizeof(name));
			text_add(text, ",\"model\":");
			text_words(text, name);
		}
		text_add(text, "}");
	}
	text_add(text, "}");
}

static void put_models(struct text *text, const struct probed_group *first)
{
	bool any = false;

	text_add(text, ",\"device\":");
	text_put(text, first->model.json.data, first->model.json.length);
	for (size_t i = 0; i < group_count; i++) {
		char name[64];

		if (!groups[i].model.json.length || same_model(&groups[i], first) || model_of(&groups[i]) != &groups[i])
			continue;
		model_name(&groups[i], name, sizeof(name));
		text_add(text, any ? "," : ",\"models\":{");
		text_words(text, name);
		text_add(text, ":");
		text_put(text, groups[i].model.json.data, groups[i].model.json.length);
		any = true;
	}
	text_add(text, any ? "}" : "");
}

static void put_environment(struct text *text, const struct probed_group *first)
{
	const struct iommu_info *info = &first->info;
	const uint64_t aperture = info->ranges[info->range_count - 1].last;
	char words[256];

	snprintf(words, sizeof(words),
		 "{\"id\":\"host\",\"machine\":{\"interruptRemapping\":true,\"addressBits\":%d,\"snoopControl\":%s,\"type1Module\":true,"
		 "\"nesting\":\"none\"}",
		 aperture >> 39 ? 48 : 39, info->snoop_control ? "true" : "false");
	text_add(text, words);
	put_slots(text, first);
	put(text, ",\"pageSize\":", page_size());
	put_ranges(text, info);
	put(text, ",\"userAddressEnd\":", user_address_end());
	put(text, ",\"dmaEntryLimit\":", info->mappings);
	text_add(text, measured_memlock_exempt() ? ",\"memlockExempt\":true" : ",\"memlockExempt\":false");
	text_add(text, ",\"dmaAddressBits\":28,\"dmaBufferBytes\":4095");
	put_models(text, first);
	text_add(text, "}");
}

static void put_devices(struct text *text)
{
	text_add(text, "{");
	for (size_t i = 0; i < group_count; i++) {
		text_add(text, i ? ",\"g" : "\"g");
		text_add(text, groups[i].number);
		text_add(text, "\":{\"devices\":[");
		for (size_t j = 0; j < groups[i].device_count; j++) {
			text_add(text, j ? "," : "");
			text_words(text, groups[i].devices[j].name);
		}
		text_add(text, "]");
		if (groups[i].host_driver_count) {
			text_add(text, ",\"bound_to_host_driver\":");
			text_words(text, groups[i].host_driver_device.name);
		}
		text_add(text, "}");
	}
	text_add(text, "}");
}

// A group that is not viable does not show what its devices are: it goes with others of which that is known.
static void drop_unknown(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < group_count; i++) {
		if (model_of(&groups[i]))
			groups[kept++] = groups[i];
		else
			group_say(&groups[i], "it is not viable, so its devices cannot be opened, and no other group has one of the same kind; it is left out");
	}
	group_count = kept;
}

int probe(const char *const *wanted, size_t count)
{
	static struct probed_group list[MOST_PROBED];
	const struct probed_group *first;
	struct text text = { 0 };
	char message[MOST_MESSAGE];
	const size_t listed = count ? 0 : groups_bound_to_vfio(list, MOST_PROBED);

	for (size_t i = 0; i < count + listed; i++) {
		const char *number = count ? wanted[i] : list[i].number;

		if (add_group(number, message))
			continue;
		fprintf(stderr, "vfio-conformd: group %s: %s\n", number, message);
		if (count)
			return 2;
	}
	drop_unknown();
	first = usual();
	if (!first) {
		fputs("vfio-conformd: no group can be probed: none has a device that is bound to vfio-pci, not in use and within reach; "
		      "modprobe vfio-pci, and bind one as docs/running-machine.md says\n",
		      stderr);
		return 2;
	}
	text_add(&text, "{\"environment\":");
	put_environment(&text, first);
	text_add(&text, ",\"devices\":");
	put_devices(&text);
	text_add(&text, "}\n");
	fwrite(text.data, 1, text.length, stdout);
	free(text.data);
	return fflush(stdout) ? 2 : 0;
}
