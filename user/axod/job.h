/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs of the guest agent: the commands that run for the host, and the frames about them.
 *
 * Callers: main.c. A job is one `sh -c COMMAND` in a process group of its own, with pipes for its
 * three streams; the host names it by an id that it picks. Several run at once.
 *
 *   EXEC    host>agent  u8 flags (JOB_EXEC_MORE: more text follows; JOB_EXEC_NO_STDIN), then
 * command text STDIN   host>agent  bytes; an empty frame is the end of the input STDOUT, STDERR
 * agent>host bytes EXIT    agent>host  u32 kind (enum job_exit), u32 value; the last frame about an
 * id KILL    host>agent  u32 signal, to the job's process group CREDIT  both ways   u32 more bytes
 * that the sender of CREDIT can take for this id PING    host>agent  any bytes, returned in PONG
 *
 * Flow control: each direction of a job starts with a credit (JOB_STDIN_CREDIT, JOB_OUTPUT_CREDIT
 * for both output streams together); whoever consumes gives credit back. So a job that does not
 * read its input, and a host that does not read one job's output, hold up nothing else.
 *
 * A job ends when its process has ended and its streams are at their end, or JOB_DRAIN_MS after the
 * process ended when something it left behind keeps them open.
 */
#ifndef AXOD_JOB_H
#define AXOD_JOB_H

#include <poll.h>
#include <stdint.h>

#include "link.h"

enum job_type {
	JOB_EXEC = 16,
	JOB_STDIN = 17,
	JOB_STDOUT = 18,
	JOB_STDERR = 19,
	JOB_EXIT = 20,
	JOB_KILL = 21,
	JOB_CREDIT = 22,
	JOB_PING = 23,
	JOB_PONG = 24,
};

#define JOB_EXEC_MORE     1u
#define JOB_EXEC_NO_STDIN 2u

enum job_exit {
	JOB_EXITED = 0,     /* value: exit status */
	JOB_SIGNALLED = 1,  /* value: signal */
	JOB_NOT_STARTED = 2 /* value: errno */
};

#define JOBS_MAX          32u
#define JOB_COMMAND_MAX   65536u
#define JOB_STDIN_CREDIT  16384u
#define JOB_OUTPUT_CREDIT 65536u
#define JOB_DRAIN_MS      200
#define JOB_POLLS_MAX     (JOBS_MAX * 3u)

void job_init(struct link *link);

/* A frame from the host. */
void job_take_frame(const struct link_frame *frame);

/* Kills and forgets every job (a new session, or the end of the agent). */
void job_kill_all(void);

/* Collects ended processes; call it after SIGCHLD and before job_step(). */
void job_reap(int64_t now_ms);

/* Fills polls (JOB_POLLS_MAX entries) with the streams that can make progress; how many. */
size_t job_polls(struct pollfd *polls);

/* Moves bytes between the streams and the link, ends jobs that are done. */
void job_step(int64_t now_ms);

/* When job_step() should run although nothing else happened; -1: never. */
int64_t job_deadline_ms(void);

#endif
