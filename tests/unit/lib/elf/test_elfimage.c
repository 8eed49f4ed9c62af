/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/elf/elfimage.c */
/*
 * ELF parser: a made-up program is understood, each broken field is refused, and the test program
 * itself (a real ELF) parses.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "elf/elfimage.h"

#define PHDRS      4
#define FILE_BYTES 0x5000

struct program {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[PHDRS];
	uint8_t rest[ELF_HEAD_BYTES - sizeof(Elf64_Ehdr) - PHDRS * sizeof(Elf64_Phdr)];
};
static struct program prog;

static void set_load(Elf64_Phdr *ph, uint32_t flags, uint64_t offset, uint64_t vaddr)
{
	*ph = (Elf64_Phdr){.p_type = PT_LOAD,
	                   .p_flags = flags,
	                   .p_offset = offset,
	                   .p_vaddr = vaddr,
	                   .p_filesz = 0x1000,
	                   .p_memsz = 0x1000,
	                   .p_align = 0x1000};
}

static struct program *make(void)
{
	memset(&prog, 0, sizeof(prog));
	memcpy(prog.eh.e_ident, ELFMAG, SELFMAG);
	prog.eh.e_ident[EI_CLASS] = ELFCLASS64;
	prog.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	prog.eh.e_ident[EI_VERSION] = EV_CURRENT;
	prog.eh.e_type = ET_EXEC;
	prog.eh.e_machine = EM_X86_64;
	prog.eh.e_version = EV_CURRENT;
	prog.eh.e_entry = 0x401010;
	prog.eh.e_phoff = sizeof(Elf64_Ehdr);
	prog.eh.e_ehsize = sizeof(Elf64_Ehdr);
	prog.eh.e_phentsize = sizeof(Elf64_Phdr);
	prog.eh.e_phnum = PHDRS;
	set_load(&prog.ph[0], PF_R, 0, 0x400000);
	set_load(&prog.ph[1], PF_R | PF_X, 0x1000, 0x401000);
	set_load(&prog.ph[2], PF_R | PF_W, 0x2f00, 0x403f00);
	prog.ph[2].p_memsz = 0x3000;
	prog.ph[3].p_type = PT_GNU_STACK;
	prog.ph[3].p_flags = PF_R | PF_W;
	return &prog;
}

static int parse(struct elf_image *img)
{
	return elf_parse(&prog, sizeof(prog), FILE_BYTES, img);
}

static void assert_refused(void)
{
	struct elf_image img;

	assert_int_equal(parse(&img), -ENOEXEC);
}

static void good_program_is_understood(void **state)
{
	struct elf_image img;
	struct elf_pages p;

	(void)state;
	make();
	assert_int_equal(parse(&img), 0);
	assert_int_equal(img.segment_count, 3);
	assert_int_equal(img.entry, 0x401010);
	assert_int_equal(img.phdr_vaddr, 0x400000 + sizeof(Elf64_Ehdr));
	assert_int_equal(img.low, 0x400000);
	assert_int_equal(img.high, 0x407000);
	assert_int_equal(img.segments[1].prot, ELF_READ | ELF_EXEC);
	assert_false(img.want_exec_stack || img.has_interp || img.is_dyn);
	elf_segment_pages(&img.segments[2], &p);
	assert_int_equal(p.vaddr, 0x403000);
	assert_int_equal(p.len_bytes, 0x4000);
	assert_int_equal(p.offset, 0x2000);
	assert_int_equal(p.file_bytes, 0x1f00);
}

static void file_header_is_checked(void **state)
{
	struct elf_image img;

	(void)state;
	make()->eh.e_ident[0] = 0;
	assert_refused();
	make()->eh.e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused();
	make()->eh.e_type = ET_REL;
	assert_refused();
	make()->eh.e_machine = EM_386;
	assert_refused();
	make()->eh.e_phentsize = 32;
	assert_refused();
	make()->eh.e_phnum = 0;
	assert_refused();
	make()->eh.e_phnum = ELF_PHDRS_MAX + 1;
	assert_refused();
	make()->eh.e_phoff = UINT64_MAX;
	assert_refused();
	make()->eh.e_phoff = FILE_BYTES - 8;
	assert_refused();
	make()->eh.e_phoff = ELF_HEAD_BYTES;
	assert_int_equal(parse(&img), -E2BIG);
	make();
	assert_int_equal(elf_parse(&prog, 20, FILE_BYTES, &img), -ENOEXEC);
}

static void segments_are_checked(void **state)
{
	(void)state;
	make()->ph[1].p_flags = PF_R | PF_W | PF_X;
	assert_refused();
	make()->ph[1].p_filesz = 0x1001;
	assert_refused();
	make()->ph[1].p_offset = 0x4800;
	assert_refused();
	make()->ph[1].p_offset = FILE_BYTES;
	assert_refused();
	make()->ph[2].p_memsz = UINT64_MAX - 0x1000;
	assert_refused();
	make()->ph[2].p_vaddr = ELF_ADDR_MAX - 0x100;
	assert_refused();
	make()->ph[2].p_vaddr = 0x401f00;
	assert_refused();
	make()->eh.e_entry = 0x400010;
	assert_refused();
	make()->ph[0].p_vaddr = 0;
	assert_refused();
	set_load(&make()->ph[3], PF_R, 0, 0);
	assert_refused();
}

static void interp_is_found_and_checked(void **state)
{
	struct elf_image img;

	(void)state;
	make()->ph[3] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x300, .p_filesz = 28};
	assert_int_equal(parse(&img), 0);
	assert_true(img.has_interp);
	assert_int_equal(img.interp_offset, 0x300);
	assert_int_equal(img.interp_bytes, 28);
	prog.ph[3].p_filesz = ELF_INTERP_MAX + 1;
	assert_refused();
	prog.ph[3].p_filesz = 28;
	prog.ph[3].p_offset = FILE_BYTES - 1;
	assert_refused();
	prog.ph[3].p_offset = UINT64_MAX;
	assert_refused();
	prog.ph[3].p_offset = 0x300;
	prog.ph[3].p_filesz = 1;
	assert_refused();
	prog.ph[3].p_filesz = 28;
	prog.ph[0] = prog.ph[3]; /* a second one */
	assert_refused();
}

