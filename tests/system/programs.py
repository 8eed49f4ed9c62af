# SPDX-License-Identifier: BSD-2-Clause
"""Programs brought in with --put run: static and dynamic, musl and glibc; files and folders go in and come out."""
import hashlib
import os
import random
import subprocess
import tempfile

SOURCE = r"""
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static volatile int caught;
static void on_signal(int n) { caught = n; }
int main(int argc, char **argv)
{
	char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *block = malloc(20 << 20);
	struct timespec a, b;
	int status;
	memset(block, 7, 20 << 20);
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	if (fork() == 0) {
		shared[0] = 'x';
		block[5] = 1;
		_exit(9);
	}
	wait(&status);
	clock_gettime(CLOCK_MONOTONIC, &a);
	usleep(20000);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%s %d %c %d %d %d %.3f\n", argv[1], caught == SIGUSR1, shared[0], block[5], WEXITSTATUS(status),
	       (b.tv_sec - a.tv_sec) * 1000000000l + b.tv_nsec - a.tv_nsec >= 20000000l, 1.0 / 3);
	errno = 0;
	return write(1, (void *)16, 5) == -1 && errno == EFAULT ? 0 : 1;
}
"""
EXPECTED = "word 1 x 7 9 1 0.333"


# What only dynamic programs have: a library of their own, found by path, with a constructor, thread-local data, and symbols
# of the program that it uses; another one that is loaded later; and the words of the kernel that ld.so believes.
LIBRARY = r"""
int seen;
__thread int own = 5;
extern int of_program;
__attribute__((constructor)) static void begin(void) { seen = of_program + own; }
int *own_of_thread(void) { return &own; }
"""
LATER = "int twice(int n) { return 2 * n; }"
DYNAMIC = r"""
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
int of_program = 37;
extern int seen;
int *own_of_thread(void);
static void *thread(void *arg) { (*own_of_thread())++; return own_of_thread(); }
int main(int argc, char **argv)
{
	pthread_t id;
	void *other;
	void *later = dlopen("liblater.so", RTLD_NOW);
	int (*twice)(int) = later ? (int (*)(int))dlsym(later, "twice") : 0;
	pthread_create(&id, 0, thread, 0);
	pthread_join(id, &other);
	printf("%s %d %d %d %d %d\n", argv[1], seen, *own_of_thread(), other != own_of_thread(), twice ? twice(21) : -1,
	       getauxval(AT_BASE) != 0 && !getauxval(AT_SECURE) && !strcmp((char *)getauxval(AT_EXECFN), argv[0]));
	return 0;
}
"""
DYNAMIC_EXPECTED = "word 42 5 1 42 1"
GUEST_LIBS = "/root/lib"
COMPILED = tempfile.TemporaryDirectory(prefix="axo-test-")


def compiled(compiler, source, name, *options):
    """Compiles a text in a folder of its own; the program's path."""
    folder = tempfile.mkdtemp(dir=COMPILED.name)
    with open(f"{folder}/{name}.c", "w", encoding="ascii") as file:
        file.write(source)
    subprocess.run([compiler, "-O2", "-w", "-o", f"{folder}/{name}", f"{folder}/{name}.c"] + list(options), check=True)
    return f"{folder}/{name}"


