/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to pci, one at a time: its replies name no request. rs never waits for pci; it goes on
 * when the reply comes (machine_claimed, machine_silenced).
 */
#ifndef RS_PCIQ_H
#define RS_PCIQ_H

#include "rs.h"

int pciq_claim(struct component *c) MUST_CHECK;
int pciq_silence(struct component *c) MUST_CHECK;
int pciq_release(struct component *c) MUST_CHECK;
void pciq_reply(const struct pci_rep *rep);
/* pci died: what was asked is lost, the state timeouts ask again. */
void pciq_reset(void);

#endif
