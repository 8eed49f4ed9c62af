/* SPDX-License-Identifier: BSD-2-Clause */
/* Jobs of the guest agent; job.h has the model and the frames. State: the table below, nothing is
 * kept over a restart. */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum stream { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_COUNT };

struct job {
	bool is_used;
	uint32_t id;
	pid_t pid;             /* 0: not started yet, or ended */
	int fds[STREAM_COUNT]; /* our ends of the pipes, -1 when closed */
	uint32_t output_credit;

	/* Input that the process has not taken: in_bytes[in_first..in_next-1]. */
	bool has_input_ended;
	size_t in_first;
	size_t in_next;
	uint8_t in_bytes[JOB_STDIN_CREDIT];
	uint32_t credit_due_bytes;

	/* How it ended; sent when the streams are drained. */
	bool has_ended;
	uint32_t exit_kind;
	uint32_t exit_value;
	int64_t drain_until_ms;

	/* Text of a command that comes in several frames. */
	char *command;
	size_t command_bytes;
};

/* Frames that only answers and ends of jobs may use, so that output never starves them. */
#define ROOM_RESERVED 4u

static struct job jobs[JOBS_MAX];
static struct link *link_of_jobs;

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void job_init(struct link *link)
{
	link_of_jobs = link;
}

static struct job *find_job(uint32_t id)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (jobs[i].is_used && jobs[i].id == id)
			return &jobs[i];
	return NULL;
}

static void close_stream(struct job *job, enum stream stream)
{
	if (job->fds[stream] >= 0)
		close(job->fds[stream]);
	job->fds[stream] = -1;
}

static void free_job(struct job *job)
{
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		close_stream(job, (enum stream)stream);
	free(job->command);
	memset(job, 0, sizeof(*job));
}

static struct job *new_job(uint32_t id)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &jobs[i];

		if (job->is_used)
			continue;
		memset(job, 0, sizeof(*job));
		job->is_used = true;
		job->id = id;
		job->output_credit = JOB_OUTPUT_CREDIT;
		for (int stream = 0; stream < STREAM_COUNT; stream++)
			job->fds[stream] = -1;
		return job;
	}
	return NULL;
}

static void end_job(struct job *job, enum job_exit kind, uint32_t value)
{
	job->has_ended = true;
	job->exit_kind = (uint32_t)kind;
	job->exit_value = value;
	job->pid = 0;
}

/* In the child: the streams become 0, 1, 2, everything else is closed by close-on-exec. */
static void exec_command(const int child_fds[STREAM_COUNT], const char *command)
{
	static char *const environment[] = {"PATH=/bin:/sbin:/usr/bin:/usr/sbin",
	                                    "HOME=/root",
	                                    "TERM=linux",
	                                    "USER=root",
	                                    "SHELL=/bin/sh",
	                                    NULL};
	char *const arguments[] = {"sh", "-c", (char *)command, NULL};
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		if (dup2(child_fds[stream], stream) < 0)
			_exit(126);
	if (chdir("/root") != 0 && chdir("/") != 0)
		_exit(126);
	execve("/bin/sh", arguments, environment);
	_exit(127);
}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	fds[0] = fds[1] = -1;
}

/* Pipes for the three streams: pairs[stream][0] is read, [1] is written. Above 2, so that dup2 in
 * the child is safe. */
static int open_pipes(int pairs[STREAM_COUNT][2])
{
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		pairs[stream][0] = pairs[stream][1] = -1;
	for (int stream = 0; stream < STREAM_COUNT; stream++) {
		if (pipe(pairs[stream]) != 0)
			goto fail;
		for (int end = 0; end < 2; end++)
			if (fcntl(pairs[stream][end], F_SETFD, FD_CLOEXEC) != 0)
				goto fail;
	}
	return 0;
fail:
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		close_pair(pairs[stream]);
	return -errno;
}

static int start_job(struct job *job)
{
	int pairs[STREAM_COUNT][2];
	int child_fds[STREAM_COUNT];
	int error = open_pipes(pairs);
	pid_t pid;

	if (error != 0)
		return error;
	for (int stream = 0; stream < STREAM_COUNT; stream++)
		child_fds[stream] = pairs[stream][stream == STREAM_IN ? 0 : 1];
	pid = fork();
	if (pid == 0)
		exec_command(child_fds, job->command);
	error = pid < 0 ? -errno : 0;
	for (int stream = 0; stream < STREAM_COUNT; stream++) {
		int own = pairs[stream][stream == STREAM_IN ? 1 : 0];

		close(child_fds[stream]);
		fcntl(own, F_SETFL, O_NONBLOCK);
		job->fds[stream] = own;
	}
	free(job->command);
	job->command = NULL;
	job->pid = pid < 0 ? 0 : pid;
	return error;
}

