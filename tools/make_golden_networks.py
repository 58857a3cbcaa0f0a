#!/usr/bin/env python3
"""Writes three small ONNX networks with weights from a seed, byte by byte, from which testdata/version-0.1.0 was made:

    make_golden_networks.py FOLDER RESNET_CLI     RESNET_CLI: the program whose files are to be kept

converts each to FOLDER/NAME.resnet and writes its answers for testdata/images to FOLDER/NAME.jsonl. Files of a version that has been
released are never made again by a later one: that these open is what they are for.
"""

import os
import random
import struct
import subprocess
import sys
import tempfile


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


class Network:
    """A graph that grows at its end; random.Random gives the same numbers on every machine."""

    def __init__(self, name, batch, size, seed):
        self.random = random.Random(seed)
        self.name, self.nodes, self.initializers, self.channels = name, b"", b"", 3
        dims = b"".join(text(1, text(2, dim) if isinstance(dim, str) else number(1, dim)) for dim in (batch, 3, size, size))
        self.inputs = text(11, text(1, "input") + text(2, text(1, number(1, 1) + text(2, dims))))
        self.value, self.count = "input", 0

    def add(self, op, inputs, **attributes):
        self.count += 1
        self.value = f"{op.lower()}{self.count}"
        fields = b"".join(text(1, i) for i in inputs) + text(2, self.value) + text(3, self.value) + text(4, op)
        for key, value in attributes.items():
            if isinstance(value, float):
                fields += text(5, text(1, key) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1))
            elif isinstance(value, int):
                fields += text(5, text(1, key) + number(3, value) + number(20, 2))
            else:
                fields += text(5, text(1, key) + b"".join(number(8, v) for v in value) + number(20, 7))
        self.nodes += text(1, fields)
        return self.value

    def weights(self, dims, low, high):
        self.count += 1
        name, size = f"weight{self.count}", 1
        for dim in dims:
            size *= dim
        data = struct.pack(f"<{size}f", *(self.random.uniform(low, high) for _ in range(size)))
        self.initializers += text(5, b"".join(number(1, d) for d in dims) + number(2, 1) + text(8, name) + text(9, data))
        return name

    def conv(self, value, inputs, outputs, kernel, stride=1, group=1, relu=True):
        bound = (6 / (inputs // group * kernel * kernel)) ** 0.5
        filters = self.weights((outputs, inputs // group, kernel, kernel), -bound, bound)
        pad = kernel // 2
        value = self.add("Conv", [value, filters], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=group)
        figures = [self.weights((outputs,), low, high) for low, high in ((0.5, 1.5), (-0.2, 0.2), (-0.2, 0.2), (0.5, 1.5))]
        value = self.add("BatchNormalization", [value] + figures, epsilon=1e-5)
        return self.add("Relu", [value]) if relu else value

    def head(self, value, inputs, classes, softmax=False):
        value = self.add("Flatten", [self.add("GlobalAveragePool", [value])])
        value = self.add("Gemm", [value, self.weights((classes, inputs), -1, 1), self.weights((classes,), -0.1, 0.1)], transB=1)
        return self.add("Softmax", [value], axis=1) if softmax else value

    def file(self):
        graph = self.nodes + text(2, self.name) + self.initializers + self.inputs + text(12, text(1, self.value) + text(2, text(1, number(1, 1))))
        return number(1, 8) + text(7, graph) + text(8, number(2, 17))


def basic():
    net = Network("basic", "N", 32, 1)
    value = net.conv("input", 3, 8, 3)
    value = net.add("Relu", [net.add("Add", [net.conv(net.conv(value, 8, 8, 3), 8, 8, 3, relu=False), value])])
    main = net.conv(net.conv(value, 8, 16, 3, stride=2), 16, 16, 3, relu=False)
    value = net.add("Relu", [net.add("Add", [main, net.conv(value, 8, 16, 1, stride=2, relu=False)])])
    net.head(value, 16, 10)
    return net.file()


def bottleneck():
    net = Network("bottleneck", 1, 56, 2)
    value = net.conv("input", 3, 16, 7, stride=2)
    value = net.add("MaxPool", [value], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    main = net.conv(net.conv(net.conv(value, 16, 8, 1), 8, 8, 3, group=2), 8, 32, 1, relu=False)
    value = net.add("Relu", [net.add("Add", [main, net.conv(value, 16, 32, 1, relu=False)])])
    net.head(value, 32, 7, softmax=True)
    return net.file()


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, program = arguments
    images = [f"testdata/images/{name}.png" for name in ("checkers", "disc", "rings", "stripes")]
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name, data, words in [("basic", basic(), ["--labels", "cifar10", "--preprocess", "cifar10"]),
                                  ("half", basic(), ["--dtype", "fp16", "--fold-batch-norm", "--simplify"]),
                                  ("bottleneck", bottleneck(), ["--preprocess", "torchvision"])]:
            source, target = os.path.join(scratch, name + ".onnx"), os.path.join(folder, name + ".resnet")
            with open(source, "wb") as file:
                file.write(data)
            subprocess.run([program, "convert", source, "-o", target, "-q"] + words, check=True)
            subprocess.run([program, "predict", target, *images, "-o", os.path.join(folder, name + ".jsonl"), "-q"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
