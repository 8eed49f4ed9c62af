# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := sys netdev inetsum arena unitname ring
