// Runs random graphs in onnxruntime, for tools/interop/graphs: FOLDER/SEED.onnx with SEED.NAME.npy for each input; SEED.NAME.out.npy
// for each output, or SEED.error where it cannot be run.
//
//   node run_graphs.mjs MODULES FOLDER
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, folder] = process.argv.slice(2);
const ort = createRequire(join(modules, 'package.json'))('onnxruntime-node');

// NumPy's word for a type, onnxruntime's, and the array that holds it.
const types = [
  ['<f4', 'float32', Float32Array],
  ['<f8', 'float64', Float64Array],
  ['<f2', 'float16', Uint16Array],
  ['|u1', 'uint8', Uint8Array],
  ['|i1', 'int8', Int8Array],
  ['<i4', 'int32', Int32Array],
  ['<i8', 'int64', BigInt64Array],
  ['|b1', 'bool', Uint8Array],
];

function readNpy(file) {
  const bytes = readFileSync(file);
  const length = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + length).toString('latin1');
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((word) => word.trim() !== '').map(Number);
  const word = /'descr': '([^']*)'/.exec(header)[1];
  const [, type, Kind] = types.find((entry) => entry[0] === word);
  const data = bytes.subarray(10 + length);
  return new ort.Tensor(type, new Kind(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)), dims);
}

function writeNpy(file, tensor) {
  const { dims, data } = tensor;
  const [word] = types.find((entry) => entry[1] === tensor.type);
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`;
  let header = `{'descr': '${word}', 'fortran_order': False, 'shape': ${shape}, }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  writeFileSync(file, Buffer.concat([head, Buffer.from(header, 'latin1'), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

for (const name of readdirSync(folder).filter((file) => file.endsWith('.onnx'))) {
  const stem = join(folder, name.slice(0, -5));
  try {
    // As it is written: onnxruntime's own rewrites are not what is compared.
    const session = await ort.InferenceSession.create(`${stem}.onnx`, { logSeverityLevel: 4, graphOptimizationLevel: 'disabled', intraOpNumThreads: 1 });
    const feeds = Object.fromEntries(session.inputNames.map((input) => [input, readNpy(`${stem}.${input}.npy`)]));
    const results = await session.run(feeds);
    for (const output of session.outputNames) writeNpy(`${stem}.${output}.out.npy`, results[output]);
    await session.release();
  } catch (error) {
    writeFileSync(`${stem}.error`, `${String(error.message).split('\n')[0]}\n`);
  }
}
