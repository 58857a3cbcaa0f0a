#!/usr/bin/env python3
"""Writes testdata/arch/NET.txt: every parameter of a network with its shape, one a line, in the order of torchvision's state dict
(without num_batches_tracked), from the rules that its module tree follows. ResNet-D and squeeze-and-excitation are named as in timm.
Nothing of lib/arch takes part.

    make_parameter_lists.py testdata/arch
"""

import os
import sys


def norm(name, channels):
    return [(f"{name}.{part}", (channels,)) for part in ("weight", "bias", "running_mean", "running_var")]


def conv(name, outputs, inputs, kernel):
    return [(name + ".weight", (outputs, inputs, kernel, kernel))]


def basic(name, inputs, planes, downsample):
    return (conv(f"{name}.conv1", planes, inputs, 3) + norm(f"{name}.bn1", planes)
            + conv(f"{name}.conv2", planes, planes, 3) + norm(f"{name}.bn2", planes) + downsample(planes))


def bottleneck(name, inputs, planes, downsample, groups=1, base_width=64, squeeze=None):
    width = planes * base_width // 64 * groups
    outputs = 4 * planes
    rows = (conv(f"{name}.conv1", width, inputs, 1) + norm(f"{name}.bn1", width)
            + conv(f"{name}.conv2", width, width // groups, 3) + norm(f"{name}.bn2", width)
            + conv(f"{name}.conv3", outputs, width, 1) + norm(f"{name}.bn3", outputs))
    if squeeze:
        hidden = outputs // squeeze
        rows += [(f"{name}.se.fc1.weight", (hidden, outputs, 1, 1)), (f"{name}.se.fc1.bias", (hidden,)),
                 (f"{name}.se.fc2.weight", (outputs, hidden, 1, 1)), (f"{name}.se.fc2.bias", (outputs,))]
    return rows + downsample(outputs)


def resnet(counts, bottlenecks, deep=False, **more):
    if deep:
        rows = (conv("conv1.0", 32, 3, 3) + norm("conv1.1", 32) + conv("conv1.3", 32, 32, 3) + norm("conv1.4", 32)
                + conv("conv1.6", 64, 32, 3) + norm("bn1", 64))
    else:
        rows = conv("conv1", 64, 3, 7) + norm("bn1", 64)
    inputs = 64
    first = 1 if deep else 0  # in ResNet-D a pool comes before it
    for stage, count in enumerate(counts):
        planes = 64 * 2 ** stage
        outputs = planes * (4 if bottlenecks else 1)
        for i in range(count):
            name = f"layer{stage + 1}.{i}"

            def downsample(channels, name=name, inputs=inputs, needed=i == 0 and (stage > 0 or inputs != outputs)):
                if not needed:
                    return []
                return (conv(f"{name}.downsample.{first}", channels, inputs, 1) + norm(f"{name}.downsample.{first + 1}", channels))

            rows += bottleneck(name, inputs, planes, downsample, **more) if bottlenecks else basic(name, inputs, planes, downsample)
            inputs = outputs
    return rows + [("fc.weight", (1000, inputs)), ("fc.bias", (1000,))]


def cifar(n):
    """6n+2 layers, option A: shortcuts without parameters."""
    rows = conv("conv1", 16, 3, 3) + norm("bn1", 16)
    inputs = 16
    for stage, planes in enumerate((16, 32, 64)):
        for i in range(n):
            rows += basic(f"layer{stage + 1}.{i}", inputs, planes, lambda channels: [])
            inputs = planes
    return rows + [("fc.weight", (10, 64)), ("fc.bias", (10,))]


NETS = {
    "resnet18": lambda: resnet((2, 2, 2, 2), False),
    "resnet34": lambda: resnet((3, 4, 6, 3), False),
    "resnet50": lambda: resnet((3, 4, 6, 3), True),
    "resnet101": lambda: resnet((3, 4, 23, 3), True),
    "resnet152": lambda: resnet((3, 8, 36, 3), True),
    "resnext50_32x4d": lambda: resnet((3, 4, 6, 3), True, groups=32, base_width=4),
    "resnext101_32x8d": lambda: resnet((3, 4, 23, 3), True, groups=32, base_width=8),
    "wide_resnet50_2": lambda: resnet((3, 4, 6, 3), True, base_width=128),
    "resnet18d": lambda: resnet((2, 2, 2, 2), False, deep=True),
    "resnet50d": lambda: resnet((3, 4, 6, 3), True, deep=True),
    "seresnet50": lambda: resnet((3, 4, 6, 3), True, squeeze=16),
    "resnet20": lambda: cifar(3),
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    for net, rows in NETS.items():
        with open(os.path.join(sys.argv[1], net + ".txt"), "w", encoding="utf-8") as file:
            file.writelines(f"{name} {'x'.join(map(str, shape))}\n" for name, shape in rows())


main()
