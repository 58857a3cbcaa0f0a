// Called by tools/bench/versus: starts all sides as processes that answer line commands, and lets them run in turn.
//
// Commands, one a line, and answers:   load FILE THREADS DIM ...  -> ok MILLISECONDS  of the input to come
//                                      input FILE DIM DIM ...   -> ok             raw little-endian floats
//                                      run                      -> ok MILLISECONDS
//                                      output FILE              -> ok COUNT       the last run's first output, written as floats
//                                      quit
// An error answers: error TEXT
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { cpus, tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const floats = (file) => {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};
const bytesOf = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

// onnxruntime's side.
async function serve(modules) {
  const ort = createRequire(join(modules, 'package.json'))('onnxruntime-node');
  let session, feeds, result;
  const commands = {
    async load(file, threads) {
      const start = performance.now();
      session = await ort.InferenceSession.create(file, {
        executionProviders: ['cpu'], intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
        graphOptimizationLevel: 'all', logSeverityLevel: 3,
      });
      return performance.now() - start;
    },
    async input(file, ...dims) {
      feeds = { [session.inputNames[0]]: new ort.Tensor('float32', floats(file), dims.map(Number)) };
    },
    async run() {
      const start = performance.now();
      result = await session.run(feeds);
      return performance.now() - start;
    },
    async output(file) {
      const values = result[session.outputNames[0]].data;
      writeFileSync(file, bytesOf(values));
      return values.length;
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...words] = line.split('\t');
    if (name === 'quit') break;
    let answer;
    try {
      answer = `ok ${(await commands[name](...words)) ?? ''}`;
    } catch (error) {
      answer = `error ${String(error.message).split('\n')[0]}`;
    }
    process.stdout.write(answer.trimEnd() + '\n');
  }
  process.exit(0);
}

// One side, as seen from here. While it is not its turn it is stopped: no side's threads spin while another one runs.
class Side {
  constructor(name, command, words) {
    this.name = name;
    this.process = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.waiting = [];
    this.gone = new Promise((resolve) => this.process.on('close', resolve));
    createInterface({ input: this.process.stdout }).on('line', (line) => this.waiting.shift()?.resolve(line));
    const fail = (why) => this.waiting.splice(0).forEach((w) => w.reject(new Error(`${name}: ${why}`)));
    this.process.on('error', (error) => fail(error.message));
    this.process.on('close', (code, signal) => { this.closed = `ended (${signal ?? `exit ${code}`})`; fail(this.closed); });
    this.process.stdin.on('error', () => {});
  }
  async ask(...words) {
    if (this.closed) throw new Error(`${this.name}: ${this.closed}`);
    const answer = await new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.process.stdin.write(words.join('\t') + '\n');
    });
    if (!answer.startsWith('ok')) throw new Error(`${this.name}: ${words[0]}: ${answer.replace(/^error /, '')}`);
    return Number(answer.slice(3));
  }
  pause() { this.process.kill('SIGSTOP'); }
  resume() { this.process.kill('SIGCONT'); }
  end() {
    this.resume();
    this.process.stdin.end('quit\n');
    return this.gone;
  }
  kill() {
    this.process.kill('SIGKILL');
  }
}

const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, q) => {
  const s = sorted(values), at = (s.length - 1) * q, low = Math.floor(at), high = Math.ceil(at);
  return s[low] + (s[high] - s[low]) * (at - low);
};