def glibc_files():
    """The C library and its loader: (file, name)."""
    def where(name):
        return subprocess.run(["gcc", f"-print-file-name={name}"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return [(where(name), name) for name in ("ld-linux-x86-64.so.2", "libc.so.6")]


def run_program(boot, compiler):
    program = compiled(compiler, SOURCE, "p", "-static")
    guest = boot(put=[(program, "/root/p")])
    guest.check("/root/p word", EXPECTED)


def run_dynamic(boot, compiler, loader, libs, *options):
    """A dynamic program with loader and libraries in a folder of its own, started by the kernel and by the loader itself."""
    own = compiled(compiler, LIBRARY, "libown.so", "-shared", "-fPIC", "-Wl,-soname,libown.so")
    later = compiled(compiler, LATER, "liblater.so", "-shared", "-fPIC")
    link = [f"-Wl,--dynamic-linker={GUEST_LIBS}/{loader}", f"-Wl,-rpath,{GUEST_LIBS}", *options]
    put = [(own, f"{GUEST_LIBS}/libown.so"), (later, f"{GUEST_LIBS}/liblater.so"),
           (compiled(compiler, DYNAMIC, "d", *link, "-rdynamic", own), "/root/d"),
           (compiled(compiler, SOURCE, "p", *link), "/root/p")]
    put += [(path, f"{GUEST_LIBS}/{name}") for path, name in libs]
    guest = boot(put=put)
    guest.check("/root/d word", DYNAMIC_EXPECTED)
    guest.check("/root/p word", EXPECTED)
    guest.check(f"exec {GUEST_LIBS}/{loader} /root/p word", EXPECTED)
    guest.sh(f"mv {GUEST_LIBS}/libown.so /root/")
    assert "libown.so" in guest.run("/root/d word").err.decode()
    assert guest.run("/root/d word").status == 127
    guest.sh(f"mv {GUEST_LIBS}/{loader} /root/ && /root/d word", status=127)
    guest.check(f"mv /root/libown.so /root/{loader} {GUEST_LIBS} && /root/d word", DYNAMIC_EXPECTED)


def test_static_musl(boot):
    run_program(boot, "musl-gcc")


def test_static_glibc(boot):
    run_program(boot, "gcc")


def test_dynamic_glibc(boot):
    run_dynamic(boot, "gcc", "ld-linux-x86-64.so.2", glibc_files(), "-no-pie")


def test_dynamic_glibc_pie(boot):
    """Moved to wherever the kernel likes, all symbols bound at the start and then read-only."""
    run_dynamic(boot, "gcc", "ld-linux-x86-64.so.2", glibc_files(), "-pie", "-fPIE", "-Wl,-z,relro,-z,now")


def test_dynamic_musl_pie(boot):
    """musl's C library is its own loader."""
    run_dynamic(boot, "musl-gcc", "libc.so", [("/lib/ld-musl-x86_64.so.1", "libc.so")], "-pie", "-fPIE")


def test_dynamic_program_with_the_libraries_of_the_image(boot):
    """What a compiler makes without being asked for anything else."""
    boot(put=[(compiled("gcc", SOURCE, "p"), "/root/p")]).check("/root/p word", EXPECTED)


def test_dynamic_program_of_the_distribution(guest):
    """iperf3 is in the image with all its libraries, as its package has it."""
    assert guest.sh("iperf3 --version").startswith("iperf 3.")


def test_folder_in_and_out(boot):
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/in/deep/er")
        generator = random.Random(1)
        for name in ("a", "deep/b", "deep/er/c"):
            with open(f"{folder}/in/{name}", "wb") as file:
                file.write(generator.randbytes(generator.randrange(1, 300_000)))
        guest = boot(put=[(f"{folder}/in", "/root/tree")], get=[("/root/tree", f"{folder}/out")])
        guest.sh("find /root/tree -type f | xargs sha1sum")
        guest.session.fetch()
        assert subprocess.run(["diff", "-r", f"{folder}/in", f"{folder}/out"], check=False).returncode == 0


def test_large_file_in_and_out(boot):
    """More than fits into memory disks travels on scratch disks."""
    with tempfile.TemporaryDirectory() as folder:
        data = random.Random(2).randbytes(24 << 20)
        with open(f"{folder}/in", "wb") as file:
            file.write(data)
        guest = boot(storage="sata0", disks=["sata0:64M"], put=[(f"{folder}/in", "/mnt/f")],
                     get=[("/mnt/f", f"{folder}/out")])
        guest.check("sha1sum < /mnt/f", hashlib.sha1(data).hexdigest() + "  -", 60)
        guest.session.fetch()
        with open(f"{folder}/out", "rb") as file:
            assert file.read() == data


test_large_file_in_and_out.timeout = 120


def test_hostile_calls_do_not_hurt(guest):
    """Kernel calls with random arguments from a program without privileges."""
    guest.sh("su user -c '/tests/kcallfuzz 20000 1'", 60)
    guest.sh("/tests/kcallfuzz 20000 2", 60)
    guest.check("echo alive", "alive")


def test_crash_is_a_signal(guest):
    assert guest.run("sh -c 'kill -SEGV $$'").status == 139
    assert guest.run("/tests/kcallfuzz crash").status == 139