/* Adds the text of one EXEC frame; the command is always terminated. */
static int add_command(struct job *job, const uint8_t *text, size_t size_bytes)
{
	char *longer;

	if (job->command_bytes + size_bytes > JOB_COMMAND_MAX)
		return -E2BIG;
	longer = realloc(job->command, job->command_bytes + size_bytes + 1);
	if (longer == NULL)
		return -ENOMEM;
	memcpy(longer + job->command_bytes, text, size_bytes);
	job->command = longer;
	job->command_bytes += size_bytes;
	job->command[job->command_bytes] = '\0';
	return 0;
}

/* No slot for a job: says so at once; if even the queue is full, the host's own timeout has to
 * tell. */
static void refuse(uint32_t id, uint32_t error)
{
	uint8_t payload[8];
	struct link_frame frame = {
		.type = JOB_EXIT, .id = id, .payload = payload, .length_bytes = sizeof(payload)};

	put_u32(payload, JOB_NOT_STARTED);
	put_u32(payload + 4, error);
	(void)link_send(link_of_jobs, &frame);
}

static void take_exec(const struct link_frame *frame)
{
	struct job *job = find_job(frame->id);
	uint8_t flags;
	int error;

	if (frame->length_bytes == 0)
		return;
	flags = frame->payload[0];
	if (job == NULL)
		job = new_job(frame->id);
	if (job == NULL) {
		refuse(frame->id, EAGAIN);
		return;
	}
	if (job->pid != 0 || job->has_ended)
		return; /* the id is in use: a mistake of the host, and not one to kill a job for */
	error = add_command(job, frame->payload + 1, frame->length_bytes - 1);
	if (error == 0 && (flags & JOB_EXEC_MORE) != 0)
		return;
	if (error == 0)
		error = start_job(job);
	if (error != 0)
		end_job(job, JOB_NOT_STARTED, (uint32_t)-error);
	if ((flags & JOB_EXEC_NO_STDIN) != 0)
		close_stream(job, STREAM_IN);
}

static void take_input(struct job *job, const struct link_frame *frame)
{
	if (frame->length_bytes == 0) {
		job->has_input_ended = true;
		return;
	}
	if (job->has_ended || job->fds[STREAM_IN] < 0 ||
	    job->in_next - job->in_first + frame->length_bytes > sizeof(job->in_bytes)) {
		job->credit_due_bytes += (uint32_t)frame->length_bytes; /* nobody reads it */
		return;
	}
	memmove(job->in_bytes, job->in_bytes + job->in_first, job->in_next - job->in_first);
	job->in_next -= job->in_first;
	job->in_first = 0;
	memcpy(job->in_bytes + job->in_next, frame->payload, frame->length_bytes);
	job->in_next += frame->length_bytes;
}

static void take_kill(const struct job *job, const struct link_frame *frame)
{
	uint32_t number = frame->length_bytes == 4 ? get_u32(frame->payload) : SIGKILL;

	if (job->pid > 0 && number < 64)
		kill(-job->pid, (int)number);
}

void job_take_frame(const struct link_frame *frame)
{
	struct link_frame pong = *frame;
	struct job *job;

	if (frame->type == JOB_EXEC) {
		take_exec(frame);
		return;
	}
	if (frame->type == JOB_PING) {
		pong.type = JOB_PONG;
		(void)link_send(link_of_jobs, &pong);
		return;
	}
	job = find_job(frame->id);
	if (job == NULL)
		return; /* it ended while the frame was on its way */
	if (frame->type == JOB_STDIN)
		take_input(job, frame);
	else if (frame->type == JOB_KILL)
		take_kill(job, frame);
	else if (frame->type == JOB_CREDIT && frame->length_bytes == 4)
		job->output_credit += get_u32(frame->payload);
}

void job_kill_all(void)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (!jobs[i].is_used)
			continue;
		if (jobs[i].pid > 0)
			kill(-jobs[i].pid, SIGKILL);
		free_job(&jobs[i]);
	}
}

void job_reap(int64_t now_ms)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < JOBS_MAX; i++) {
			if (!jobs[i].is_used || jobs[i].pid != pid)
				continue;
			if (WIFSIGNALED(status))
				end_job(&jobs[i], JOB_SIGNALLED, (uint32_t)WTERMSIG(status));
			else
				end_job(&jobs[i], JOB_EXITED, (uint32_t)WEXITSTATUS(status));
			jobs[i].drain_until_ms = now_ms + JOB_DRAIN_MS;
		}
	}
}

