/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error numbers. Values below 200 are those of Linux x86-64 (asm-generic/errno*.h) and come from
 * the C library's <errno.h>; the ones here are Axolotl's own and never reach an application.
 */
#ifndef AXOLOTL_ERRNO_H
#define AXOLOTL_ERRNO_H

/* The C library's ERESTART (85) means something else; its header must come first to be replaced. */
#if __STDC_HOSTED__
#include <errno.h>
#endif
#undef ERESTART

#define ERESTARTSYS                                                                                \
	512 /* call was interrupted before it had an effect; pm restarts it or makes it EINTR */
#define EDEADSRCDST 600 /* the endpoint is dead or was never alive */
#define ENOTREADY   601 /* NBSEND: the peer does not receive; copies: a page must first be read in */
#define ERESTART    602 /* block protocol B1: unit not opened in this incarnation of the server */
#define ECALLDENIED 603 /* the caller's policy does not allow the call, primitive or target */
#define ELOCKED     604 /* the send would close a cycle of blocked senders */
#define ENOTABLES   605 /* VMCTL_MAP: the space needs more page-table frames (VMCTL_GIVE) */
#define EPROTOVIOL  606 /* the peer broke the protocol; the rule is in the complaint */
#define ESUSPENDREP 607 /* internal to servers: no reply now, it follows later */

#endif
