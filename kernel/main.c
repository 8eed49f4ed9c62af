/* SPDX-License-Identifier: BSD-2-Clause */
/* Start of the kernel: boot.asm comes here with 4 GiB mapped one to one, low and in the direct map.
 */
#include "proc.h"

void kmain(uint64_t magic, uint64_t info) __attribute__((noreturn));

void kmain(uint64_t magic, uint64_t info)
{
	kprintf("Axolotl\n");
	boot_parse(magic, info);
	proc_init();
	cpu_init();
	paging_init();
	apic_init();
	ioapic_init();
	clock_init();
	copy_choose();
	event_log(EV_BOOT, NULL, 0, 0);
	loader_start_vm();
	kprintf("memory: %lu MiB; archive: %lu KiB; command line: %s\n", boot.phys_top >> 20,
	        boot.archive_bytes >> 10, boot.cmdline);
	dispatch();
}
