#!/usr/bin/env python3
"""tools/setup where things go wrong: one clear line on stderr, a non-zero exit, and nothing half-made that counts as done."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "tools" / "setup"
TOP = SETUP.parents[1]


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        self.deps, self.bin = self.top / "deps", self.top / "bin"
        self.bin.mkdir()
        # Whatever this machine has, everything is installed, the archive is there and nothing is built in earnest.
        self.packages = self.ask_packages()
        self.stand_in("dpkg-query", "printf '" + "".join(f"{p}=installed " for p in self.packages) + "'")
        self.stand_in("apt-get", 'if [ "$1" = indextargets ]; then echo https://archive.invalid/; fi')
        self.stand_in("curl", 'echo "curl: (6) Could not resolve host: archive.invalid" >&2; exit 6')
        self.stand_in("cmake", "exit 1")

    def ask_packages(self):
        text = SETUP.read_text()
        return text.split("packages=(", 1)[1].split(")", 1)[0].split()

    def stand_in(self, name, script):
        path = self.bin / name
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)

    def run_setup(self, *arguments, **environment):
        full = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.top), "RESNET_CLI_DEPS": str(self.deps)} | environment
        return subprocess.run([SETUP, *arguments], env={k: v for k, v in full.items() if v is not None}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def prefixes(self):
        """Where XNNPACK and ONNX are wanted, with the pthreadpool for the thread sanitizer left out."""
        return [pathlib.Path(p) for p in self.run_setup("--print-prefixes").stdout.strip().split(";")]

    def pretend_built(self):
        for prefix in self.prefixes():
            prefix.mkdir(parents=True)
            (prefix / ".complete").touch()

    def expect_failure(self, result, *texts, lines=None):
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        last = result.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("setup: "), result.stderr)
        for text in texts:
            self.assertIn(text, last)
        if lines is not None:
            self.assertEqual(len(result.stderr.splitlines()), lines, result.stderr)
        self.assertFalse((self.deps / "prefixes.cmake").exists())
        self.assertEqual(list(self.deps.glob("*/.complete")), [])

    def test_done_is_quick_and_silent(self):
        self.pretend_built()
        first = self.run_setup()
        self.assertEqual((first.returncode, first.stdout, first.stderr), (0, "", ""))
        written = (self.deps / "prefixes.cmake").stat().st_mtime_ns
        self.assertEqual(self.run_setup().returncode, 0)
        self.assertEqual((self.deps / "prefixes.cmake").stat().st_mtime_ns, written)
        xnnpack, onnx = self.prefixes()
        text = (self.deps / "prefixes.cmake").read_text()
        self.assertIn(f'set(RESNET_XNNPACK_ROOT "{xnnpack}")', text)
        self.assertIn(f'set(RESNET_ONNX_ROOT "{onnx}")', text)

    def test_another_patch_is_built_anew(self):
        tools = self.top / "tools"
        for folder in ("patches", "cmake"):
            shutil.copytree(SETUP.parent / folder, tools / folder)
        shutil.copy(SETUP, tools / "setup")

        def prefixes():
            return subprocess.run([tools / "setup", "--print-prefixes"], env={"PATH": os.environ["PATH"], "HOME": str(self.top)},
                                  capture_output=True, text=True, check=True).stdout.strip().split(";")

        before = prefixes()
        with open(next(tools.glob("patches/pthreadpool-*.patch")), "a") as patch:
            patch.write("a word more\n")
        after = prefixes()
        self.assertNotEqual(before[0], after[0])
        self.assertEqual(before[1], after[1])

    def test_no_network(self):
        self.expect_failure(self.run_setup(), "could not fetch xnnpack", "Could not resolve host", "RESNET_CLI_TARBALLS", lines=3)

    def test_a_failed_download_leaves_nothing(self):
        self.stand_in("curl", 'while [ "$1" != -o ]; do shift; done; echo half >"$2"; echo "curl: (18) transfer closed" >&2; exit 18')
        self.expect_failure(self.run_setup(), "transfer closed")
        self.assertEqual(list((self.deps / "tarballs").iterdir()), [])

    def test_a_wrong_checksum(self):
        self.stand_in("curl", 'while [ "$1" != -o ]; do shift; done; echo another file >"$2"')
        self.expect_failure(self.run_setup(), "checksum of xnnpack", "expected 90bde2caef0f880f", "not used", lines=3)
        self.assertEqual(list((self.deps / "tarballs").iterdir()), [])

    def test_a_leftover_of_an_interrupted_download_is_no_tarball(self):
        (self.deps / "tarballs").mkdir(parents=True)
        for name in ("xnnpack_0.0~git20241108.4ea82e5.orig.tar.xz", "xnnpack_0.0~git20241108.4ea82e5.orig.tar.xz.part"):
            (self.deps / "tarballs" / name).write_text("half")
        self.expect_failure(self.run_setup(), "could not fetch xnnpack")

    def test_no_archive(self):
        self.stand_in("apt-get", "exit 0")
        self.expect_failure(self.run_setup(), "apt has no archive configured", "RESNET_CLI_TARBALLS")

    def test_folder_of_tarballs_without_one(self):
        (self.top / "tarballs").mkdir()
        self.expect_failure(self.run_setup(RESNET_CLI_TARBALLS=str(self.top / "tarballs")), "holds no xnnpack", "google/XNNPACK")

    def test_folder_of_tarballs_with_a_damaged_one(self):
        (self.top / "tarballs").mkdir()
        (self.top / "tarballs" / "xnnpack_0.0~git20241108.4ea82e5.orig.tar.xz").write_text("damaged")
        self.expect_failure(self.run_setup(RESNET_CLI_TARBALLS=str(self.top / "tarballs")), "checksum of xnnpack", "not used")

    def test_a_half_finished_prefix_is_built_again(self):
        for prefix in self.prefixes():
            (prefix / "lib").mkdir(parents=True)
            (prefix / "lib" / "half.a").touch()
        self.expect_failure(self.run_setup(), "could not fetch xnnpack")
        self.assertFalse(self.prefixes()[0].exists())

    def test_neither_root_nor_sudo(self):
        self.stand_in("dpkg-query", "printf 'git=installed '")
        self.stand_in("id", "echo 1000")
        for command in ("bash", "env", "sha256sum", "cut", "sed", "grep", "mktemp", "cat"):
            self.stand_in(command, f'exec {self.where(command)} "$@"')
        result = self.run_setup(PATH=str(self.bin))
        self.expect_failure(result, "neither root nor sudo", "apt-get install", "libvips-dev", lines=1)

    def where(self, command):
        return subprocess.run(["sh", "-c", f"command -v {command}"], capture_output=True, text=True, check=True).stdout.strip()

    def test_sudo_that_wants_a_password_from_nobody(self):
        self.stand_in("dpkg-query", "printf 'git=installed '")
        self.stand_in("id", "echo 1000")
        self.stand_in("sudo", 'echo "sudo: a password is required" >&2; exit 1')
        self.expect_failure(self.run_setup(), "sudo wants a password", "apt-get install", lines=1)

    def test_sudo_installs_what_is_missing(self):
        self.pretend_built()
        self.stand_in("dpkg-query", "printf '" + "".join(f"{p}=installed " for p in self.packages if p != "cmake") + "'")
        self.stand_in("id", "echo 1000")
        self.stand_in("sudo", f'[ "$1" != -n ] || shift; echo "$*" >>{self.top}/sudo.log; exec "$@"')
        self.assertEqual(self.run_setup().returncode, 0)
        asked = (self.top / "sudo.log").read_text().splitlines()
        self.assertEqual([line.split("apt-get ", 1)[1] for line in asked if "apt-get" in line],
                         ["update -qq", "install -y -qq --no-install-recommends cmake"])

    def test_apt_fails(self):
        self.stand_in("dpkg-query", "printf 'git=installed '")
        self.stand_in("id", "echo 0")
        self.stand_in("apt-get", '[ "$1" = update ] || { echo Reading; echo "E: Unable to locate package ccache" >&2; exit 100; }')
        self.expect_failure(self.run_setup(), "apt-get install failed (Unable to locate package ccache)", lines=2)

    def test_relative_cache_folder(self):
        self.expect_failure(self.run_setup(RESNET_CLI_DEPS="deps"), "expected an absolute path", lines=1)

    def test_unknown_option(self):
        result = self.run_setup("--bogus")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("tools/setup", result.stderr)


if __name__ == "__main__":
    unittest.main()
