#!/usr/bin/env python3
"""Two steps of stochastic gradient descent by PyTorch on a small ResNet, as tests/train/pytorch_steps.inc.

    tools/make_training_figures.py > tests/train/pytorch_steps.inc

Needs PyTorch (Debian's python3-torch). Network, batch and initial values are made by the rule that tests/train/descent_test.cc
has, too: value i of the parameter with number k is ((7919 i + 104729 k) mod 1000) / 1000 - 0.5, times a factor.
"""
import torch
from torch import nn
from torch.nn import functional as F

CLASSES, BATCH, SIDE = 5, 4, 8


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, (outputs - inputs) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more, self.more))
        return F.relu(y + shortcut)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(Block(8, 8, 1))
        self.layer2 = nn.Sequential(Block(8, 16, 2))
        self.fc = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


def ruled(shape, number, factor):
    count = torch.Size(shape).numel()
    values = [((7919 * i + 104729 * number) % 1000) / 1000 - 0.5 for i in range(count)]
    return (torch.tensor(values, dtype=torch.float64) * factor).to(torch.float32).reshape(shape)


def main():
    torch.set_num_threads(1)
    network = Network()
    for number, (name, parameter) in enumerate(sorted(network.named_parameters())):
        is_scale = parameter.dim() == 1 and "bn" in name and name.endswith("weight")
        parameter.data = ruled(parameter.shape, number, 0.5) + (1 if is_scale else 0)
    descent = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    print("// Made by tools/make_training_figures.py with PyTorch", torch.__version__.split("+")[0])
    print("constexpr double losses[] = {", end="")
    for step in range(2):
        x = ruled((BATCH, 3, SIDE, SIDE), 100 + step, 4.0)
        truths = torch.tensor([(i + step) % CLASSES for i in range(BATCH)])
        descent.zero_grad()
        loss = F.cross_entropy(network(x), truths, label_smoothing=0.1)
        loss.backward()
        descent.step()
        print(f"{', ' if step else ''}{loss.item():.9g}", end="")
    print("};")
    print("const Figures figures[] = {")
    for name, value in sorted(network.state_dict().items()):
        if value.dtype != torch.float32:
            continue
        flat = value.flatten()
        chosen = [flat[i * (len(flat) - 1) // 3].item() for i in range(4)]
        print(f'    {{"{name}", {flat.double().sum().item():.9g}, {flat.double().abs().sum().item():.9g}, '
              f'{{{", ".join(f"{v:.9g}" for v in chosen)}}}}},')
    print("};")


if __name__ == "__main__":
    main()
