#!/usr/bin/env python3
"""Whether the commands that documents show are there: each `resnet-cli COMMAND` and each of its options.

    commands.py FOLDER PROGRAM    reads the documents in FOLDER and asks PROGRAM for its help; prints one line per stray, exits 1 where
                                  there is one

Options are looked up in the command's help; what stands for the user's own files is not run.
"""

import os
import re
import subprocess
import sys

import documents
import structure

CODE = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(resnet-cli [^`\n]+)`")
PROGRAM = re.compile(r"(?:^|[ /'(])resnet-cli[ \t]+(.*)")


def calls_in(text):
    """(line, arguments) of each call of the program in code blocks and in backticks."""
    for block in CODE.finditer(text):
        joined = re.sub(r"\\\n", lambda m: "  ", block.group(1))
        first = text.count("\n", 0, block.start(1)) + 1
        for offset, line in enumerate(joined.split("\n")):
            line = re.sub(r"\s#.*", "", line)
            if (match := PROGRAM.search(line)) and not line.lstrip().startswith(("resnet-cli:", "#")):
                yield first + offset, re.split(r"\s[|>;&]|[)']\s*$", match.group(1))[0].split()
    for match in INLINE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1).split()[1:]


class Help:
    def __init__(self, program):
        self.program = program
        self.known = {}

    def of(self, command):
        """The help of a command, "" of the program; nothing where there is no such command."""
        if command not in self.known:
            arguments = [self.program] + ([command] if command else []) + ["--help"]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            self.known[command] = done.stdout if done.returncode == 0 else None
        return self.known[command]


def strays_in(path, text, help_of):
    found = []
    for line, words in calls_in(text):
        command = next((word for word in words if not word.startswith("-")), "")
        if not re.fullmatch(r"[a-z]+", command):  # COMMAND stands for any of them
            command = ""
        help_text = help_of(command)
        if help_text is None:
            found.append(f"{path}:{line}: shows resnet-cli {command}, which is not a command")
            continue
        for option in words:
            name = option.split("=")[0]
            if re.fullmatch(r"--?[a-zA-Z][a-z-]*|-\d", name) and not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", help_text):
                found.append(f"{path}:{line}: shows resnet-cli {command} {name}, which is not in its help")
    return found


def main(arguments):
    if len(arguments) != 2 or not os.path.isdir(arguments[0]):
        print("usage: commands.py FOLDER PROGRAM", file=sys.stderr)
        return 2
    tree, program_help = structure.Tree(arguments[0]), Help(arguments[1])
    texts = {path: tree.read(path) for path in documents.documents(tree)}
    strays = [line for path, text in texts.items() for line in strays_in(path, text, program_help.of)]
    calls = sum(1 for text in texts.values() for _ in calls_in(text))
    print("".join(line + "\n" for line in strays), end="")
    print(f"{calls} calls in {len(texts)} documents, {len(strays)} strays", file=sys.stderr)
    return 1 if strays or calls == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
