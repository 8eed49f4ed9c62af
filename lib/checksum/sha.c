/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-1 and SHA-256 by libcrypto's low-level functions: no allocation, no providers. The copy comes
 * first and is what gets summed.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the low-level functions are what a static program wants */
#include <openssl/sha.h>
#include <string.h>
#include "checksum/sum.h"

static const void *copy_first(void *dst, const void *src)
{
	if (dst == NULL)
		return src;
	memcpy(dst, src, SUM_SECTOR);
	return dst;
}

void sum_sha1(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX])
{
	const void *data = copy_first(dst, src);
	SHA_CTX context;

	SHA1_Init(&context);
	SHA1_Update(&context, key, 16);
	SHA1_Update(&context, data, SUM_SECTOR);
	SHA1_Final(out, &context);
}

void sum_sha256(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX])
{
	const void *data = copy_first(dst, src);
	SHA256_CTX context;

	SHA256_Init(&context);
	SHA256_Update(&context, key, 16);
	SHA256_Update(&context, data, SUM_SECTOR);
	SHA256_Final(out, &context);
}
