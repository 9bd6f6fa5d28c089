#define _GNU_SOURCE
#include "measured.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sysfs.h"

enum { PATH = 512 };

static struct json *member(struct json *object, const char *key)
{
	for (struct json *one = object && object->type == JSON_OBJECT ? object->first : NULL; one; one = one->next)
		if (!strcmp(one->key, key))
			return one;
	return NULL;
}

void measured_correct(struct json *environment, struct arena *arena)
{
	struct json *limit = member(environment, "dmaEntryLimit");
	struct json *module = member(member(environment, "machine"), "type1Module");
	char path[PATH], value[32];
	size_t length;

	if (sysfs_parameter_path(path, sizeof(path), "vfio_iommu_type1", "dma_entry_limit") ||
	    !sysfs_read(path, value, sizeof(value)))
		return;
	length = strspn(value, "0123456789");
	if (limit && limit->type == JSON_NUMBER && length) {
		char *text = arena_take(arena, length);

		memcpy(text, value, length);
		limit->text = text;
		limit->length = length;
	}
	if (module && module->type == JSON_FALSE)
		module->type = JSON_TRUE;
}

bool measured_memlock_exempt(void)
{
	return geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_IPC_LOCK) == 1;
}
