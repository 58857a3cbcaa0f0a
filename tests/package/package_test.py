#!/usr/bin/env python3
"""Installs the build into a folder of its own and uses it from there."""

import gzip
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE, BUILD, CMAKE, CPACK = (os.environ["RESNET_" + name] for name in ("SOURCE", "BUILD", "CMAKE", "CPACK"))
HARDENED = os.environ["RESNET_HARDENED"] == "1"
LIBRARY = os.environ["RESNET_LIBRARY"] == "1"
PREFIXES = [folder for folder in os.environ["RESNET_PREFIXES"].split(":") if folder]
COMMANDS = ["predict", "evaluate", "merge", "inspect", "validate", "build", "convert", "quantize", "compare", "bench", "responses", "train", "fetch",
            "curves", "cache", "ops", "paper", "completion", "version", "help"]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def said_by(terminal, expected, seconds=60):
    """What comes from a terminal until `expected` is in it, or the time is over."""
    said, end = "", time.monotonic() + seconds
    while expected not in said and select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        said += os.read(terminal, 65536).decode(errors="replace")
    return said


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.prefix = os.path.join(cls.folder.name, "prefix")
        result = run(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        if result.returncode != 0:
            raise RuntimeError(result.stdout + result.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, *parts):
        return os.path.join(self.prefix, *parts)

    def succeed(self, *command, **options):
        result = run(*command, **options)
        self.assertEqual(result.returncode, 0, f"{command}: {result.stdout}{result.stderr}")
        return result.stdout

    def program(self):
        return self.path("bin", "resnet-cli")

    def test_everything_is_there(self):
        for file in ["bin/resnet-cli", "share/resnet-cli/resnet20-cifar10.onnx", "share/doc/resnet-cli/copyright",
                     "share/doc/resnet-cli/LICENSE", "share/doc/resnet-cli/NEWS.gz", "share/man/man1/resnet-cli.1.gz",
                     "share/bash-completion/completions/resnet-cli", "share/zsh/site-functions/_resnet-cli",
                     "share/fish/vendor_completions.d/resnet-cli.fish"]:
            self.assertTrue(os.path.isfile(self.path(file)), file)
        self.assertIn("resnet-cli", self.succeed(self.program(), "--version"))
        self.assertIn("airplane", self.succeed(self.program(), "predict", os.path.join(SOURCE, "testdata/images/disc.png")))

    def page(self, name):
        with gzip.open(self.path("share/man/man1", name + ".1.gz"), "rt", encoding="utf-8") as file:
            return file.read()

    def test_every_command_has_a_manual_page(self):
        listed = re.search(r"^Commands:\n(.*?)\n\n", self.succeed(self.program(), "--help"), re.MULTILINE | re.DOTALL).group(1)
        self.assertEqual(sorted(re.findall(r"^  (\w+)", listed, re.MULTILINE)), sorted(COMMANDS))
        for name in ["resnet-cli"] + ["resnet-cli-" + command for command in COMMANDS]:
            text = self.page(name)
            headings = re.findall(r"^\.SH (.*)$", text, re.MULTILINE)
            for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"]:
                self.assertIn(heading, headings, name)
            self.assertIn("\\-\\-threads", text, name)
            self.assertRegex(text, r"\.TP\n\\fB70\\fR\n\w", name)
        predict = self.page("resnet-cli-predict")
        self.assertIn(".SS Preprocessing", predict)
        self.assertIn(".SH EXAMPLES", predict)

    @unittest.skipUnless(shutil.which("mandoc"), "needs mandoc")
    def test_manual_pages_are_without_faults(self):
        for command in COMMANDS:
            result = run("mandoc", "-T", "lint", "-W", "error", self.path(f"share/man/man1/resnet-cli-{command}.1.gz"))
            self.assertEqual(result.stdout, "", command)

    @unittest.skipUnless(shutil.which("man"), "needs man")
    def test_a_manual_page_is_shown(self):
        environment = {**os.environ, "MANPATH": self.path("share/man"), "MANPAGER": "cat", "MANWIDTH": "90", "LC_ALL": "C.UTF-8"}
        if run("man", "man", env={**environment, "MANPATH": ""}).stdout.startswith("This system has been minimized"):
            self.skipTest("man is a stand-in here")
        shown = self.succeed("man", "resnet-cli-predict", env=environment)
        self.assertIn("resnet-cli-predict", shown)
        self.assertIn("EXIT STATUS", shown)

    def test_completions_load_in_bash(self):
        script = self.path("share/bash-completion/completions/resnet-cli")
        self.assertIn("_resnet_cli resnet-cli", self.succeed("bash", "--norc", "-c", f"source {script}; complete -p resnet-cli"))
        for words, expected in [("pre", "predict"), ("hel", "help"), ("vers", "version"), ("help pre", "predict"),
                                ("completion z", "zsh")]:
            complete = (f"source {script}; COMP_WORDS=(resnet-cli {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _resnet_cli; "
                        "echo ${COMPREPLY[@]}")
            self.assertEqual(self.succeed("bash", "--norc", "-c", complete).strip(), expected, words)

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_completions_load_in_zsh(self):
        folder = self.path("share/zsh/site-functions")
        load = f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[resnet-cli]; autoload +X _resnet-cli"
        self.assertEqual(self.succeed("zsh", "-f", "-c", load).strip(), "_resnet-cli")
        self.succeed("zsh", "-f", "-n", os.path.join(folder, "_resnet-cli"))
        # The first Tab of a new shell.
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "xterm", "COLUMNS": "120"})
        try:
            os.write(terminal, f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; print REA''DY\n".encode())
            self.assertIn("READY", said_by(terminal, "READY"))
            os.write(terminal, b"resnet-cli pre\t")
            self.assertIn("dict", said_by(terminal, "dict"))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.close(terminal)
            os.waitpid(pid, 0)

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_completions_load_in_fish(self):
        script = self.path("share/fish/vendor_completions.d/resnet-cli.fish")
        home = {**os.environ, "HOME": self.folder.name, "XDG_CONFIG_HOME": self.folder.name}
        for words, expected in [("pre", "predict"), ("hel", "help"), ("vers", "version"), ("help pre", "predict")]:
            load = f"source {script}; complete -C 'resnet-cli {words}'"
            done = run("fish", "--no-config", "-c", load, env=home)
            self.assertEqual((done.returncode, done.stderr, done.stdout.split("\t")[0].strip()), (0, "", expected), words)

    @unittest.skipUnless(LIBRARY, "needs the library")
    def test_the_example_is_built_and_run(self):
        example, build = self.path("share/doc/resnet-cli/examples"), os.path.join(self.folder.name, "example")
        with open(os.path.join(example, "classify.cc"), encoding="utf-8") as file:
            self.assertLessEqual(len(file.readlines()), 15)
        self.succeed(CMAKE, "-S", example, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.succeed(CMAKE, "--build", build)
        classify = os.path.join(build, "classify")
        model, photo = self.path("share/resnet-cli/resnet20-cifar10.onnx"), os.path.join(SOURCE, "testdata/images/disc.png")
        self.assertIn("airplane", self.succeed(classify, model, photo).splitlines()[0])
        refused = run(classify, model, "nowhere.png")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("nowhere.png", refused.stderr)

    @unittest.skipUnless(LIBRARY, "needs the library")
    def test_headers_are_without_third_parties(self):
        for name in sorted(os.listdir(self.path("include/resnet"))):
            with open(self.path("include/resnet", name), encoding="utf-8") as file:
                for include in re.findall(r"^#include ([\"<].*[\">])", file.read(), re.MULTILINE):
                    self.assertRegex(include, r'"resnet/\w+\.h"|<[a-z_]+>', name)

    @unittest.skipUnless(LIBRARY and shutil.which("nm"), "needs the library and nm")
    def test_the_library_shows_its_own_names_only(self):
        [library] = {os.path.realpath(os.path.join(folder, name)) for folder, _, names in os.walk(self.path("lib"))
                     for name in names if ".so" in name}
        names = self.succeed("nm", "-D", "-C", "--defined-only", library).splitlines()
        # Templates of the standard library that a header has instantiated are weak, and everybody's.
        strangers = [n for n in names if "resnet::v0::" not in n and not re.match(r"\w+ [WVu] ", n)]
        self.assertEqual(strangers, [])

    @unittest.skipUnless(HARDENED and shutil.which("readelf"), "needs a release build and readelf")
    def test_binaries_are_hardened_and_name_no_folder_of_the_machine(self):
        binaries = [self.program()] + [os.path.join(folder, name) for folder, _, names in os.walk(self.path("lib"))
                                       for name in names if ".so" in name]
        for binary in binaries:
            headers = self.succeed("readelf", "-W", "-h", "-l", "-d", "--dyn-syms", binary)
            self.assertRegex(headers, r"Type: +DYN")
            self.assertIn("GNU_RELRO", headers)
            self.assertRegex(headers, r"BIND_NOW|Flags: NOW")
            self.assertIn("__stack_chk_fail", headers)
            self.assertRegex(headers, r"__(memcpy|fprintf|sprintf|snprintf|vsnprintf|read)_chk")
            self.assertNotRegex(headers, r"\((RPATH|RUNPATH)\)")
            with open(binary, "rb") as file:
                content = file.read()
            for folder in {SOURCE, BUILD, os.path.expanduser("~") + "/.", *PREFIXES}:
                self.assertNotIn(folder.encode(), content, f"{binary} names {folder}")

    @unittest.skipUnless(LIBRARY and shutil.which("dpkg-shlibdeps"), "needs the library and Debian's tools")
    def test_the_debian_package(self):
        folder = os.path.join(self.folder.name, "deb")
        self.succeed(CPACK, "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", folder,
                     "-D", "CPACK_INSTALL_COMMANDS=", "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip")
        [package] = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".deb")]
        fields = dict(re.findall(r"^ ([A-Z][\w-]*): (.*)$", self.succeed("dpkg-deb", "--info", package), re.MULTILINE))
        self.assertEqual(fields["Package"], "resnet-cli")
        needed = [name.split()[0] for name in fields["Depends"].split(", ")]
        self.assertEqual(needed.count("libvips42"), 1, "loaded late, so that no tool finds it")
        self.assertLessEqual({"libc6", "libstdc++6"}, set(needed))
        self.assertIn("libdnnl2", fields["Recommends"])
        self.assertIn("libgvc6", fields["Recommends"])
        self.assertIn("libcurl4", fields["Recommends"])
        # Mode and owner, size, path without the target of a link.
        files = {line[5].removeprefix("./"): (line[0], line[1], int(line[2])) for line in
                 (row.split(maxsplit=5) for row in self.succeed("dpkg-deb", "--contents", package).splitlines())}
        [library] = [path for path in files if re.search(r"/libresnet\.so[\d.]+$", path) and " -> " not in path]
        self.assertGreater(files[library][2], 1 << 20)
        folder, name = os.path.split(library)
        links = sorted(path for path in files if path.startswith(folder) and " -> " in path)
        soname = "libresnet.so." + fields["Version"].rsplit(".", 1)[0]
        self.assertEqual(links, [f"{folder}/libresnet.so -> {soname}", f"{folder}/{soname} -> {name}"])
        for file in ["usr/bin/resnet-cli", "usr/include/resnet/resnet.h", folder + "/cmake/resnet-cli/resnet-cliConfig.cmake",
                     "usr/share/bash-completion/completions/resnet-cli", "usr/share/zsh/vendor-completions/_resnet-cli",
                     "usr/share/fish/vendor_completions.d/resnet-cli.fish", "usr/share/doc/resnet-cli/copyright",
                     "usr/share/doc/resnet-cli/changelog.gz", "usr/share/doc/resnet-cli/examples/classify.cc",
                     "usr/share/resnet-cli/resnet20-cifar10.onnx", *(f"usr/share/man/man1/resnet-cli-{name}.1.gz" for name in COMMANDS)]:
            self.assertGreater(files[file][2], 0, file)
        for path, (mode, owner, _) in files.items():
            self.assertEqual(owner, "root/root", path)
            self.assertNotRegex(mode, r"^[-d]....w|^[-d].......w", path)
        if HARDENED and shutil.which("lintian"):
            self.assertEqual(run("lintian", package).stdout, "")


if __name__ == "__main__":
    unittest.main()
