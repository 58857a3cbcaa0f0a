#!/usr/bin/env python3
"""What PyTorch answers by the paper's ways of testing: the figures of testdata/views/imagenet.csv.

    tools/reference/views_torch.py ASSETS [WHOLE] > testdata/views/imagenet.csv

WHOLE is how many of the photos are also shown as a whole at five scales, which takes some seconds each (default: all).

Wants Debian's python3-torch, python3-torchvision and python3-onnx. ASSETS holds models/ and images/imagenet/ with labels.csv.
Photos are decoded by PIL and resized and cropped by torchvision; the weights are those of the ONNX files. Each line gives the likeliest
class of one photo, and of that class the averaged logit (the mean of the logits) and the averaged probability (the mean of the
softmaxes; the class is the likeliest by this mean).
"""
import csv
import os
import sys
from pathlib import Path

import onnx
import torch
import torchvision
from onnx import numpy_helper
from PIL import Image
from torchvision.transforms import functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SCALES = (224, 256, 384, 480, 640)
MODELS = {
    'resnet18': ('imagenet-resnet18-torch-op17-bn.onnx', torchvision.models.resnet18),
    'resnet50': ('imagenet-resnet50-torch-op13-bn.onnx', torchvision.models.resnet50),
}


def load(assets, file, make):
    graph = onnx.load(assets / 'models' / file).graph
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    for node in graph.node:  # equal parameters are stored once
        if node.op_type == 'Identity' and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    net = make(weights=None)
    state = net.state_dict()
    for name in state:
        if not name.endswith('num_batches_tracked'):
            state[name] = weights[name]
    net.load_state_dict(state)
    return net.eval()


def tensor(image):
    return F.normalize(F.to_tensor(image), MEAN, STD)


def center(image):
    return [torch.stack([tensor(F.center_crop(F.resize(image, 256), 224))])]


def ten(image):
    return [torch.stack([tensor(crop) for crop in F.ten_crop(F.resize(image, 256), 224)])]


def full(image):
    views = []
    for scale in SCALES:
        resized = F.resize(image, scale)
        views.append(torch.stack([tensor(resized), tensor(F.hflip(resized))]))
    return views


def logits_of(net, views, convolutional):
    """One row of logits per view: fully convolutional, the mean over all 7x7 windows of the last map."""
    rows = []
    for batch in views:
        if not convolutional:
            rows.append(net(batch))
            continue
        x = net.maxpool(net.relu(net.bn1(net.conv1(batch))))
        x = net.layer4(net.layer3(net.layer2(net.layer1(x))))
        x = torch.nn.functional.avg_pool2d(x, 7, stride=1)
        x = torch.nn.functional.conv2d(x, net.fc.weight[:, :, None, None], net.fc.bias)
        rows.append(x.mean(dim=(2, 3)))
    return torch.cat(rows)


def main():
    torch.set_num_threads(os.cpu_count())
    assets = Path(sys.argv[1])
    nets = {name: load(assets, *source) for name, source in MODELS.items()}
    with open(assets / 'images' / 'imagenet' / 'labels.csv') as file:
        photos = [row[0] for row in csv.reader(file) if row and row[0].endswith('.jpg')]
    print('photo,model,crop,index,logit,probability')
    with torch.no_grad():
        whole = int(sys.argv[2]) if len(sys.argv) > 2 else len(photos)
        for number, photo in enumerate(photos):
            image = Image.open(assets / 'images' / 'imagenet' / photo).convert('RGB')
            for crop, make in (('center', center), ('ten', ten), ('full', full)):
                if crop == 'full' and number >= whole:
                    continue
                views = make(image)
                logits = {name: logits_of(net, views, crop == 'full') for name, net in nets.items()}
                logits['both'] = torch.cat(list(logits.values()))
                for name, rows in logits.items():
                    probabilities = torch.softmax(rows.double(), 1).mean(0)
                    index = int(probabilities.argmax())
                    print(f'{photo},{name},{crop},{index},{rows.double().mean(0)[index]:.6f},{probabilities[index]:.7f}', flush=True)


if __name__ == '__main__':
    main()
