/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices of character drivers: the client half of axolotl/chr.h. */
#ifndef SERVERS_VFS_CHR_H
#define SERVERS_VFS_CHR_H

#include "devfs.h"
#include "tty.h"

/* "chr.<name>" = "<label>:<minor>" was published. */
void chr_announced(const char *name, const char *value);
/* A label points to a new endpoint. */
void chr_label_changed(const char *label, endpoint_t ep);
void chr_message(const struct msg *m); /* CHR_READY, CHR_SIGNAL */
struct dev *chr_console(void);         /* the device behind /dev/console; NULL: none yet */
int chr_open(struct call *c, struct dev *d, uint32_t flags, struct file **out) MUST_CHECK;

#endif
