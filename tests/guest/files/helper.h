/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program does when an exec test starts it with "helper-..." as its first argument. */
#ifndef TESTS_GUEST_FILES_HELPER_H
#define TESTS_GUEST_FILES_HELPER_H

int helper_main(int argc, char **argv);

#endif