static void images_are_placed_below_the_limit(void **state)
{
	struct elf_image img;
	uint64_t bias;

	(void)state;
	make();
	assert_int_equal(parse(&img), 0);
	assert_int_equal(elf_place(&img, 0x555000, 0x407000, &bias), 0);
	assert_int_equal(bias, 0);
	assert_int_equal(elf_place(&img, 0x555000, 0x406fff, &bias), -ENOMEM);
	img.is_dyn = true;
	assert_int_equal(elf_place(&img, 0x555000, 0x555000 + 0x407000, &bias), 0);
	assert_int_equal(bias, 0x555000);
	assert_int_equal(elf_place(&img, 0x555000, 0x555000 + 0x406fff, &bias), -ENOMEM);
	assert_int_equal(elf_place(&img, UINT64_MAX, UINT64_MAX, &bias), -ENOMEM);
}

static void alignment_of_segments_is_kept(void **state)
{
	struct elf_image img;
	uint64_t bias;

	(void)state;
	make()->ph[1].p_align = 0x200000;
	prog.ph[0].p_align = 0;
	prog.ph[2].p_align = 0x300000; /* no power of two */
	assert_int_equal(parse(&img), 0);
	assert_int_equal(img.align, 0x200000);
	img.is_dyn = true;
	assert_int_equal(elf_place(&img, 0x555000, ELF_ADDR_MAX, &bias), 0);
	assert_int_equal(bias, 0x600000);
	make()->ph[1].p_align = 1ul << 63;
	assert_int_equal(parse(&img), 0);
	img.is_dyn = true;
	assert_int_equal(elf_place(&img, 0x555000, ELF_ADDR_MAX, &bias), -ENOMEM);
}

static void images_that_meet_are_seen(void **state)
{
	struct elf_image a, b;

	(void)state;
	make();
	assert_int_equal(parse(&a), 0);
	b = a;
	assert_true(elf_overlap(&a, 0, &b, 0));
	assert_true(elf_overlap(&a, 0, &b, 0x6000));
	assert_true(elf_overlap(&a, 0x6000, &b, 0));
	assert_false(elf_overlap(&a, 0, &b, 0x7000));
	assert_false(elf_overlap(&a, 0x7000, &b, 0));
}

static void real_program_parses(void **state)
{
	static uint8_t head[ELF_HEAD_BYTES];
	struct elf_image img;
	FILE *f = fopen("/proc/self/exe", "rb");
	size_t got;
	long size;

	(void)state;
	assert_non_null(f);
	got = fread(head, 1, sizeof(head), f);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	fclose(f);
	assert_int_equal(elf_parse(head, got, (uint64_t)size, &img), 0);
	assert_true(img.segment_count >= 2);
	assert_true(img.phdr_vaddr != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_program_is_understood),
		cmocka_unit_test(file_header_is_checked),
		cmocka_unit_test(segments_are_checked),
		cmocka_unit_test(interp_is_found_and_checked),
		cmocka_unit_test(images_are_placed_below_the_limit),
		cmocka_unit_test(alignment_of_segments_is_kept),
		cmocka_unit_test(images_that_meet_are_seen),
		cmocka_unit_test(real_program_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
