/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character protocol: vfs is the client, tty (and later drivers) are servers. ASEND both ways, each
 * request has an id and exactly one reply. Buffers are grants (proxy grants for the application's).
 * A blocked READ ends by CHR_CANCEL (reply -EINTR or what was read). Minor numbers are the driver's.
 *
 * Terminals: line discipline and termios live in tty; process groups and sessions in vfs and pm. When
 * an input character means a signal, tty sends CHR_SIGNAL and vfs passes it to the foreground group.
 * termios, window size and minor survive a restart of tty through ds (private entries).
 *
 * Pairs (pseudo-terminals): each CHR_OPEN of the minor CHR_PTMX, published as "ptmx", makes a pair; its
 * result is the pair's index, or -ENOSPC. The master's end is open from then to its CHR_CLOSE. The
 * slave's end is opened and closed like any terminal (-EIO while it is locked); a CHR_CLOSE with requests
 * pending there hangs it up, and ends them. An index is free again when both ends are closed. vfs shows
 * the slave as /dev/pts/<index> while the master is open. Pairs end with the incarnation of their driver.
 */
#ifndef AXOLOTL_CHR_H
#define AXOLOTL_CHR_H

#include "axolotl/ipc.h"

enum chr_msg {
	CHR_OPEN = MSG_CHR_BASE + 1, /* struct chr_req */
	CHR_CLOSE,                   /* struct chr_req: last close of the minor */
	CHR_READ,                    /* struct chr_req: result = bytes, 0 = end of file */
	CHR_WRITE,                   /* struct chr_req: result = bytes */
	CHR_IOCTL,                   /* struct chr_req: cmd; argument struct through the grant */
	CHR_POLL, /* struct chr_req: arg = wanted POLL*; result = ready now; if none: reply 0 and one
	               CHR_READY later */
	CHR_CANCEL, /* struct chr_cancel, no reply of its own */
	CHR_READY,  /* server -> vfs: struct chr_event: events in arg */
	CHR_SIGNAL, /* server -> vfs: struct chr_event: signal in arg, to the foreground group */
};
#define CHR_NONBLOCK 1u

#define CHR_PAIRS_MAX     64u
#define CHR_PTMX          0u
#define CHR_MASTER(index) (0x100u + (index))
#define CHR_SLAVE(index)  (0x200u + (index))

struct chr_req {
	uint32_t id;
	uint32_t minor;
	uint32_t cmd;
	grant_t grant;
	uint64_t len_bytes;
	uint64_t pos;
	uint32_t flags; /* CHR_NONBLOCK */
	uint32_t arg;
	uint32_t grant_offset; /* first byte of the grant that this request is about */
};
struct chr_cancel {
	uint32_t id; /* of the request */
};
struct chr_event {
	uint32_t minor;
	uint32_t arg;
};
struct chr_rep {
	uint32_t id;
	int32_t result;
};

#endif
