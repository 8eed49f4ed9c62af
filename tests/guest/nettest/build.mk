# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := sys tester fiber netdev inetsum arena unitname ring random
