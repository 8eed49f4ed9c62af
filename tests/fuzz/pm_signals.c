/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/pm/sig.c servers/pm/sigframe.c */
/*
 * Signals of pm under random operations: queues against a model that counts, frames against the
 * rules that hold for every stack pointer, every alternate stack, and every context that a handler
 * may have left behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "axolotl/vm.h"
#include "servers/pm/sig.h"
#include "servers/pm/sigframe.h"

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)
#define QUEUES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sig_pool pool;
static struct sig_pending pending[QUEUES];
static unsigned model[QUEUES][SIG_COUNT + 1];

static void put(unsigned q, int signo)
{
	struct sig_info info = {.signo = signo, .value = (uint64_t)signo};
	int r = sig_enqueue(&pool, &pending[q], &info);

	if (r == 0 && (signo >= SIG_RT_FIRST || !model[q][signo]))
		model[q][signo]++;
	EXPECT(r == 0 || (r == -EAGAIN && signo >= SIG_RT_FIRST));
}

static void take(unsigned q, int signo)
{
	struct sig_info info;
	bool is_there = sig_take(&pool, &pending[q], signo, &info);

	EXPECT(is_there == (model[q][signo] > 0));
	if (is_there) {
		EXPECT(info.signo == signo);
		model[q][signo]--;
	}
}

static void discard(unsigned q, uint64_t set)
{
	sig_discard(&pool, &pending[q], set);
	for (int s = 1; s <= SIG_COUNT; s++)
		if (set & SIG_BIT(s))
			model[q][s] = 0;
}

static void check(unsigned q)
{
	uint64_t set = 0;

	for (int s = 1; s <= SIG_COUNT; s++)
		if (model[q][s])
			set |= SIG_BIT(s);
	EXPECT(pending[q].set == set);
	EXPECT((sig_next(set) == 0) == (set == 0));
	EXPECT(set == 0 || (set & SIG_BIT(sig_next(set))));
}

static void play_queues(const uint8_t *data, size_t size)
{
	memset(&pool, 0, sizeof(pool));
	memset(pending, 0, sizeof(pending));
	memset(model, 0, sizeof(model));
	for (size_t i = 0; i + 1 < size; i += 2) {
		unsigned q = data[i] % QUEUES;
		int signo = data[i + 1] % SIG_COUNT + 1;

		switch (data[i] / QUEUES % 8) {
		case 0: take(q, signo); break;
		case 1: discard(q, 1ull << (data[i + 1] % 64) | SIG_BIT(signo)); break;
		default: put(q, signo); break;
		}
		check(q);
	}
	for (unsigned q = 0; q < QUEUES; q++) {
		sig_discard(&pool, &pending[q], ~0ull);
		EXPECT(pending[q].head == 0 && pending[q].count == 0);
	}
}

struct input {
	struct kregs regs;
	struct ksigaction act;
	struct sig_info info;
	struct kstack alt;
	struct ksigframe frame;
	uint64_t mask;
};

static void play_frames(const uint8_t *data, size_t size)
{
	static struct input in;
	struct sigframe_req req = {&in.act, &in.info, in.mask, &in.alt};
	struct sigframe_image img;
	struct kregs regs;

	memset(&in, 0, sizeof(in));
	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	in.info.signo = (int32_t)((uint32_t)in.info.signo % SIG_COUNT) + 1;
	regs = in.regs;
	if (sigframe_leave(&regs, &in.frame) == 0) {
		EXPECT(regs.rip < VM_USER_TOP && regs.rsp < VM_USER_TOP);
		EXPECT((regs.rflags & ~0x50fd7ull) == 0 && (regs.rflags & 0x200));
	}
	regs = in.regs;
	if (sigframe_build(&regs, &req, &img) != 0)
		return;
	EXPECT((img.addr + 8) % 16 == 0 && img.fx_addr % 64 == 0);
	EXPECT(img.addr + sizeof(img.frame) <= img.fx_addr);
	EXPECT(img.fx_addr + sizeof(regs.fx) <= VM_USER_TOP);
	sigframe_enter(&regs, &req, &img);
	if (in.regs.rip < VM_USER_TOP && in.regs.rsp < VM_USER_TOP) {
		EXPECT(sigframe_leave(&regs, &img.frame) == 0);
		EXPECT(regs.rsp == in.regs.rsp && regs.rip == in.regs.rip);
		EXPECT(regs.rax == in.regs.rax && regs.r15 == in.regs.r15);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] & 1)
		play_queues(data + 1, size - 1);
	else
		play_frames(data + 1, size - 1);
	return 0;
}