// How long each side takes, the first one ours; and how far the others' outputs are from ours.
async function measure({ model, batch, threads, shape, rounds, ours, peers, folder }) {
  const sides = [new Side('ours', ours, []), ...peers.map(({ name, command }) => new Side(name, command[0], command.slice(1)))];
  try {
    const count = batch * shape.reduce((a, b) => a * b, 1);
    const values = new Float32Array(count);
    let state = 12345;  // a fixed sequence, about what normalised photos hold: -2..2
    for (let i = 0; i < count; ++i) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      values[i] = (state / 2 ** 32) * 4 - 2;
    }
    const input = join(folder, 'input.bin');
    writeFileSync(input, bytesOf(values));
    const results = [];
    for (const [index, side] of sides.entries()) {
      await side.ask('load', model, threads, batch, ...shape);
      await side.ask('input', input, batch, ...shape);
      for (let i = 0; i < 3; ++i) await side.ask('run');
      const output = join(folder, `output${index}.bin`);
      await side.ask('output', output);
      results.push(floats(output));
      side.pause();
    }
    const times = sides.map(() => []);
    for (let round = 0; round < rounds; ++round) {
      for (const [index, side] of sides.entries()) {
        side.resume();
        await side.ask('run');  // brings caches and threads back; not counted
        times[index].push(await side.ask('run'));
        side.pause();
      }
    }
    const differences = results.slice(1).map((result, i) => {
      if (result.length !== results[0].length) {
        throw new Error(`${sides[i + 1].name}: gives ${result.length} numbers, ours ${results[0].length}`);
      }
      let difference = 0;
      for (let k = 0; k < result.length && !Number.isNaN(difference); ++k) {
        const d = Math.abs(result[k] - results[0][k]);
        difference = Number.isNaN(d) ? d : Math.max(d, difference);
      }
      return difference;
    });
    const largest = results[0].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    await Promise.all(sides.map((side) => side.end()));
    return { times, differences, largest };
  } finally {
    sides.forEach((side) => side.kill());
  }
}

async function main(words) {
  const options = { batch: '1,8', threads: '1,2', rounds: '15', 'input-shape': '3x224x224' };
  const models = [], peers = [];
  for (let i = 0; i < words.length; ++i) {
    if (words[i] === '--peer') peers.push({ name: words[++i], command: words[++i].split('\t') });
    else if (words[i].startsWith('--')) options[words[i].slice(2)] = words[++i];
    else models.push(words[i]);
  }
  const numbers = (name, separator) => options[name].split(separator).map((word) => {
    if (!/^[1-9][0-9]*$/.test(word)) throw new Error(`--${name} ${options[name]}: expected whole numbers, such as 1${separator}8`);
    return Number(word);
  });
  const batches = numbers('batch', ','), threads = numbers('threads', ','), shape = numbers('input-shape', 'x');
  const [rounds] = numbers('rounds', ',');
  const folder = mkdtempSync(join(tmpdir(), 'versus-'));
  const ms = (values) => `${quantile(values, 0.5).toFixed(1)} / ${Math.min(...values).toFixed(1)}`;
  try {
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores; ${rounds} batches each, in turn.\n\n` +
      'Milliseconds a batch, median / least. Ratio: our time to the other\'s in the same turn, median (quartiles); below 1 ours is ' +
      'faster.\nDifference: the largest between two outputs, and the largest output.\n');
    const titles = ['model', 'batch', 'threads', 'ours', ...peers.flatMap(({ name }) => [name, 'ratio', 'difference'])];
    console.log(`| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}`);
    for (const model of models) {
      for (const batch of batches) {
        for (const count of threads) {
          const { times: [a, ...others], differences, largest } = await measure(
            { model, batch, threads: count, shape, rounds, ours: options.ours, peers, folder });
          const cells = others.flatMap((b, i) => {
            const ratios = a.map((time, k) => time / b[k]);
            const r = [0.5, 0.25, 0.75].map((q) => quantile(ratios, q).toFixed(2));
            return [ms(b), `${r[0]} (${r[1]}–${r[2]})`, `${differences[i].toExponential(1)} of ${largest.toPrecision(3)}`];
          });
          console.log(`| ${[basename(model, '.onnx'), batch, count, ms(a), ...cells].join(' | ')} |`);
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--serve') {
  await serve(process.argv[3]);
} else {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(`versus: ${error.message}`);
    process.exitCode = 1;
  }
}
