#!/usr/bin/env python3
"""PyTorch's or OpenCV's side of tools/bench/versus, in the words of versus.mjs: one command a line, one answer a line.

    versus_peer.py torch|opencv       answers commands until `quit`
    versus_peer.py torch|opencv --version

PyTorch does not read ONNX. Here the file's nodes become calls of torch.nn.functional, which are traced, frozen and optimised for
inference as PyTorch's documentation advises.
"""
import sys
import time

import numpy as np


class OpenCV:
    def __init__(self):
        import cv2
        self.cv2 = cv2
        self.version = cv2.__version__

    def load(self, file, threads, *dims):
        self.cv2.setNumThreads(threads)
        self.net = self.cv2.dnn.readNetFromONNX(file)
        self.net.setPreferableBackend(self.cv2.dnn.DNN_BACKEND_OPENCV)

    def run(self, x):
        self.net.setInput(x)
        return self.net.forward()


class Torch:
    def __init__(self):
        import torch
        self.torch = torch
        self.version = torch.__version__

    def load(self, file, threads, *dims):
        import onnx
        from onnx import numpy_helper
        torch = self.torch
        torch.set_num_threads(threads)
        graph = onnx.load(file).graph
        constants = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
        inputs = [i.name for i in graph.input if i.name not in constants]

        class Net(torch.nn.Module):
            def forward(self, x):
                values = dict(constants)
                values[inputs[0]] = x
                for node in graph.node:
                    if node.op_type not in OPERATORS:
                        raise NotImplementedError(f'{node.op_type} is not among the operators of versus_peer.py')
                    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
                    values[node.output[0]] = OPERATORS[node.op_type](
                        torch, attributes, *(values[name] if name else None for name in node.input))
                return values[graph.output[0].name]

        with torch.inference_mode(False), torch.no_grad():
            traced = torch.jit.trace(Net().eval(), torch.zeros(*dims), check_trace=False)
            self.net = torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def run(self, x):
        with self.torch.no_grad():
            return self.net(self.torch.from_numpy(x)).numpy()


def window(torch, a, x, value):
    """The input with the window's padding, where it is not the same on both sides, and what is left of it."""
    top, left, bottom, right = a.get('pads', [0, 0, 0, 0])
    if (top, left) == (bottom, right):
        return x, (top, left)
    return torch.nn.functional.pad(x, (left, right, top, bottom), value=value), (0, 0)


def conv(torch, a, x, weight, bias=None):
    x, padding = window(torch, a, x, 0.0)
    return torch.nn.functional.conv2d(x, weight, bias, a.get('strides', [1, 1]), padding, a.get('dilations', [1, 1]),
                                      a.get('group', 1))


def max_pool(torch, a, x):
    x, padding = window(torch, a, x, float('-inf'))
    return torch.nn.functional.max_pool2d(x, a['kernel_shape'], a.get('strides', [1, 1]), padding,
                                          ceil_mode=bool(a.get('ceil_mode', 0)))


def gemm(torch, a, x, weight, bias=None):
    y = a.get('alpha', 1.0) * (x @ (weight.t() if a.get('transB', 0) else weight))
    return y if bias is None else y + a.get('beta', 1.0) * bias


OPERATORS = {
    'Add': lambda torch, a, x, y: x + y,
    'BatchNormalization': lambda torch, a, x, scale, shift, mean, variance: torch.nn.functional.batch_norm(
        x, mean, variance, scale, shift, eps=a.get('epsilon', 1e-5)),
    'Conv': conv,
    'Flatten': lambda torch, a, x: x.flatten(a.get('axis', 1)),
    'Gemm': gemm,
    'GlobalAveragePool': lambda torch, a, x: x.mean((2, 3), keepdim=True),
    'Identity': lambda torch, a, x: x,
    'MaxPool': max_pool,
    'Relu': lambda torch, a, x: torch.relu(x),
}


def main():
    side = {'torch': Torch, 'opencv': OpenCV}[sys.argv[1]]()
    if sys.argv[2:] == ['--version']:
        print(side.version)
        return
    x = result = None
    for line in sys.stdin:
        name, *words = line.rstrip('\n').split('\t')
        try:
            start, answer = time.perf_counter(), ''
            if name == 'quit':
                return
            if name == 'load':
                side.load(words[0], *map(int, words[1:]))
                answer = (time.perf_counter() - start) * 1e3
            elif name == 'input':
                x = np.fromfile(words[0], '<f4').reshape([int(word) for word in words[1:]])
            elif name == 'run':
                result = side.run(x)
                answer = (time.perf_counter() - start) * 1e3
            elif name == 'output':
                np.ascontiguousarray(result, '<f4').tofile(words[0])
                answer = result.size
            print(f'ok {answer}'.rstrip(), flush=True)
        except Exception as error:  # whatever a peer says, in a line
            print('error ' + str(error).strip().split('\n')[0], flush=True)


main()
