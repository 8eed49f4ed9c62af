/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INET_STATUS_H
#define INET_STATUS_H

#include <stddef.h>

int status_text(char *buf, size_t len); /* key=value lines; bytes */

#endif
