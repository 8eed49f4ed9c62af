# SPDX-License-Identifier: BSD-2-Clause
"""Programs brought in with --put run: static musl, static glibc; files and folders go in and come out."""
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


def compiled(compiler):
    folder = tempfile.mkdtemp(prefix="axo-test-")
    source, program = f"{folder}/p.c", f"{folder}/p"
    with open(source, "w", encoding="ascii") as file:
        file.write(SOURCE)
    subprocess.run([compiler, "-O2", "-static", "-w", "-o", program, source], check=True)
    return program


def run_program(boot, compiler):
    program = compiled(compiler)
    guest = boot(put=[(program, "/root/p")])
    guest.check("/root/p word", EXPECTED)


def test_static_musl(boot):
    run_program(boot, "musl-gcc")


def test_static_glibc(boot):
    run_program(boot, "gcc")


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
