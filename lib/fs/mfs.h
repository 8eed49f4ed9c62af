/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MFS: the logic of the MINIX 3 file system, without any I/O, IPC, allocation or global state of
 * its own.
 *
 * Callers: servers/mfs (blocks live in its cache; block access switches fibers), tools/mfstool,
 * fsck.mfs, mkfs.mfs and the tests. The caller gives memory at mount time and a `struct mfs_io`,
 * through which all blocks come and go. Every function returns 0 or -errno; results go through the
 * last pointer. Damage found on the medium is told to io->report and answered with -EIO; it never
 * leads to an access outside the device, a loop or a crash.
 *
 * LOCKING. The library never waits by itself, but any call of io->get, io->write_out and
 * io->barrier may run other operations meanwhile. The caller therefore has one reader-writer lock
 * per referenced inode, and one for the whole file system, the *epoch lock*; inode locks are taken
 * first, the epoch lock last, immediately around the call:
 *
 *   operation                       inode locks                                   epoch lock
 *   lookup, readdir, read,          the inode (the directory) shared              none
 *     readlink, map_file
 *   create                          the directory exclusive                       shared
 *   write, truncate, setattr        the inode exclusive                           shared
 *   link                            the directory and the inode exclusive         shared
 *   unlink, rmdir                   the directory and the victim exclusive        shared
 *   rename                          both directories, source and target (if any)  shared
 *                                   exclusive; and when a directory changes its
 *                                   parent, one lock for all such renames
 *   get_inode, peek_mode, statfs    none                                          none
 *   put_inode                       none; nobody may use the reference after it   shared
 *   commit, unmount                 none                                          exclusive
 *
 * io->barrier(), which rename and (when only pending space is left) allocations call, must release
 * the shared epoch lock, take it exclusively, call mfs_commit(), and take it shared again. Because
 * inode locks come first, it cannot deadlock. Allocation never blocks between test and set: both
 * bitmaps are in memory.
 *
 * ORDERING. Changes are collected in an *epoch*, in memory, and mfs_commit() ends it. A buffer that
 * was marked dirty with a class other than MFS_DATA must be written only when io->write_out(class)
 * says so (it is pinned until then); MFS_DATA may be written at any time. mfs_commit() calls
 * write_out in this order, and each call returns when its blocks will survive a crash:
 *
 *   1 MFS_BITMAP  the superblock's "in use" flag, then bitmaps: bits of this epoch's allocations
 * are set. Frees are kept as *pending*: still set on the medium, not reusable before this epoch is
 * complete. 2 MFS_FRESH   directory, indirect and symlink blocks that were allocated in this epoch:
 * nothing refers to them yet. 3 MFS_NODE    inodes and older indirect blocks. A link count is
 * written with this epoch's additions and without its subtractions; an older directory keeps its
 * old size. 4 MFS_DIR     older directory blocks: names appear and vanish. 5 MFS_NODE    inodes
 * again, final: lower link counts, larger directories, freed inodes cleared.
 *   - then pending frees become free; the cleared bits are part of the next epoch's step 1.
 *
 * A crash anywhere leaves only: zones and inodes that are marked used but belong to nothing; link
 * counts that are too high; and, for a rename whose two names lie in different blocks, both names
 * (a barrier separates adding from removing; for a directory, `..` then names one of its two
 * parents). fsck.mfs -y repairs exactly these. Never: a name without an inode, a zone in two files,
 * a used zone or inode marked free, a link count that is too low. File contents are not ordered:
 * who wants no stale data in files after a crash writes MFS_DATA out before mfs_commit().
 *
 * A commit that fails (an I/O error) leaves all as it was, still dirty; the next one repeats all
 * steps. Access times change only by mfs_set_attr (noatime).
 */
#ifndef FS_MFS_H
#define FS_MFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MFS_MUST_CHECK __attribute__((warn_unused_result))

enum {
	MFS_ROOT_INO = 1,
	MFS_NAME_MAX = 60,
	MFS_LINK_MAX = 65530,
	MFS_LINK_TARGET_MAX = 4095,
	MFS_SUPER_AREA = 2048, /* mfs_probe wants the first so many bytes of the device */
	MFS_PINNED_MAX = 20,   /* buffers that one operation holds at a time, at most */
	MFS_DIRTY_MAX = 8,     /* blocks of other classes than MFS_DATA that one operation makes
				  dirty, at most; a write adds one for each started run of
				  block_size / 4 blocks */
	MFS_COMMIT_BATCH = 32, /* blocks that mfs_commit() makes dirty before a write_out */
};

