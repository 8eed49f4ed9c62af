/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/machine.c lib/backoff/ */
/*
 * The life cycle of a component against a model of the world: every act_*() writes a word into a
 * trace, so a test compares the exact order of what rs does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "servers/rs/rs.h"

#define MS 1000000ull

static struct component c;
static char trace[1024];
static uint64_t now;
static endpoint_t next_ep;
static bool deps, has_script;
static int spawn_error, silence_error, settled;

static void note(const char *fmt, int arg)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, len > 0 ? " " : "%s", "");
	len = strlen(trace);
	snprintf(trace + len, sizeof(trace) - len, fmt, arg);
}

uint64_t act_now(void)
{
	return now;
}
bool act_deps_ready(const struct component *x)
{
	(void)x;
	return deps;
}
int act_spawn(struct component *x, struct process *p)
{
	(void)x;
	if (spawn_error != 0)
		return spawn_error;
	p->ep = next_ep++;
	p->pid = 1;
	note("spawn%d", p->ep);
	return 0;
}
int act_assign(struct component *x, endpoint_t ep)
{
	(void)x;
	note("assign%d", ep);
	return 0;
}
int act_start(endpoint_t ep)
{
	note("start%d", ep);
	return 0;
}
int act_start_standby(endpoint_t ep)
{
	note("standby%d", ep);
	return 0;
}
int act_init(struct component *x, uint32_t how)
{
	(void)x;
	note("init:%d", (int)how);
	return 0;
}
int act_claim(struct component *x)
{
	note("claim%d", x->life.now.ep);
	return 0;
}
int act_silence(struct component *x)
{
	(void)x;
	note("silence", 0);
	return silence_error;
}
void act_release(struct component *x)
{
	(void)x;
	note("release", 0);
}
int act_publish(struct component *x)
{
	note("publish%d", x->life.now.ep);
	return 0;
}
void act_unpublish(struct component *x)
{
	(void)x;
	note("unpublish", 0);
}
void act_shutdown(struct component *x)
{
	(void)x;
	note("shutdown", 0);
}
void act_kill(endpoint_t ep)
{
	note("kill%d", ep);
}
void act_bury(struct component *x, endpoint_t ep)
{
	(void)x;
	note("bury%d", ep);
}
void act_ping(struct component *x)
{
	(void)x;
	note("ping", 0);
}
bool act_script(struct component *x)
{
	(void)x;
	note("script", 0);
	return has_script;
}
void act_event(const struct component *x, enum event_kind kind, uint64_t a, uint64_t b)
{
	(void)x;
	(void)kind;
	(void)a;
	(void)b;
}
void act_settled(struct component *x, int result)
{
	(void)x;
	settled = result;
}
void act_running(struct component *x)
{
	(void)x;
}
void sys_panic(const char *fmt, ...)
{
	(void)fmt;
	fail();
	__builtin_trap();
}

#define expect(text)                                                                               \
	do {                                                                                       \
		assert_string_equal(trace, text);                                                  \
		trace[0] = '\0';                                                                   \
	} while (0)

static int set_up(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	machine_init(&c);
	c.life.is_guarded = true;
	c.life.init_ns = 1000 * MS;
	c.life.stop_ns = 1000 * MS;
	backoff_defaults(&c.life.delays);
	trace[0] = '\0';
	now = 1000 * MS;
	next_ep = 70;
	deps = true;
	has_script = false;
	spawn_error = silence_error = 0;
	settled = 99;
	return 0;
}

static void run_up(void)
{
	machine_up(&c);
	if (c.life.has_pci)
		machine_claimed(&c, 0, 1);
	machine_ready(&c, 0);
	assert_int_equal(c.life.state, CS_RUNNING);
	trace[0] = '\0';
}

static void start_is_spawn_privileges_run_init_publish(void **state)
{
	(void)state;
	machine_up(&c);
	expect("spawn70 assign70 start70 init:0");
	machine_ready(&c, 0);
	expect("publish70");
	assert_int_equal(settled, 0);
}

static void driver_waits_for_pci_and_claims_before_it_runs(void **state)
{
	(void)state;
	c.life.has_pci = true;
	deps = false;
	machine_up(&c);
	expect("");
	assert_int_equal(c.life.state, CS_WAITING);
	deps = true;
	machine_advance(&c);
	expect("spawn70 assign70 claim70");
	machine_claimed(&c, 0, 1);
	expect("start70 init:0");
}

static void driver_without_device_goes_down(void **state)
{
	(void)state;
	c.life.has_pci = true;
	machine_up(&c);
	trace[0] = '\0';
	machine_claimed(&c, 0, 0);
	expect("kill70 bury70 unpublish release");
	assert_int_equal(c.life.state, CS_DOWN);
	assert_int_equal(settled, -ENODEV);
}

static void death_silences_the_device_before_the_restart(void **state)
{
	(void)state;
	c.life.has_pci = true;
	run_up();
	machine_exited(&c, CAUSE_SIGNAL);
	expect("bury70 silence");
	assert_int_equal(c.life.state, CS_SILENCING);
	machine_silenced(&c, 1);
	expect("spawn71 assign71 claim71");
	machine_claimed(&c, 0, 1);
	machine_ready(&c, 0);
	expect("start71 init:1 publish71");
	assert_int_equal(c.life.restarts, 1);
}

static void silence_is_asked_again_while_pci_is_away(void **state)
{
	(void)state;
	c.life.has_pci = true;
	run_up();
	machine_exited(&c, CAUSE_SIGNAL);
	trace[0] = '\0';
	now += SILENCE_TIMEOUT_NS;
	machine_tick(&c);
	expect("silence");
	assert_int_equal(c.life.state, CS_SILENCING);
}

static void claimed_devices_are_never_taken_for_silent_without_pci(void **state)
{
	(void)state;
	c.life.has_pci = true;
	run_up();
	silence_error = -ENOTCONN;
	machine_exited(&c, CAUSE_SIGNAL);
	assert_int_equal(c.life.state, CS_SILENCING);
	expect("bury70 silence");
}

static void standby_is_promoted_without_a_spawn(void **state)
{
	(void)state;
	c.life.wants_standby = true;
	run_up();
	now += STANDBY_CALM_NS;
	machine_tick(&c);
	expect("spawn71 standby71");
	machine_exited(&c, CAUSE_EXCEPTION);
	expect("bury70 assign71 init:1");
	machine_ready(&c, 0);
	expect("publish71");
	assert_int_equal(c.life.now.ep, 71);
	now += STANDBY_CALM_NS;
	machine_tick(&c);
	expect("spawn72 standby72");
}

static void dead_standby_is_replaced_later(void **state)
{
	(void)state;
	c.life.wants_standby = true;
	run_up();
	now += STANDBY_CALM_NS;
	machine_tick(&c);
	trace[0] = '\0';
	machine_standby_exited(&c);
	machine_tick(&c);
	expect("bury71");
	now += STANDBY_RETRY_NS;
	machine_tick(&c);
	expect("spawn72 standby72");
}

static void missed_heartbeats_kill(void **state)
{
	(void)state;
	c.life.period_ns = 100 * MS;
	run_up();
	for (int i = 0; i < 5; i++) {
		now += 100 * MS;
		machine_tick(&c);
		machine_alive(&c);
	}
	expect("ping ping ping ping ping");
	for (int i = 0; i < 3; i++) {
		now += 100 * MS;
		machine_tick(&c);
	}
	expect("ping ping kill70 bury70 spawn71 assign71 start71 init:1");
}

static void init_that_never_ends_is_a_failure(void **state)
{
	(void)state;
	machine_up(&c);
	trace[0] = '\0';
	now += c.life.init_ns;
	machine_tick(&c);
	assert_int_equal(settled, -ETIMEDOUT);
	expect("kill70 bury70 spawn71 assign71 start71 init:1");
}

static void crash_loop_backs_off(void **state)
{
	uint64_t first;

	(void)state;
	machine_up(&c);
	for (int i = 0; i < 4; i++) {
		if (c.life.state == CS_BACKOFF) {
			now = machine_next_ns(&c);
			machine_tick(&c);
		}
		assert_int_equal(c.life.state, CS_STARTING);
		machine_exited(&c, CAUSE_EXIT);
	}
	assert_int_equal(c.life.state, CS_BACKOFF);
	first = machine_next_ns(&c) - now;
	assert_true(first >= 20 * MS);
	assert_int_equal(c.life.restarts, 4);
}

static void kills_from_outside_never_back_off(void **state)
{
	(void)state;
	machine_up(&c);
	for (int i = 0; i < 100; i++) {
		machine_ready(&c, 0);
		now += MS;
		machine_exited(&c, CAUSE_SIGNAL);
		assert_int_equal(c.life.state, CS_STARTING);
		trace[0] = '\0';
	}
	machine_exited(&c, CAUSE_SIGNAL); /* before it was ready: as any crash */
	trace[0] = '\0';
	machine_exited(&c, CAUSE_SIGNAL);
	assert_int_equal(c.life.state, CS_BACKOFF);
}