static bool may_read(const struct job *job, enum stream stream)
{
	return job->fds[stream] >= 0 && job->output_credit != 0 &&
	       link_room(link_of_jobs) > ROOM_RESERVED;
}

size_t job_polls(struct pollfd *polls)
{
	size_t count = 0;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		const struct job *job = &jobs[i];

		if (!job->is_used)
			continue;
		if (job->fds[STREAM_IN] >= 0 && job->in_next != job->in_first)
			polls[count++] =
				(struct pollfd){.fd = job->fds[STREAM_IN], .events = POLLOUT};
		for (int stream = STREAM_OUT; stream <= STREAM_ERR; stream++)
			if (may_read(job, (enum stream)stream))
				polls[count++] =
					(struct pollfd){.fd = job->fds[stream], .events = POLLIN};
	}
	return count;
}

static void write_input(struct job *job)
{
	ssize_t done;

	if (job->fds[STREAM_IN] >= 0 && job->in_next != job->in_first) {
		done = write(job->fds[STREAM_IN], job->in_bytes + job->in_first,
		             job->in_next - job->in_first);
		if (done > 0) {
			job->in_first += (size_t)done;
			job->credit_due_bytes += (uint32_t)done;
		} else if (done < 0 && errno != EAGAIN && errno != EINTR) {
			/* Nobody reads any more: the rest of the input counts as consumed. */
			job->credit_due_bytes += (uint32_t)(job->in_next - job->in_first);
			job->in_first = job->in_next;
			close_stream(job, STREAM_IN);
		}
	}
	if (job->has_input_ended && job->in_next == job->in_first)
		close_stream(job, STREAM_IN);
}

static void read_output(struct job *job, enum stream stream)
{
	uint8_t bytes[LINK_PAYLOAD_MAX];
	struct link_frame frame = {.type = stream == STREAM_OUT ? JOB_STDOUT : JOB_STDERR,
	                           .id = job->id,
	                           .payload = bytes};

	/* Bounded by the queue's room. */
	while (may_read(job, stream)) {
		size_t limit =
			job->output_credit < sizeof(bytes) ? job->output_credit : sizeof(bytes);
		ssize_t done = read(job->fds[stream], bytes, limit);

		if (done < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (done <= 0) {
			close_stream(job, stream);
			return;
		}
		frame.length_bytes = (size_t)done;
		if (link_send(link_of_jobs, &frame) != 0)
			return; /* cannot happen: may_read() saw room */
		job->output_credit -= (uint32_t)done;
	}
}

static void send_credit(struct job *job)
{
	uint8_t payload[4];
	struct link_frame frame = {
		.type = JOB_CREDIT, .id = job->id, .payload = payload, .length_bytes = 4};

	if (job->credit_due_bytes < JOB_STDIN_CREDIT / 4 ||
	    link_room(link_of_jobs) <= ROOM_RESERVED)
		return;
	put_u32(payload, job->credit_due_bytes);
	if (link_send(link_of_jobs, &frame) == 0)
		job->credit_due_bytes = 0;
}

static void send_exit(struct job *job, int64_t now_ms)
{
	uint8_t payload[8];
	struct link_frame frame = {.type = JOB_EXIT,
	                           .id = job->id,
	                           .payload = payload,
	                           .length_bytes = sizeof(payload)};
	bool has_output = job->fds[STREAM_OUT] >= 0 || job->fds[STREAM_ERR] >= 0;

	/* Output that only waits for credit or for room is not given up. */
	if (has_output && (now_ms < job->drain_until_ms || job->output_credit == 0 ||
	                   link_room(link_of_jobs) <= ROOM_RESERVED))
		return;
	put_u32(payload, job->exit_kind);
	put_u32(payload + 4, job->exit_value);
	if (link_send(link_of_jobs, &frame) == 0)
		free_job(job);
}

void job_step(int64_t now_ms)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &jobs[i];

		if (!job->is_used)
			continue;
		write_input(job);
		read_output(job, STREAM_OUT);
		read_output(job, STREAM_ERR);
		send_credit(job);
		if (job->has_ended)
			send_exit(job, now_ms);
	}
}

int64_t job_deadline_ms(void)
{
	int64_t first_ms = -1;

	for (size_t i = 0; i < JOBS_MAX; i++)
		/* Without credit only a frame from the host helps, not the time. */
		if (jobs[i].is_used && jobs[i].has_ended && jobs[i].output_credit != 0 &&
		    (first_ms < 0 || jobs[i].drain_until_ms < first_ms))
			first_ms = jobs[i].drain_until_ms;
	return first_ms;
}
