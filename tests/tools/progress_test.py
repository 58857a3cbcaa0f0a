#!/usr/bin/env python3
"""tools/progress: the command's own exit code and output, and how far it has come on a terminal."""

import os
import pathlib
import pty
import subprocess
import tempfile
import unittest

PROGRESS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "progress"
STEPS = "for i in 1 2 3 4; do echo \"[$i/4] step\"; sleep 1; done; exit 3"


class Progress(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "log.txt"
        self.log.write_text("[9/9] of an earlier build\n")

    def test_elsewhere_than_on_a_terminal_a_short_build_is_silent(self):
        result = subprocess.run([PROGRESS, "it", self.log, "sh", "-c", "echo '[1/1] all'; echo wrong >&2; exit 5"],
                                capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (5, "", ""))
        self.assertEqual(self.log.read_text(), "[9/9] of an earlier build\n[1/1] all\nwrong\n")

    def test_a_terminal_sees_the_steps_and_what_is_left(self):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([PROGRESS, "it", self.log, "sh", "-c", STEPS], stderr=theirs, stdin=subprocess.DEVNULL)
        os.close(theirs)
        seen = b""
        while True:
            try:
                some = os.read(ours, 4096)
            except OSError:
                break
            if not some:
                break
            seen += some
        self.assertEqual(process.wait(), 3)
        self.assertIn("of 4 steps, about ", seen.decode())
        self.assertIn(" s left", seen.decode())
        self.assertNotIn("of 9 steps", seen.decode())

    def test_a_command_that_is_not_there(self):
        self.assertEqual(subprocess.run([PROGRESS, "it", self.log, "/nowhere/at/all"], check=False).returncode, 127)
        self.assertEqual(subprocess.run([PROGRESS, "it"], stderr=subprocess.DEVNULL, check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
