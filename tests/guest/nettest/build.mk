# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := sys fiber netdev inetsum arena unitname ring
