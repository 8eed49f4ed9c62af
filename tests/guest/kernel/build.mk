# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := sys random
