#!/usr/bin/env python3
"""The recipes of docs/guide/many-machines.md: short ones, whose Python answers what one process answers.

tools/cluster runs those in shell. Spark, Ray and Dask are used where they are installed; elsewhere something stands in for
each that hands partitions to the program as it does.
"""

import importlib.util
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import types
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("RESNET_CLI_BINARY", "")
GUIDE = (TOP / "docs" / "guide" / "many-machines.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def python_with(word):
    """The guide's one block of Python that has this word."""
    (text,) = [text for language, text in BLOCKS if language == "python" and word in text]
    return text


class Rdd:
    """Lines in partitions, each piped through one process."""

    def __init__(self, parts):
        self.parts = parts

    def pipe(self, command, checkCode=False):  # as in PySpark: no shell, one line an element
        return Rdd([subprocess.run(shlex.split(command), input="".join(line + "\n" for line in part), stdout=subprocess.PIPE,
                                   text=True, check=checkCode).stdout.splitlines() for part in self.parts])

    def saveAsTextFile(self, folder):
        os.mkdir(folder)
        for i, part in enumerate(self.parts):
            pathlib.Path(folder, f"part-{i:05}").write_text("".join(line + "\n" for line in part))


class Bag:
    def __init__(self, parts):
        self.parts = parts

    def map_partitions(self, function):
        return Bag([function(part) for part in self.parts])

    def compute(self):
        return [answer for part in self.parts for answer in part]


def spark():
    read = lambda path: Rdd([lines[:3], lines[3:]]) if (lines := pathlib.Path(path).read_text().splitlines()) else Rdd([])
    return types.SimpleNamespace(sparkContext=types.SimpleNamespace(textFile=read))


def ray():
    if importlib.util.find_spec("ray"):
        return importlib.import_module("ray")
    return types.SimpleNamespace(remote=lambda function: types.SimpleNamespace(remote=function), get=list)


def dask():
    if importlib.util.find_spec("dask"):
        importlib.import_module("dask.bag")
        return importlib.import_module("dask")
    parts = lambda paths, partition_size: Bag([paths[i:i + partition_size] for i in range(0, len(paths), partition_size)])
    return types.SimpleNamespace(bag=types.SimpleNamespace(from_sequence=parts))


class Recipes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        self.addCleanup(os.environ.update, PATH=os.environ["PATH"])
        os.chdir(folder.name)
        os.environ["PATH"] = f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}"
        os.symlink(TOP / "testdata" / "models" / "resnet20-cifar10.onnx", "resnet50.onnx")
        self.paths = [str(path) for path in sorted((TOP / "testdata" / "images").glob("*.png"))] + ["none.png"]
        pathlib.Path("paths.txt").write_text("".join(path + "\n" for path in self.paths))
        command = [PROGRAM, "predict", "resnet50.onnx", "@paths.txt", "-q", "--format", "jsonl"]
        whole = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(whole.returncode, 5, whole.stderr)
        self.expected = whole.stdout.splitlines()
        self.assertEqual(len(self.expected), len(self.paths))

    def assert_answered(self, answers):
        """All as one process answers, but for last digits: how a network is computed follows from the number of photos, too."""
        self.assertEqual(len(answers), len(self.expected))
        for answer, expected in zip(map(json.loads, answers), map(json.loads, self.expected)):
            scores, right = (whole.pop("predictions", []) for whole in (answer, expected))
            self.assertEqual(answer, expected)
            self.assertEqual([score["label"] for score in scores], [score["label"] for score in right])
            for score, wanted in zip(scores, right):
                self.assertAlmostEqual(score["logit"], wanted["logit"], places=4)
                self.assertAlmostEqual(score["probability"], wanted["probability"], places=4)

    def test_none_has_more_than_five_lines(self):
        self.assertGreaterEqual(sum(language == "sh" for language, _ in BLOCKS), 10)
        for language, text in BLOCKS:
            self.assertLessEqual(len(text.splitlines()), 5, text)
            self.assertIn(language, ("", "python", "sh", "text", "yaml"))

    def test_spark(self):
        exec(python_with("textFile"), {"spark": spark()})
        answers = "".join(path.read_text() for path in sorted(pathlib.Path("answers").glob("part-*")))
        self.assert_answered(answers.splitlines())

    def test_spark_where_the_network_is_not_there(self):
        os.unlink("resnet50.onnx")
        with self.assertRaises(Exception):
            exec(python_with("textFile"), {"spark": spark()})

    def test_ray_and_dask(self):
        for word, engine in (("ray.get", ray), ("dask.bag", dask)):
            with self.subTest(word):
                names = {"subprocess": subprocess, "paths": self.paths, word.split(".")[0]: engine()}
                exec(python_with("def answer"), names)
                exec(python_with(word), names)
                self.assert_answered(list(names["answers"]))


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("recipes_test: RESNET_CLI_BINARY is not the program")
    unittest.main()
