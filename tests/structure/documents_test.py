#!/usr/bin/env python3
"""Links, the README's length, phrases and commands: each fault must be found with its place, and nothing else."""

import unittest

import commands
import documents
import structure
from trees import tree_of


def strays_of(files, checks):
    with tree_of(files) as top:
        tree = structure.Tree(top)
        for check in checks:
            check(tree)
        return tree.strays


class Links(unittest.TestCase):
    def expect(self, text, *lines, name="docs/a.md"):
        files = {name: text, "docs/guide/b.md": "# B\n\n## Two words\n\n## `code`, and more\n\n## Two words\n", "README.md": "", "lib/x.cc": ""}
        self.assertEqual(strays_of(files, [documents.check_links]), list(lines))

    def test_that_resolve(self):
        self.expect("[a](guide/b.md), [b](../README.md) [c](guide/b.md#two-words) [d](#here) [e](guide/) [f](../lib/x.cc)\n\n# Here\n"
                    "[g](guide/b.md#code-and-more) [h](guide/b.md#two-words-1) [i](https://example.org/no) ![j](guide/b.md \"title\")\n")

    def test_that_do_not(self):
        self.expect("\n[a](b.md)\n", "docs/a.md:2: links to b.md, which is not there")
        self.expect("![a](../guide/b.md)\n", "docs/a.md:1: links to ../guide/b.md, which is not there")
        self.expect("[a](/docs/a.md)\n", "docs/a.md:1: links to /docs/a.md, which is not there")
        self.expect("[a](guide/b.md#three)\n", "docs/a.md:1: links to guide/b.md#three, but docs/guide/b.md has no such heading")
        self.expect("[a](#nowhere)\n", "docs/a.md:1: links to #nowhere, but docs/a.md has no such heading")

    def test_code_has_none(self):
        self.expect("`a[i](b)`\n```\n[a](b.md)\n```\n")

    def test_output_is_no_document(self):
        self.expect("[a](b.md)\n", name="testdata/inspect/table.md")
        self.expect("[a](b.md)\n", "testdata/README.md:1: links to b.md, which is not there", name="testdata/README.md")


class Length(unittest.TestCase):
    def test_readme(self):
        self.assertEqual(strays_of({"README.md": "a\n" * 150}, [documents.check_length]), [])
        self.assertEqual(strays_of({"README.md": "a\n" * 151}, [documents.check_length]),
                         ["README.md: has 151 lines, expected at most 150: details belong in docs/"])


class Words(unittest.TestCase):
    def found(self, text):
        return [line.split(": write")[0] for line in strays_of({"README.md": text}, [documents.check_words_of_documents])]

    def test_each_phrase(self):
        for text, phrase in [
                ("the layer behind it", "behind"), ("stands behind", "stands"), ("in front of the network", "in front"),
                ("is no number", "is no"), ("they are no pictures", "are no"), ("a checkpoint that is none", "is none"),
                ("it is none of ours", "none of ours"), ("1,376 running figures", "running figures"), ("batch norm apart", "batch norm apart"),
                ("70 our own fault", "our own fault"), ("--paper stands alone", "stands"), ("they stand apart", "stand apart"),
                ("another picture stood in for one", "stood in for"), ("tells what there is", "tells"), ("compare to tell", "tell"),
                ("--resume goes on with it", "goes on"), ("and the rest go on", "go on"), ("gone on with", "gone on"),
                ("make it anew", "make it anew"), ("no number any more", "no number any more"),
                ("; --labels says otherwise", "--labels says otherwise"), ("--model names another", "--model names another"),
                ("momentum of the descent", "of the descent"), ("what decays", "what decays"), ("at a tenth of the rate", "a tenth of the rate"),
                ("open, whatever it was", "whatever it was"), ("a light file", "light file"), ("used as it lies on the disk", "as it lies"),
                ("in turns with the others", "in turns with"), ("for the longest time goes first", "longest time goes"),
                ("its checksum does not fit", "checksum does not fit")]:
            self.assertIn(f"README.md:1: says '{phrase}'", self.found(text), text)

    def test_a_line_break_is_a_space(self):
        self.assertEqual(self.found("a\nbatch norm\napart\n"), ["README.md:2: says 'batch norm apart'"])

    def test_code_is_checked_and_emphasis_quotes(self):
        self.assertEqual(self.found("```\n53,120 running figures\n```\n"), ["README.md:2: says 'running figures'"])
        self.assertEqual(self.found("avoid *behind* and *is no*"), [])
        self.assertEqual(self.found("**behind**"), ["README.md:1: says 'behind'"])

    def test_what_is_right(self):
        for text in ["there is no such file", "empty where there is none", "it is no longer finite", "what a line stands for",
                     "how to tell apart", "is none of the two", "understands", "go one step further", "standing", "Front", "retells",
                     "is not a number"]:
            self.assertEqual(self.found(text), [], text)


class Sources(unittest.TestCase):
    def found(self, text, kind="string", folders=("cli",), name="cli/a.cc"):
        return strays_of({name: text}, [lambda tree: documents.check_words_of_sources(tree, folders, kind)])

    def test_strings(self):
        self.assertEqual(self.found('// behind\nauto a = "the list has a NUL "\n    "behind each path";\n'),
                         ["cli/a.cc:2: says 'behind': write after, downstream of, or beside"])
        self.assertEqual(self.found('f("it goes", "on");  // two arguments\n'), [])
        self.assertEqual(self.found("auto quote = '\"'; int behind = 0; auto text = \"a\";\n"), [])
        self.assertEqual(self.found('auto a = R"(no\nrunning figures)";\n'), ["cli/a.cc:1: says 'running figures': write running statistics"])

    def test_comments(self):
        self.assertEqual(self.found('// It goes\n// on.\nauto a = "behind";\n', kind="comment"),
                         ["cli/a.cc:1: says 'goes on': write continue, resume"])
        self.assertEqual(self.found("/* is no\n * number */\n", kind="comment"), ["cli/a.cc:1: says 'is no': write is not, has no, or there is no"])

    def test_folders(self):
        text = 'auto a = "behind";\n'
        self.assertEqual(self.found(text, name="client/a.cc"), [])
        self.assertEqual(self.found(text, folders=()), [])
        self.assertEqual(len(self.found(text, folders=("lib", "cli/"), name="cli/tasks/a.h")), 1)


class Commands(unittest.TestCase):
    def found(self, text):
        helps = {"": "-h, --help  -q, --quiet  -V, --version", "predict": "-k, --topk N  -0, --null  -q, --quiet  --no-cache"}
        return commands.strays_in("a.md", text, helps.get)

    def test_that_are_there(self):
        self.assertEqual(self.found("```\n$ resnet-cli predict -q -0 - --topk 3 | head --bogus\nresnet-cli: --bogus is said\nresnet-cli --version\n"
                                    "build/cli/resnet-cli predict x \\\n  --no-cache  # --bogus\n```\n`resnet-cli COMMAND --help`\n"), [])

    def test_that_are_not(self):
        self.assertEqual(self.found("\n```\n$ resnet-cli predikt x\n```\n"), ["a.md:3: shows resnet-cli predikt, which is not a command"])
        self.assertEqual(self.found("```\nsh -c 'resnet-cli predict --top 3'\n```\n"),
                         ["a.md:2: shows resnet-cli predict --top, which is not in its help"])
        self.assertEqual(self.found("`resnet-cli predict --no-cach`"), ["a.md:1: shows resnet-cli predict --no-cach, which is not in its help"])


if __name__ == "__main__":
    unittest.main()