struct mfs;       /* one mounted file system */
struct mfs_inode; /* one inode in memory */

/* --- Blocks: implemented by the caller ------------------------------------------------------ */

enum mfs_fill {
	MFS_READ,   /* the block's content */
	MFS_CHANGE, /* the same, to be changed: no write of file data is under way, see get() */
	MFS_ZERO,   /* zeroes, without reading the medium */
	MFS_ANY, /* the content does not matter: if the block is not in memory, buf.is_blank is set
		    and  it holds anything; the library fills it or forgets it */
};

enum mfs_class { MFS_BITMAP, MFS_FRESH, MFS_NODE, MFS_DIR, MFS_DATA };

/* A block that is held. Aligned to at least 8 bytes. */
struct mfs_buf {
	uint8_t *data;
	void *handle;   /* the caller's */
	uint32_t block; /* set by get */
	uint32_t ino; /* file that MFS_DATA belongs to, for fsync; set by the library before dirty()
		       */
	bool is_blank; /* set by get with MFS_ANY; false before */
};

struct mfs_io {
	void *ctx;
	/* Holds a block until put(). May block. The same block got twice is the same memory. Other
	 * than with MFS_READ, returns only when no write of this block is under way. */
	int (*get)(void *ctx, uint32_t block, enum mfs_fill fill, struct mfs_buf *buf);
	void (*put)(void *ctx, struct mfs_buf *buf);
	/* A held block was changed. A block that is already dirty keeps the lower of both classes.
	 */
	void (*dirty)(void *ctx, struct mfs_buf *buf, enum mfs_class class);
	/* The content of these blocks matters no more: they may be dropped without being written.
	 * A write that is under way must be over before get() gives the same block out again. */
	void (*forget)(void *ctx, uint32_t block, uint32_t count);
	/* Hint: these blocks will be read one after the other now. May be NULL. */
	void (*prefetch)(void *ctx, uint32_t block, uint32_t count);
	/* Writes all dirty blocks of the class and makes them durable. Nothing to do: costs
	 * nothing. */
	int (*write_out)(void *ctx, enum mfs_class class);
	/* See LOCKING. NULL: the library calls mfs_commit() itself. */
	int (*barrier)(void *ctx);
	uint32_t (*now)(void *ctx); /* seconds since 1970 */
	/* Damage on the medium; number is an inode's or a block's, as `what` says. */
	void (*report)(void *ctx, const char *what, uint32_t number);
};

/* --- Mounting -------------------------------------------------------------------------------- */

struct mfs_geometry {
	uint32_t block_size;
	uint32_t block_shift;
	uint32_t inodes;
	uint32_t zones; /* blocks of the whole file system */
	uint32_t imap_blocks;
	uint32_t zmap_blocks;
	uint32_t itable_block; /* first block of the inode table */
	uint32_t itable_blocks;
	uint32_t first_zone;
	uint32_t max_size; /* of a file, in bytes */
	bool was_clean; /* false also for a fresh image of mkfs.minix, which knows no such flag */
};

struct mfs_config {
	const struct mfs_io *io;
	uint64_t device_bytes;
	uint32_t block_size;  /* from mfs_probe() */
	uint32_t inode_slots; /* inodes in memory; at least MFS_SLOTS_MIN */
	bool is_read_only;
	void *memory; /* aligned to 16 bytes; mfs_memory_needed() bytes; the caller's again after
			 unmount */
	size_t memory_bytes;
};

enum { MFS_SLOTS_MIN = 16 };

/* Decodes and checks the superblock in the first MFS_SUPER_AREA bytes of a device. */
MFS_MUST_CHECK int mfs_probe(const void *area, uint64_t device_bytes, struct mfs_geometry *geo,
                             const char **reason);
size_t mfs_memory_needed(const struct mfs_geometry *geo, uint32_t inode_slots);
MFS_MUST_CHECK int mfs_mount(const struct mfs_config *config, struct mfs **fs, const char **reason);
/* Commits, marks the file system clean. -EBUSY while an inode is referenced. */
MFS_MUST_CHECK int mfs_unmount(struct mfs *fs);
MFS_MUST_CHECK int mfs_commit(struct mfs *fs);
bool mfs_has_changes(const struct mfs *fs);
/* So many inodes wait for a commit that the caller should do one before the next operation. */
bool mfs_wants_commit(const struct mfs *fs);
const struct mfs_geometry *mfs_get_geometry(const struct mfs *fs);

