/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/machine.c lib/backoff/ tests/unit/servers/rs/machine_model.c
 *       tests/unit/support/panic.c */
/*
 * The life cycle of a component against a model of the world: every act_*() writes a word into a
 * trace, so a test compares the exact order of what rs does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/servers/rs/machine_model.h"

static void run_up(void)
{
	machine_up(&c);
	if (c.life.has_pci)
		machine_claimed(&c, 0, 1);
	machine_ready(&c, 0);
	assert_int_equal(c.life.state, CS_RUNNING);
	trace[0] = '\0';
}

static void later(uint64_t ns)
{
	now += ns;
	machine_tick(&c);
}

static void run_up_driver(void)
{
	c.life.has_pci = true;
	run_up();
}

static void run_up_with_standby(void)
{
	c.life.wants_standby = true;
	run_up();
	later(STANDBY_CALM_NS);
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
	run_up_driver();
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
	run_up_driver();
	machine_exited(&c, CAUSE_SIGNAL);
	trace[0] = '\0';
	later(SILENCE_TIMEOUT_NS);
	expect("silence");
	assert_int_equal(c.life.state, CS_SILENCING);
}

static void pci_that_comes_back_is_asked_at_once(void **state)
{
	(void)state;
	run_up_driver();
	machine_ask_pci_again(&c);
	expect("");
	silence_error = -ENOTCONN;
	machine_exited(&c, CAUSE_SIGNAL);
	silence_error = 0;
	trace[0] = '\0';
	machine_ask_pci_again(&c);
	expect("silence");
	machine_silenced(&c, 1);
	trace[0] = '\0';
	machine_ask_pci_again(&c);
	expect("claim71");
}

static void claimed_devices_are_never_taken_for_silent_without_pci(void **state)
{
	(void)state;
	run_up_driver();
	silence_error = -ENOTCONN;
	machine_exited(&c, CAUSE_SIGNAL);
	assert_int_equal(c.life.state, CS_SILENCING);
	expect("bury70 silence");
}

static void standby_is_promoted_without_a_spawn(void **state)
{
	(void)state;
	run_up_with_standby();
	expect("spawn71 standby71");
	machine_exited(&c, CAUSE_EXCEPTION);
	expect("bury70 assign71 init:1");
	machine_ready(&c, 0);
	expect("publish71");
	assert_int_equal(c.life.now.ep, 71);
	later(STANDBY_CALM_NS);
	expect("spawn72 standby72");
}

static void dead_standby_is_replaced_later(void **state)
{
	(void)state;
	run_up_with_standby();
	trace[0] = '\0';
	machine_standby_exited(&c);
	machine_tick(&c);
	expect("bury71");
	later(STANDBY_RETRY_NS);
	expect("spawn72 standby72");
}

static void missed_heartbeats_kill(void **state)
{
	(void)state;
	c.life.period_ns = 100 * MS;
	run_up();
	for (int i = 0; i < 5; i++) {
		later(100 * MS);
		machine_alive(&c);
	}
	expect("ping ping ping ping ping");
	for (int i = 0; i < 3; i++) {
		later(100 * MS);
	}
	expect("ping ping kill70 bury70 spawn71 assign71 start71 init:1");
}

static void init_that_never_ends_is_a_failure(void **state)
{
	(void)state;
	machine_up(&c);
	trace[0] = '\0';
	later(c.life.init_ns);
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
	run_up_driver();
	machine_down(&c);
	expect("shutdown");
	later(c.life.stop_ns);
	expect("kill70 bury70 silence");
	machine_silenced(&c, 1);
	expect("unpublish release");
	assert_int_equal(c.life.state, CS_DOWN);
	assert_int_equal(settled, 0);
}

static void up_while_it_goes_down_brings_it_back(void **state)
{
	(void)state;
	run_up();
	machine_down(&c);
	expect("shutdown");
	machine_up(&c);
	machine_exited(&c, CAUSE_EXIT);
	assert_int_equal(c.life.state, CS_STARTING);
	settled = 1;
	machine_ready(&c, 0);
	assert_int_equal(c.life.state, CS_RUNNING);
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
		cmocka_unit_test_setup(pci_that_comes_back_is_asked_at_once, set_up),
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
		cmocka_unit_test_setup(up_while_it_goes_down_brings_it_back, set_up),
		cmocka_unit_test_setup(script_decides_when_it_comes_back, set_up),
		cmocka_unit_test_setup(first_failure_of_a_trial_is_final, set_up),
		cmocka_unit_test_setup(unguarded_component_stays_down, set_up),
		cmocka_unit_test_setup(events_in_the_wrong_state_change_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
