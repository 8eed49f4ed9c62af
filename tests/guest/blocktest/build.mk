# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := sys tester fiber blockdev arena unitname ring random
