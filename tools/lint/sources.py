# SPDX-License-Identifier: BSD-2-Clause
"""The files that the checks look at: ours, as git knows them (tracked, or new and not ignored)."""
import os
import subprocess

CODE = (".c", ".h", ".asm", ".def", ".ld", ".mk", ".py", ".S")


def own_files():
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
    return sorted(path for path in set(listing.split("\n")) if path and os.path.isfile(path))


def is_python(path):
    if path.endswith(".py"):
        return True
    if "." in os.path.basename(path):
        return False
    with open(path, "rb") as file:
        return file.read(64).startswith((b"#!/usr/bin/python3", b"#!/usr/bin/env python3"))


def c_files(files):
    return [path for path in files if path.endswith(".c")]


def c_and_headers(files):
    return [path for path in files if path.endswith((".c", ".h"))]


def python_files(files):
    return [path for path in files if is_python(path)]


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