struct mfs_statfs {
	uint32_t block_size, blocks, blocks_free, inodes, inodes_free, name_max;
};
void mfs_get_statfs(const struct mfs *fs, struct mfs_statfs *st);

/* --- Inodes ------------------------------------------------------------------------------------
 */

struct mfs_inode {
	/* Constant while referenced. */
	struct mfs *fs;
	uint32_t ino;
	uint32_t slot; /* index into the caller's own table, 0 .. inode_slots - 1 */

	/* Changed by the library only; callers read them under the inode's lock. */
	uint16_t mode;
	uint16_t nlinks;
	uint16_t uid;
	uint16_t gid;
	uint32_t size;
	uint32_t atime;
	uint32_t mtime;
	uint32_t ctime;
	uint32_t zone[10];

	/* The library's own. */
	uint32_t refs;
	uint32_t next;       /* slot index + 1 of the next inode in the hash chain */
	uint32_t safe_size;  /* a directory's size as step 3 of a commit may write it */
	uint32_t drops;      /* links lost in this epoch */
	uint32_t leaf_first; /* the single indirect block used last: first file block, */
	uint32_t leaf_block; /* and where it is; 0: none */
	uint32_t goal_index; /* file block that would continue the last allocation, */
	uint32_t goal_block; /* and the block behind that allocation */
	uint32_t dirty_next; /* slot index + 1 of the next inode that a commit must write */
	uint32_t blocks;     /* of its data; indirect blocks are not among them */
	bool is_counted;     /* `blocks` is known, and kept */
	bool is_dirty;
	bool is_new; /* not on the medium yet */
	bool is_dying;
};

MFS_MUST_CHECK int mfs_get_inode(struct mfs *fs, uint32_t ino, struct mfs_inode **ip);
/* One more reference to an inode that the caller already holds. */
void mfs_ref_inode(struct mfs_inode *ip);
/* Drops a reference; the last one of an inode without links frees it. NULL is allowed. */
void mfs_put_inode(struct mfs_inode *ip);
/* Type and permissions of an inode that a directory entry names, for d_type. */
MFS_MUST_CHECK int mfs_peek_mode(struct mfs *fs, uint32_t ino, uint16_t *mode);

enum { MFS_SET_MODE = 1, MFS_SET_UID = 2, MFS_SET_GID = 4, MFS_SET_ATIME = 8, MFS_SET_MTIME = 16 };

struct mfs_attr {
	uint32_t which; /* MFS_SET_* */
	uint16_t mode;  /* permission bits only; the type stays */
	uint16_t uid;
	uint16_t gid;
	uint32_t atime;
	uint32_t mtime;
};
MFS_MUST_CHECK int mfs_set_attr(struct mfs_inode *ip, const struct mfs_attr *attr);

/* --- Contents ----------------------------------------------------------------------------------
 */

/* Blocks `block` .. `block + count - 1` hold consecutive blocks of a file; block 0: a hole. */
struct mfs_extent {
	uint32_t block;
	uint32_t count;
	bool is_new; /* just allocated: the medium holds garbage */
};

/* The extent that starts at file block `index`, at most `max` (> 0) blocks of it. */
MFS_MUST_CHECK int mfs_map_file(struct mfs_inode *ip, uint32_t index, uint32_t max,
                                struct mfs_extent *ext);

/*
 * Blocks of the medium that hold the file's data, holes left out. The format keeps no count: the first
 * call for an inode in memory looks at all of its indirect blocks (and so at its lock), later ones at none.
 */
MFS_MUST_CHECK int mfs_count_blocks(struct mfs_inode *ip, uint32_t *count);

/* One piece of the request; the pieces of a call follow one another in the request. */
struct mfs_piece {
	uint8_t *data;
	size_t len;
};

enum { MFS_PIECES_MAX = 16, MFS_GATHER_BYTES = 65536 };

/* Moves bytes between the requester, from offset `at` of the request on, and 1 .. MFS_PIECES_MAX
 * pieces of together at most MFS_GATHER_BYTES. All or nothing as far as the caller is told. */
