/* SPDX-License-Identifier: BSD-2-Clause */
/* The input, byte by byte: see packets.h. */
#include "tests/fuzz/inet/packets.h"

uint8_t take8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

uint16_t take16(struct input *in)
{
	uint16_t high = take8(in);

	return (uint16_t)(high << 8 | take8(in));
}

uint32_t take32(struct input *in)
{
	uint32_t high = take16(in);

	return high << 16 | take16(in);
}

size_t take_bytes(struct input *in, uint8_t *to, size_t max)
{
	size_t n = take8(in);

	bool is_long = n >= 160; /* filled up: else they would be rare */

	if (is_long)
		n = (n - 160) * 16;
	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		to[i] = in->left > 0 && (!is_long || i < 8) ? take8(in) : (uint8_t)i;
	return n;
}