static void spawn_failure_is_retried(void **state)
{
	(void)state;
	spawn_error = -ENOMEM;
	machine_up(&c);
	assert_int_equal(c.life.state, CS_BACKOFF);
	assert_int_equal(settled, -ENOMEM);
	spawn_error = 0;
	now = machine_next_ns(&c);
	machine_tick(&c);
	assert_int_equal(c.life.state, CS_STARTING);
}

static void down_asks_then_kills(void **state)
{
	(void)state;
	c.life.has_pci = true;
	run_up();
	machine_down(&c);
	expect("shutdown");
	now += c.life.stop_ns;
	machine_tick(&c);
	expect("kill70 bury70 silence");
	machine_silenced(&c, 1);
	expect("unpublish release");
	assert_int_equal(c.life.state, CS_DOWN);
	assert_int_equal(settled, 0);
}

static void replace_loads_the_next_one_first(void **state)
{
	(void)state;
	run_up();
	machine_replace(&c);
	expect("spawn71 standby71 shutdown");
	machine_exited(&c, CAUSE_EXIT);
	expect("bury70 assign71 init:2");
	machine_ready(&c, 0);
	expect("publish71");
	assert_int_equal(c.life.backoff.crashes, 0);
}

static void script_decides_when_it_comes_back(void **state)
{
	(void)state;
	c.life.has_script = true;
	has_script = true;
	run_up();
	machine_exited(&c, CAUSE_EXIT);
	expect("bury70 script");
	assert_int_equal(c.life.state, CS_BACKOFF);
	machine_replace(&c);
	expect("spawn71 assign71 start71 init:1");
}

