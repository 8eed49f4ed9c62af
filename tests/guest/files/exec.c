/* SPDX-License-Identifier: BSD-2-Clause */
/* execve: arguments, environment, scripts, close-on-exec, errors. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files.h"
#include "helper.h"

extern char **environ;

static char *const no_env[] = {NULL};

/* ---- the helper: what the executed program looks at ---- */

static int helper_args(int argc, char **argv)
{
	if (argc != 4 || strcmp(argv[2], "two words") != 0 || strcmp(argv[3], "") != 0)
		return 10;
	if (!getenv("KEY") || strcmp(getenv("KEY"), "value") != 0 || environ[1])
		return 11;
	return 12;
}

static int helper_fds(char **argv)
{
	int open_fd = (int)strtol(argv[2], NULL, 10), closed_fd = (int)strtol(argv[3], NULL, 10);

	return fcntl(open_fd, F_GETFD) >= 0 && fcntl(closed_fd, F_GETFD) == -1 ? 12 : 10;
}

static int helper_aux(void)
{
	const char *fn = (const char *)getauxval(AT_EXECFN);

	if (getauxval(AT_PAGESZ) != 4096 || getauxval(AT_UID) != getuid() ||
	    getauxval(AT_SECURE) != 0)
		return 10;
	return fn && strstr(fn, "files") && getauxval(AT_PHDR) && getauxval(AT_RANDOM) ? 12 : 11;
}

int helper_main(int argc, char **argv)
{
	if (strcmp(argv[1], "helper-args") == 0)
		return helper_args(argc, argv);
	if (strcmp(argv[1], "helper-fds") == 0)
		return helper_fds(argv);
	if (strcmp(argv[1], "helper-aux") == 0)
		return helper_aux();
	if (strcmp(argv[1], "helper-euid") == 0)
		return (int)geteuid();
	if (strcmp(argv[1], "helper-count") == 0)
		return argc == (int)strtol(argv[2], NULL, 10) ? 12 : 10;
	return 9;
}

/* ---- exec ---- */

struct command {
	const char *path;
	char **argv;
	char *const *env;
};

static void do_exec(void *arg)
{
	const struct command *c = arg;

	execve(c->path, c->argv, c->env);
	_exit(errno);
}

static int run(const char *path, char **argv, char *const *env)
{
	struct command c = {path, argv, env};
	int status = status_of(do_exec, &c);

	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void arguments_and_environment_arrive(void)
{
	char *argv[] = {"name", "helper-args", "two words", "", NULL};
	char *env[] = {"KEY=value", NULL};

	CHECK(run(self_path, argv, env) == 12);
}

static void auxv_is_complete(void)
{
	char *argv[] = {"name", "helper-aux", NULL};

	CHECK(run(self_path, argv, no_env) == 12);
}

static void close_on_exec_closes(void)
{
	char keep[8], lose[8];
	char *argv[] = {"name", "helper-fds", keep, lose, NULL};
	int fd = open("/dev/null", O_RDONLY);

	snprintf(keep, sizeof(keep), "%d", fd);
	snprintf(lose, sizeof(lose), "%d", fcntl(fd, F_DUPFD_CLOEXEC, 0));
	CHECK(run(self_path, argv, no_env) == 12);
}

static void many_arguments(void)
{
	static char *argv[5005];
	static char long_one[100000];

	argv[0] = "name";
	argv[1] = "helper-count";
	argv[2] = "5004";
	for (int i = 3; i < 5004; i++)
		argv[i] = "argument";
	CHECK(run(self_path, argv, no_env) == 12);
	memset(long_one, 'x', sizeof(long_one) - 1);
	argv[2] = "4";
	argv[3] = long_one;
	argv[4] = NULL;
	CHECK(run(self_path, argv, no_env) == 12);
}

static void too_many_arguments(void)
{
	static char *argv[100];
	static char long_one[120000];

	memset(long_one, 'x', sizeof(long_one) - 1);
	for (int i = 0; i < 99; i++)
		argv[i] = long_one; /* 12 MB: more than anybody takes */
	CHECK(run(self_path, argv, no_env) == E2BIG);
}

static void exec_errors(void)
{
	char *argv[] = {"name", NULL};

	put_file("text", "just text\n");
	put_file("empty", "");
	CHECK(chmod("text", 0755) == 0 && chmod("empty", 0755) == 0 && mkdir("d", 0755) == 0);
	put_file("noexec", "#!/bin/sh\n");
	CHECK(run("no", argv, no_env) == ENOENT && run("text", argv, no_env) == ENOEXEC);
	CHECK(run("empty", argv, no_env) == ENOEXEC && run("d", argv, no_env) == EACCES);
	CHECK(run("noexec", argv, no_env) == EACCES && run("text/x", argv, no_env) == ENOTDIR);
	CHECK(syscall(SYS_execve, (void *)16, argv, no_env) == -1 && errno == EFAULT);
	CHECK(syscall(SYS_execve, self_path, (void *)16, no_env) == -1 && errno == EFAULT);
}

/* A program of one page that ends at once, with an interpreter. */
struct tiny {
	Elf64_Ehdr eh;
	Elf64_Phdr load, interp;
	char path[64];
	uint8_t code[32];
	uint8_t rest[4096];
};

static void put_tiny(const char *name, const char *interp, uint64_t mem_bytes)
{
	/* mov $60, %eax; mov $33, %edi; syscall */
	static const uint8_t code[] = {0xb8, 60, 0, 0, 0, 0xbf, 33, 0, 0, 0, 0x0f, 0x05};
	static struct tiny t;
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	t = (struct tiny){
		.eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	               .e_type = ET_DYN,
	               .e_machine = EM_X86_64,
	               .e_version = EV_CURRENT,
	               .e_entry = offsetof(struct tiny, code),
	               .e_phoff = offsetof(struct tiny, load),
	               .e_ehsize = sizeof(Elf64_Ehdr),
	               .e_phentsize = sizeof(Elf64_Phdr),
	               .e_phnum = interp == NULL ? 1 : 2},
		.load = {.p_type = PT_LOAD,
	                 .p_flags = PF_R | PF_X,
	                 .p_filesz = sizeof(t),
	                 .p_memsz = mem_bytes,
	                 .p_align = 4096}};
	if (interp != NULL) {
		t.interp = (Elf64_Phdr){.p_type = PT_INTERP,
		                        .p_offset = offsetof(struct tiny, path),
		                        .p_filesz = strlen(interp) + 1};
		snprintf(t.path, sizeof(t.path), "%s", interp);
	}
	memcpy(t.code, code, sizeof(code));
	CHECK(fd >= 0 && write(fd, &t, sizeof(t)) == sizeof(t) && close(fd) == 0);
}

