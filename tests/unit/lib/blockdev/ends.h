/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client and the server of lib/blockdev in a world of two (peers.h): what their main loops do with what waits for
 * them, and what is left of them when they end. Nothing here fails; what the halves refuse, peers counts.
 */
#ifndef TESTS_BLOCKDEV_ENDS_H
#define TESTS_BLOCKDEV_ENDS_H

#include "axolotl/types.h"

/* Both as in new processes, and peers too; `key` is the unit's in ds. Arenas and open units are gone. */
void ends_reset(const char *key);
/* A server's sessions: frees what they hold. The caller kills the server (peers_kill_server()). */
void ends_free_sessions(void);

/* All that waits is passed on; true: there was something. */
bool ends_pass_changes(void); /* of ds, to the client */
bool ends_serve(void); /* messages and the doorbell of the server; its idle call is the caller's */
bool ends_run_client(void); /* messages, doorbell, idle call */

#endif
