/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for tests of vm's pure parts. */
#ifndef TESTS_VM_FIXTURE_H
#define TESTS_VM_FIXTURE_H

#define FRAMES_MAX 4096u

/* For cmocka_run_group_tests: memory behind the frames. */
int frames_group_setup(void **state);
int frames_group_teardown(void **state);
/* So many frames, all free but frame 0, which does not exist. */
void frames_fresh(unsigned count);

#endif
