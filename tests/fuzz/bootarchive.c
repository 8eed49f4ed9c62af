/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/bootarchive/bootarchive.c */
/* Any bytes as a boot archive: refused, or every entry readable to its last byte. */
#include <stdlib.h>
#include <string.h>
#include "bootarchive/bootarchive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte chooses how much of a valid header is put in front. */
	size_t len = size < 1 ? 0 : (size - 1) + (data[0] & 3) * PAGE_BYTES;
	uint8_t *bytes = calloc(1, len + 1);
	volatile uint8_t sum = 0;
	struct bootarchive a;
	struct boot_entry e;

	if (bytes == NULL || size < 1) {
		free(bytes);
		return 0;
	}
	memcpy(bytes, data + 1, size - 1);
	if (data[0] & 4 && len >= sizeof(struct boot_archive)) {
		memcpy(bytes, BOOT_MAGIC, 8);
		memset(bytes + 9, 0, 7);
		memcpy(bytes + 16, &(uint64_t){len}, 8);
	}
	if (bootarchive_open(&a, bytes, len) == 0) {
		for (uint32_t i = 0; i < a.count; i++) {
			if (bootarchive_entry(&a, i, &e) != 0)
				abort();
			for (uint64_t pos = 0; pos < e.size_bytes; pos++)
				sum ^= a.bytes[e.offset + pos];
			if (bootarchive_find(&a, e.name, &e) != 0)
				abort();
		}
	}
	free(bytes);
	return 0;
}