static void first_failure_of_a_trial_is_final(void **state)
{
	(void)state;
	c.life.is_trial = true;
	machine_up(&c);
	machine_ready(&c, -EINVAL);
	assert_int_equal(c.life.state, CS_DOWN);
	assert_int_equal(settled, -EINVAL);
	assert_int_equal(c.causes[CAUSE_INIT], 1);
	run_up();
	machine_exited(&c, CAUSE_EXIT);
	assert_int_equal(c.life.state, CS_STARTING); /* it proved itself: guarded as all others */
}

static void unguarded_component_stays_down(void **state)
{
	(void)state;
	c.life.is_guarded = false;
	run_up();
	machine_exited(&c, CAUSE_EXIT);
	expect("bury70 unpublish");
	assert_int_equal(c.life.state, CS_DOWN);
}

static void events_in_the_wrong_state_change_nothing(void **state)
{
	(void)state;
	machine_ready(&c, 0);
	machine_exited(&c, CAUSE_EXIT);
	machine_condemn(&c, CAUSE_COMPLAINT);
	machine_silenced(&c, 1);
	machine_claimed(&c, 0, 1);
	machine_go(&c);
	machine_replace(&c);
	expect("");
	run_up();
	machine_up(&c);
	machine_ready(&c, -EIO);
	machine_advance(&c);
	expect("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(start_is_spawn_privileges_run_init_publish, set_up),
		cmocka_unit_test_setup(driver_waits_for_pci_and_claims_before_it_runs, set_up),
		cmocka_unit_test_setup(driver_without_device_goes_down, set_up),
		cmocka_unit_test_setup(death_silences_the_device_before_the_restart, set_up),
		cmocka_unit_test_setup(silence_is_asked_again_while_pci_is_away, set_up),
		cmocka_unit_test_setup(claimed_devices_are_never_taken_for_silent_without_pci,
				       set_up),
		cmocka_unit_test_setup(standby_is_promoted_without_a_spawn, set_up),
		cmocka_unit_test_setup(dead_standby_is_replaced_later, set_up),
		cmocka_unit_test_setup(missed_heartbeats_kill, set_up),
		cmocka_unit_test_setup(init_that_never_ends_is_a_failure, set_up),
		cmocka_unit_test_setup(crash_loop_backs_off, set_up),
		cmocka_unit_test_setup(kills_from_outside_never_back_off, set_up),
		cmocka_unit_test_setup(spawn_failure_is_retried, set_up),
		cmocka_unit_test_setup(down_asks_then_kills, set_up),
		cmocka_unit_test_setup(replace_loads_the_next_one_first, set_up),
		cmocka_unit_test_setup(script_decides_when_it_comes_back, set_up),
		cmocka_unit_test_setup(first_failure_of_a_trial_is_final, set_up),
		cmocka_unit_test_setup(unguarded_component_stays_down, set_up),
		cmocka_unit_test_setup(events_in_the_wrong_state_change_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
