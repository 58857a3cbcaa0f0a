// Runs one model in onnxruntime, for tools/interop/check: its first input is a .npy of floats, its first output becomes one.
//
//   node run_onnxruntime.mjs MODULES MODEL INPUT.npy OUTPUT.npy
//
// Where INPUT.npy is not there yet it is made: random floats of the model's own shape, 2 where a size is open.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, model, inputFile, outputFile] = process.argv.slice(2);
const ort = createRequire(join(modules, 'package.json'))('onnxruntime-node');

function readNpy(file) {
  const bytes = readFileSync(file);
  const length = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + length).toString('latin1');
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((word) => word.trim() !== '').map(Number);
  const data = bytes.subarray(10 + length);
  return { dims, values: new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)) };
}

function writeNpy(file, dims, values) {
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`;
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  writeFileSync(file, Buffer.concat([head, Buffer.from(header, 'latin1'), Buffer.from(values.buffer, values.byteOffset, values.byteLength)]));
}

try {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const input = session.inputMetadata[0];
  if (!existsSync(inputFile)) {
    const dims = input.shape.map((size, axis) => (typeof size === 'number' && size > 0 ? size : axis === 0 ? 2 : 224));
    let state = 1;
    const random = () => ((state = (state * 48271) % 2147483647) / 2147483647) * 4 - 2;  // Lehmer's generator
    writeNpy(inputFile, dims, Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, random));
  }
  const { dims, values } = readNpy(inputFile);
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', values, dims) });
  const output = results[session.outputNames[0]];
  writeNpy(outputFile, output.dims, Float32Array.from(output.data));
} catch (error) {
  console.error(String(error.message).split('\n')[0]);
  process.exit(1);
}
