#!/usr/bin/env python3
"""Adds an elementwise operator that nobody has, and counts what that takes: made_up_operator.py ROOT BUILD

The additions below go into copies of the files that they touch. What asks every operator for something is then compiled against
these, with the build's own options (BUILD/compile_commands.json): the operator must need no other place. With --write the files
in ROOT are changed themselves, to try the operator out.
"""

import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

MOST_FILES, MOST_LINES = 4, 60

STRUCT = """// x / (1 + alpha * x * x).
struct Frobnicate {
  static constexpr OpTraits traits{"Frobnicate", {1, 1}, {1, 1}, Effect::elementwise, 17};
  float alpha = 1.0f;
  static constexpr auto attributes() { return attributes_are(attribute("alpha", &Frobnicate::alpha)); }
  double at(double x) const { return x / (1 + static_cast<double>(alpha) * x * x); }
  friend bool operator==(const Frobnicate&, const Frobnicate&) = default;
};
"""

TEST = """TEST(Functions, Frobnicate) {
  EXPECT_EQ(at(Frobnicate{}, 1), 0.5);
  EXPECT_EQ(at(Frobnicate{.alpha = 3}, -1), -0.25);
  EXPECT_EQ(at(Frobnicate{}, 0), 0);
}

"""

# File, the text that comes after what is added, what is added.
ADDITIONS = [
    ("lib/graph/ops/function.h", "struct Softsign {\n", STRUCT),
    ("lib/graph/op.h", "Opaque> {};\n", "Frobnicate, "),
    ("tests/reference/ops/function_test.cc", "TEST(Functions, DoNotOverflow)", TEST),
    ("tests/random/recipes_function.cc", "    default: return Neg{};\n", "    case 18: return Frobnicate{.alpha = 2.0f};\n"),
]

# What asks every operator for something: its traits and attributes, its facts, its value, its step, its form in files.
ASKING = ["lib/graph/op.cc", "lib/graph/print.cc", "lib/reference/reference.cc", "lib/xnnpack/lower/functions.cc",
          "lib/xnnpack/lower/lower.cc", "lib/analysis/cost.cc", "lib/analysis/batch_axis.cc", "formats/onnx/node_import.cc",
          "formats/native/read.cc"]


def additions(root):
    """The changed texts by file, and how many lines are added or changed."""
    texts, lines = {}, 0
    for name, before, added in ADDITIONS:
        text = texts.get(name) or (root / name).read_text()
        if text.count(before) != 1:
            sys.exit(f"{name}: {text.count(before)} places for what is added, expected 1: {before!r}")
        texts[name] = text.replace(before, added + before)
        lines += max(added.count("\n"), 1)
    return texts, lines


def arguments_of(build):
    """The compiler's arguments for each source of the build, without the launcher before it and its output."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        while "=" in words[0] or pathlib.Path(words[0]).name in ("env", "ccache"):
            words.pop(0)
        at = words.index("-o")
        commands[entry["file"]] = (words[:at] + words[at + 2:], entry["directory"])
    return commands


def compile_all(root, build, texts):
    commands, failed = arguments_of(build), 0
    with tempfile.TemporaryDirectory() as folder:
        overlay = pathlib.Path(folder)
        for name, text in texts.items():
            (overlay / name).parent.mkdir(parents=True, exist_ok=True)
            (overlay / name).write_text(text)
        for name in [name for name in texts if name.endswith(".cc")] + ASKING:
            words, directory = commands[str(root / name)]
            words = [words[0], "-I", folder, "-fsyntax-only", *words[1:]]
            if name in texts:
                words[words.index(str(root / name))] = str(overlay / name)
            done = subprocess.run(words, cwd=directory, capture_output=True, text=True)
            if done.returncode != 0:
                failed += 1
                print(f"{name} does not take a new operator:\n{done.stderr[:2000]}")
    return failed


def main():
    root, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    texts, lines = additions(root)
    if "--write" in sys.argv:
        for name, text in texts.items():
            (root / name).write_text(text)
        return
    print(f"a new elementwise operator, its tests included: {len(texts)} files, {lines} lines")
    failed = compile_all(root, build, texts)
    if len(texts) > MOST_FILES or lines > MOST_LINES:
        failed += 1
        print(f"expected at most {MOST_FILES} files and {MOST_LINES} lines")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
