#define _GNU_SOURCE
#include "device_model.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_CONFIG = 4096, MOST_INDEXES = 64, CONVENTIONAL = 256, BARS = 6 };

struct config_space {
	unsigned char bytes[MOST_CONFIG];
	unsigned char writable[MOST_CONFIG]; // bits that the device lets be written
	unsigned char unknown[MOST_CONFIG];  // bits that nobody knows before they are written
	size_t size;
};

bool is_edu(const unsigned char id[4])
{
	return !memcmp(id, "\x34\x12\xe8\x11", 4);
}

static void put_number(struct text *text, const char *before, uint64_t value)
{
	text_add(text, before);
	text_integer(text, value);
}

// Adds the regions that can be asked for; the first index that cannot ends them.
static void put_regions(struct text *text, int fd, struct vfio_region_info regions[], unsigned int count)
{
	text_add(text, "\"regions\":[");
	for (unsigned int i = 0; i < count; i++) {
		regions[i] = (struct vfio_region_info){ .argsz = sizeof(*regions), .index = i };
		if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &regions[i]))
			break;
		put_number(text, i ? ",{\"size\":" : "{\"size\":", regions[i].size);
		put_number(text, ",\"flags\":", regions[i].flags);
		text_add(text, "}");
	}
	text_add(text, "]");
}

static void put_interrupts(struct text *text, int fd, unsigned int count)
{
	text_add(text, ",\"interrupts\":[");
	for (unsigned int i = 0; i < count; i++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = i };

		text_add(text, i ? "," : "");
		if (ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info)) {
			text_add(text, "null");
			continue;
		}
		put_number(text, "{\"count\":", info.count);
		put_number(text, ",\"flags\":", info.flags);
		text_add(text, "}");
	}
	text_add(text, "]");
}

static void store32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

// Address bits of a register that says where a region is: those above its size.
static void mask_bars(struct config_space *config, const struct vfio_region_info regions[])
{
	for (int i = 0; i < BARS; i++) {
		const int at = PCI_BASE_ADDRESS_0 + 4 * i;
		const uint64_t mask = regions[i].size ? ~(regions[i].size - 1) : 0;
		const bool wide = (config->bytes[at] & (PCI_BASE_ADDRESS_SPACE | PCI_BASE_ADDRESS_MEM_TYPE_MASK)) ==
				  PCI_BASE_ADDRESS_MEM_TYPE_64;

		store32(&config->writable[at], (uint32_t)mask);
		if (wide && ++i < BARS)
			store32(&config->writable[at + 4], (uint32_t)(mask >> 32));
	}
	if (regions[BARS].size)
		store32(&config->writable[PCI_ROM_ADDRESS], (uint32_t)~(regions[BARS].size - 1) | PCI_ROM_ADDRESS_ENABLE);
	memcpy(&config->unknown[PCI_BASE_ADDRESS_0], &config->writable[PCI_BASE_ADDRESS_0], 4 * BARS);
	memcpy(&config->unknown[PCI_ROM_ADDRESS], &config->writable[PCI_ROM_ADDRESS], 4);
}

// Bytes of the MSI capability, which the driver keeps itself.
static int msi_length(const unsigned char *capability)
{
	const int control = capability[PCI_MSI_FLAGS] | capability[PCI_MSI_FLAGS + 1] << 8;

	return (control & PCI_MSI_FLAGS_64BIT ? 14 : 10) + (control & PCI_MSI_FLAGS_MASKBIT ? 10 : 0);
}

// What is behind the header: MSI's capability is the driver's. Of the rest nobody knows how it takes a write, but of a
// device that is known: what `edu` gives no meaning to can be written.
static void mask_behind_header(struct config_space *config)
{
	unsigned char *mask = is_edu(config->bytes) ? config->writable : config->unknown;
	int at = config->bytes[PCI_CAPABILITY_LIST];

	memset(mask + PCI_STD_HEADER_SIZEOF, 0xff, config->size - PCI_STD_HEADER_SIZEOF);
	if (!(config->bytes[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return;
	for (int tries = 0; at >= PCI_STD_HEADER_SIZEOF && at < CONVENTIONAL - 4 && tries < 48; tries++) {
		const int length = config->bytes[at] == PCI_CAP_ID_MSI ? msi_length(&config->bytes[at]) : 2;

		memset(mask + at, 0, (size_t)(at + length <= CONVENTIONAL ? length : CONVENTIONAL - at));
		at = config->bytes[at + PCI_CAP_LIST_NEXT];
	}
}

// What a write does cannot be known without writing. The header is the standard's; its addresses and its interrupt line
// differ from machine to machine, and are not shown.
static void mask(struct config_space *config, const struct vfio_region_info regions[])
{
	store32(&config->writable[PCI_COMMAND],
		PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	config->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	config->writable[PCI_INTERRUPT_LINE] = config->unknown[PCI_INTERRUPT_LINE] = 0xff;
	mask_bars(config, regions);
	for (int i = 0; i < PCI_STD_HEADER_SIZEOF; i++)
		config->bytes[i] &= (unsigned char)~config->unknown[i];
	// Whether the device asks for attention just now.
	config->bytes[PCI_STATUS] &= (unsigned char)~PCI_STATUS_INTERRUPT;
	mask_behind_header(config);
}

static void put_config(struct text *text, const struct config_space *config)
{
	text_add(text, ",\"config\":");
	text_bytes(text, config->bytes, config->size);
	text_add(text, ",\"configWritable\":");
	text_bytes(text, config->writable, config->size);
	text_add(text, ",\"configUnknown\":");
	text_bytes(text, config->unknown, config->size);
}

// Registers are a matter of the device alone. Of one that is not known none is named: no region has the last offset.
static void put_registers(struct text *text, bool edu)
{
	text_add(text, edu ? ",\"registers\":[{\"region\":0,\"at\":128,\"upper\":\"ffffffff\"},"
			     "{\"region\":0,\"at\":136,\"upper\":\"ffffffff\"}],\"interruptCause\":{\"raise\":96,\"acknowledge\":100}}"
			   : ",\"registers\":[],\"interruptCause\":{\"raise\":2147483648,\"acknowledge\":2147483648}}");
}

bool device_model_read(struct device_model *model, int fd, char *message, size_t room)
{
	static struct config_space config;
	struct vfio_region_info regions[MOST_INDEXES] = { 0 };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	const struct vfio_region_info *place = &regions[VFIO_PCI_CONFIG_REGION_INDEX];

	if (ioctl(fd, VFIO_DEVICE_GET_INFO, &info)) {
		snprintf(message, room, "VFIO_DEVICE_GET_INFO fails: %s", strerror(errno));
		return false;
	}
	model->resettable = info.flags & VFIO_DEVICE_FLAGS_RESET;
	text_add(&model->json, "{");
	put_regions(&model->json, fd, regions, info.num_regions < MOST_INDEXES ? info.num_regions : MOST_INDEXES);
	put_interrupts(&model->json, fd, info.num_irqs < MOST_INDEXES ? info.num_irqs : MOST_INDEXES);
	config = (struct config_space){ .size = place->size };
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || config.size < CONVENTIONAL || config.size > MOST_CONFIG) {
		snprintf(message, room, "it is not a PCI function with a config space of 256 or 4096 bytes");
		return false;
	}
	if (pread(fd, config.bytes, config.size, (off_t)place->offset) != (ssize_t)config.size) {
		snprintf(message, room, "its config space cannot be read: %s", strerror(errno));
		return false;
	}
	mask(&config, regions);
	put_config(&model->json, &config);
	put_registers(&model->json, is_edu(config.bytes));
	return true;
}
