EXTRA_LIBS := sys
