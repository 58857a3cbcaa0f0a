#!/usr/bin/env python3
"""tools/check in a small tree: its last line says what happened, and it succeeds only where everything passed and something ran."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check"

LISTS = """cmake_minimum_required(VERSION 3.25)
project(small NONE)
enable_testing()
function(test name)
  add_test(NAME ${name} COMMAND ${ARGN})
endfunction()
"""
PRESETS = """{"version": 6, "configurePresets": [
  {"name": "dev", "generator": "Ninja", "binaryDir": "${sourceDir}/build/${presetName}"},
  {"name": "other", "inherits": "dev"}]}
"""


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        (self.top / "tools").mkdir()
        shutil.copy(CHECK, self.top / "tools" / "check")
        shutil.copy(CHECK.with_name("progress"), self.top / "tools" / "progress")
        for name in ("cli", "formats", "lib", "tests"):
            (self.top / name).mkdir()
        (self.top / "CMakePresets.json").write_text(PRESETS)
        (self.top / ".clang-format").write_text("BasedOnStyle: Google\n")
        self.script("setup", "exit 0")

    def script(self, name, text):
        path = self.top / "tools" / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)

    def run_check(self, tests, *arguments):
        (self.top / "CMakeLists.txt").write_text(LISTS + tests)
        result = subprocess.run([self.top / "tools" / "check", *arguments], cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, check=False)
        self.assertNotIn("\x1b", result.stdout)
        return result.returncode, result.stdout.splitlines()[-1], result.stdout

    def test_all_pass(self):
        status, last, _ = self.run_check("test(a.one true)\ntest(a.two true)\n")
        self.assertEqual((status, last), (0, "3 passed, 0 failed, 0 skipped"))  # the third is the format

    def test_a_failure_is_shown_and_counted(self):
        status, last, output = self.run_check('test(a.one true)\ntest(a.two sh -c "echo because of this && false")\n')
        self.assertEqual((status, last), (1, "2 passed, 1 failed, 0 skipped"))
        self.assertIn("because of this", output)
        self.assertRegex(output, r"a\.two \(Failed\)")

    def test_a_skipped_test_has_not_passed(self):
        status, last, _ = self.run_check("test(a.one true)\ntest(a.two sh -c \"exit 77\")\n"
                                         "set_tests_properties(a.two PROPERTIES SKIP_RETURN_CODE 77)\n")
        self.assertEqual((status, last), (0, "2 passed, 0 failed, 1 skipped"))

    def test_a_program_that_is_not_there_has_failed(self):
        status, last, _ = self.run_check("test(a.one true)\ntest(a.two /nonexistent/program)\n")
        self.assertEqual((status, last), (1, "2 passed, 1 failed, 0 skipped"))

    def test_a_crash_and_a_timeout_have_failed(self):
        status, last, _ = self.run_check("test(a.one sh -c \"kill -SEGV $$\")\ntest(a.two sleep 60)\n"
                                         "set_tests_properties(a.two PROPERTIES TIMEOUT 1)\n")
        self.assertEqual((status, last), (1, "1 passed, 2 failed, 0 skipped"))

    def test_no_test_is_no_success(self):
        status, last, output = self.run_check("")
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("no test ran", output)

    def test_a_broken_build(self):
        status, last, output = self.run_check('message(FATAL_ERROR "not like this")\n')
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("not like this", output)

    def test_a_failed_set_up(self):
        self.script("setup", "echo 'setup: no network' >&2; exit 1")
        status, last, _ = self.run_check("test(a.one true)\n")
        self.assertEqual((status, last), (1, "0 passed, 1 failed, 0 skipped"))

    def test_no_set_up(self):
        self.script("setup", "exit 1")
        status, last, _ = self.run_check("test(a.one true)\n", "--no-setup")
        self.assertEqual((status, last), (0, "2 passed, 0 failed, 0 skipped"))

    @unittest.skipUnless(shutil.which("clang-format"), "clang-format is not there")
    def test_format(self):
        (self.top / "lib" / "good.cc").write_text("int f() { return 1; }\n")
        (self.top / "lib" / "bad.cc").write_text("int   f( ){return 1;}\n")
        status, last, output = self.run_check("test(a.one true)\n")
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertRegex(output, r"not formatted: lib/bad\.cc")
        self.assertNotIn("good.cc", output)

    def test_another_preset(self):
        status, last, output = self.run_check("test(a.one true)\n", "--preset", "other")
        self.assertEqual((status, last), (0, "2 passed, 0 failed, 0 skipped"))
        self.assertTrue((self.top / "build" / "other").is_dir())
        self.assertFalse((self.top / "build" / "dev").exists())
        self.assertTrue(re.search(r"^other +1 passed", output, re.MULTILINE), output)

    def test_unknown_option(self):
        result = subprocess.run([self.top / "tools" / "check", "--bogus"], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("unknown option --bogus", result.stderr)


if __name__ == "__main__":
    unittest.main()