typedef int (*mfs_move_fn_t)(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count);

struct mfs_transfer {
	uint32_t pos;
	size_t len;
	mfs_move_fn_t move;
	void *ctx;
};

/* Both tell in *done how much was moved, also with an error. */
MFS_MUST_CHECK int mfs_read(struct mfs_inode *ip, const struct mfs_transfer *tr, size_t *done);
MFS_MUST_CHECK int mfs_write(struct mfs_inode *ip, const struct mfs_transfer *tr, size_t *done);
MFS_MUST_CHECK int mfs_truncate(struct mfs_inode *ip, uint32_t size);
/* -EINVAL if it is no symlink; *len is the whole length, also when less fits into `size`. */
MFS_MUST_CHECK int mfs_read_link(struct mfs_inode *ip, char *buf, size_t size, size_t *len);

/* --- Names -------------------------------------------------------------------------------------
 */

struct mfs_name {
	const char *text; /* not terminated; one component */
	size_t len;
};

MFS_MUST_CHECK int mfs_lookup(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode **ip);

/* Called for each entry; `next` is the cookie behind it. Non-zero stops (and is not an error). */
typedef int (*mfs_entry_fn_t)(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next);
/* Starts at cookie `from` (0: at the beginning). A cookie stays valid whatever happens to the
 * directory. */
MFS_MUST_CHECK int mfs_read_dir(struct mfs_inode *dir, uint32_t from, mfs_entry_fn_t fn, void *ctx);

struct mfs_new {
	uint16_t mode; /* type and permissions */
	uint16_t uid;
	uint16_t gid;
	uint32_t rdev;          /* devices: st_rdev as Linux encodes it in 32 bits */
	struct mfs_name target; /* symlinks: shorter than a block, at most 4095 bytes */
};
/* Files, directories, symlinks, devices, FIFOs, sockets. */
MFS_MUST_CHECK int mfs_create(struct mfs_inode *dir, struct mfs_name name,
                              const struct mfs_new *what, struct mfs_inode **ip);
MFS_MUST_CHECK int mfs_link(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode *ip);
/* The victim was looked up under the directory's lock; -ESTALE if the name means another one. */
MFS_MUST_CHECK int mfs_unlink(struct mfs_inode *dir, struct mfs_name name,
                              struct mfs_inode *victim);
MFS_MUST_CHECK int mfs_rmdir(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode *victim);

struct mfs_rename {
	struct mfs_inode *old_dir;
	struct mfs_name old_name;
	struct mfs_inode *source;
	struct mfs_inode *new_dir;
	struct mfs_name new_name;
	struct mfs_inode *target; /* what new_name means now; NULL: nothing */
};
MFS_MUST_CHECK int mfs_rename(const struct mfs_rename *rn);

/* --- Making file systems -------------------------------------------------------------------------
 */

struct mfs_format {
	uint64_t device_bytes;
	uint32_t block_size; /* 0: 4096 */
	uint32_t inodes;     /* 0: one for three blocks or 16 KiB, whichever gives more */
	uint32_t now;
};
/* Computes the layout; then writes it block by block. The medium's old content is not read. */
MFS_MUST_CHECK int mfs_plan_format(const struct mfs_format *format, struct mfs_geometry *geo,
                                   const char **reason);
MFS_MUST_CHECK int mfs_format_device(const struct mfs_geometry *geo, const struct mfs_io *io);

/* --- Checking and repairing ----------------------------------------------------------------------
 */

struct mfs_check {
	const struct mfs_io *io; /* report() gets every problem, in words */
	uint64_t device_bytes;
	uint32_t block_size; /* from mfs_probe() */
	bool want_repair;
	void *memory; /* aligned to 16 bytes; mfs_check_memory() bytes */
	size_t memory_bytes;
};

struct mfs_check_result {
	uint32_t problems; /* found; with want_repair all were repaired, unless an error was
			      returned */
	uint32_t files;    /* everything but directories */
	uint32_t directories;
	uint32_t zones_used;
	bool was_clean;
};

size_t mfs_check_memory(const struct mfs_geometry *geo);
/* Not mounted, or mounted read-only. Marks the file system clean after a repair (or if there was no
 * problem). */
MFS_MUST_CHECK int mfs_check(const struct mfs_check *check, struct mfs_check_result *result);

#endif
