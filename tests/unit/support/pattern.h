/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests write to disks: the contents of a sector (512 bytes) name the sector and a version of it, so that data
 * that is old, torn or elsewhere is found. Version 0 is zeros, as on a new disk. Memory is the caller's.
 */
#ifndef TESTS_SUPPORT_PATTERN_H
#define TESTS_SUPPORT_PATTERN_H

#include "axolotl/types.h"

/* Writes one sector's contents. */
void pattern_put(uint8_t *at, uint64_t sector, uint32_t version);
/* The version that it has; fails the test (cmocka) if these are the contents of no version of this sector. */
uint32_t pattern_version(const uint8_t *at, uint64_t sector);

/* The same of `sectors` from `sector` on, all of one version. */
void pattern_put_run(uint8_t *at, uint64_t sector, uint32_t sectors, uint32_t version);

#endif
