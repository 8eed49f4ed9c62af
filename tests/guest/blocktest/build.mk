# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := sys fiber blockdev arena unitname ring