/* What a program's file says of its interpreter is checked; the interpreter starts in its stead. */
static void interpreter_is_started_or_the_call_fails(void)
{
	char *argv[] = {"name", NULL};

	put_tiny("alone", NULL, sizeof(struct tiny));
	CHECK(run("./alone", argv, no_env) == 33);
	put_tiny("good", "./alone", sizeof(struct tiny));
	CHECK(run("./good", argv, no_env) == 33);
	put_tiny("lost", "/no/such/ld.so", sizeof(struct tiny));
	CHECK(run("./lost", argv, no_env) == ENOENT);
	put_tiny("folder", "/", sizeof(struct tiny));
	CHECK(run("./folder", argv, no_env) == EACCES);
	put_tiny("script", "./sh", sizeof(struct tiny));
	put_file("sh",
	         "#!/bin/sh\nexit 1\n# longer than the header of a program, which is 64 bytes\n");
	CHECK(chmod("sh", 0755) == 0 && run("./script", argv, no_env) == ELIBBAD);
	CHECK(chmod("sh", 0644) == 0 && run("./script", argv, no_env) == EACCES);
}

/* A program that asks for all addresses does not run, and nobody else notices. */
static void impossible_sizes_are_refused(void)
{
	char *argv[] = {"name", NULL};
	struct command c = {"./huge", argv, no_env};
	int status;

	put_tiny("huge", NULL, 0x7fffff000000ul - 4096);
	status = status_of(do_exec, &c);
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == ENOMEM ||
	      WEXITSTATUS(status) == EINVAL);
}

static void put_script(const char *name, const char *interp, const char *rest)
{
	char text[300];

	snprintf(text, sizeof(text), "#!%s %s\nexit 1\n", interp, rest);
	put_file(name, text);
	CHECK(chmod(name, 0755) == 0);
}

static void scripts_get_interpreter_and_argument(void)
{
	char *argv[] = {"replaced", "3", NULL};

	/* files helper-count ./s 3: argc is 4, which is not 0, the number that "./s" is */
	put_script("s", self_path, "helper-count");
	CHECK(run("./s", argv, no_env) == 10);
	put_file("sh", "#!/bin/sh\nexit $#\n");
	CHECK(chmod("sh", 0755) == 0 && run("./sh", argv, no_env) == 1);
	put_script("chain", "./sh", "");
	CHECK(run("./chain", argv, no_env) == 2);
	put_script("loop", "./loop", "");
	CHECK(run("./loop", argv, no_env) == ELOOP);
	put_script("lost", "/no/such", "");
	CHECK(run("./lost", argv, no_env) == ENOENT);
}

static void exec_by_descriptor(void)
{
	char *argv[] = {"name", "helper-args", "two words", "", NULL};
	char *env[] = {"KEY=value", NULL};
	int status, fd = open(self_path, O_PATH);
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
		_exit(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == EXITED(12));
}

static void copy_self(const char *to)
{
	static char buf[65536];
	int in = open(self_path, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK(write(out, buf, (size_t)n) == n);
	CHECK(close(in) == 0 && close(out) == 0);
}

static void user_runs_setuid(void *arg)
{
	char *argv[] = {"name", "helper-euid", NULL};

	(void)arg;
	CHECK(run("./prog", argv, no_env) == 7);
}

static void set_user_id_is_honoured(void)
{
	copy_self("prog");
	CHECK(chown("prog", 7, 7) == 0 && chmod("prog", 04755) == 0);
	as_user(user_runs_setuid, NULL);
}

static void a_replaced_program_is_the_new_one(void)
{
	char *argv[] = {"name", "helper-euid", NULL};

	copy_self("prog");
	CHECK(run("./prog", argv, no_env) == 0);
	CHECK(unlink("prog") == 0);
	put_file("prog", "#!/bin/sh\nexit 33\n");
	CHECK(chmod("prog", 0755) == 0 && run("./prog", argv, no_env) == 33);
}

const struct test exec_tests[] = {
	TEST(arguments_and_environment_arrive),
	TEST(auxv_is_complete),
	TEST(close_on_exec_closes),
	TEST(many_arguments),
	TEST(too_many_arguments),
	TEST(exec_errors),
	TEST(interpreter_is_started_or_the_call_fails),
	TEST(impossible_sizes_are_refused),
	TEST(scripts_get_interpreter_and_argument),
	TEST(exec_by_descriptor),
	TEST(set_user_id_is_honoured),
	TEST(a_replaced_program_is_the_new_one),
	{NULL, NULL},
};
