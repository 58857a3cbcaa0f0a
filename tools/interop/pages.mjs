// Whether people can read the pages and pictures that resnet-cli writes, in Chromium:
//
//   node tools/interop/pages.mjs RESNET_CLI MODULES CHROMIUM [SCREENSHOTS]
//
// MODULES is a folder node_modules with puppeteer-core and axe-core. Each page is opened light and dark, 1280 and 360 pixels
// wide. Nothing may be complained of on the console or fetched, axe-core must find no fault, and no text may be cut off, lie
// over another one, or have too little contrast in a picture: page_faults.js. Pictures of what was seen are left in SCREENSHOTS.
// Exits 1 where something is wrong.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const [program, modules, chromium, screenshots] = process.argv.slice(2);
const top = fileURLToPath(new URL("../..", import.meta.url));
const { default: puppeteer } = await import(
  pathToFileURL(resolve(modules, "puppeteer-core/lib/esm/puppeteer/puppeteer-core.js")).href);
const scripts = [resolve(modules, "axe-core/axe.min.js"), join(top, "tools/interop/page_faults.js")];
const script = (await Promise.all(scripts.map((file) => readFile(file, "utf8")))).join("\n");
const work = await mkdtemp(join(tmpdir(), "pages-"));
if (screenshots) await mkdir(screenshots, { recursive: true });

const cli = (...words) => promisify(execFile)(resolve(program), [...words, "-q"], { cwd: work }).catch((error) => {
  if (error.code !== 5) throw error;  // an input that is to fail
});
const data = (name) => join(top, "testdata", name);
const log = data("degradation/degradation.csv");

// What the program writes: each name with the words that make it.
async function make() {
  await cli("responses", "plain-20=plain20", "resnet20", "resnet56", "--random", "2", "-o", "responses.json");
  await writeFile(join(work, "result.json"), JSON.stringify({
    model: "m.onnx", crop: "ten", architecture: "resnet34", shortcut: "B", variant: "v1", networks: 1, top1_err: 24.75,
    top5_err: 7.61, count: 50000 }));
  const pictures = ["disc", "checkers"].map((name) => data(`images/${name}.png`));
  await writeFile(join(work, "truths.csv"), `${pictures[0]},airplane\n${pictures[1]},cat\nnone.png,cat\n`);
  const pages = {
    "paper.html": ["paper", "responses.json", "result.json", log],
    "paper-empty.html": ["paper"],
    "table1.html": ["inspect", "--paper"],
    "inspect.html": ["inspect", "resnet50", "--weights"],
    "inspect-file.html": ["inspect", data("models/resnet20-cifar10.onnx")],
    "inspect-pair.html": ["inspect", "resnet18", "resnet34"],
    "inspect-blocks.svg": ["inspect", "resnet18", "--depth", "block"],
    "inspect-stages.svg": ["inspect", "resnet152", "--depth", "stage"],
    "inspect-layers.svg": ["inspect", "resnet20", "--depth", "layer"],
    "curves.svg": ["curves", log],
    "responses.svg": ["responses", "plain-20=plain20", "resnet20", "--random", "2"],
  };
  for (const [name, words] of Object.entries(pages)) await cli(...words, "-o", name);
  await cli("predict", "resnet20-cifar10", ...pictures, "none.png", "--report", "predict.html");
  await cli("evaluate", "resnet20-cifar10", "truths.csv", "--report", "evaluate.html");
  return [...Object.keys(pages), "predict.html", "evaluate.html"];
}

const browser = await puppeteer.launch({
  executablePath: chromium, headless: true, args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"] });
let passed = 0, failed = 0;

const in_state = (state) => (state === "" ? "" : `${state.slice(1)}: `);

async function look(name, color, width) {
  const page = await browser.newPage();
  const wrong = [];
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && wrong.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`console: ${error.message}`));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || wrong.push(`fetches ${request.url()}`));
  await page.setViewport({ width, height: 800 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: color }]);
  await page.goto(pathToFileURL(join(work, name)).href);
  const shot = (state) => screenshots &&
    page.screenshot({ path: join(screenshots, `${name}-${color}-${width}${state}.png`), fullPage: state === "" });
  const judge = async (state, with_axe = true) => {
    for (const fault of await page.evaluate(() => globalThis.faults())) wrong.push(in_state(state) + fault);
    const { violations } = !with_axe ? { violations: [] } : await page.evaluate(() => globalThis.axe.run(document));
    for (const { id, help, nodes } of violations) {
      const where = nodes.slice(0, 3).map((node) => node.html.slice(0, 100)).join(" ");
      wrong.push(`${in_state(state)}axe-core: ${id}: ${help}: ${where}`);
    }
    await shot(state);
  };
  if (name.endsWith(".svg")) {  // seen alone above; judged within a page
    await shot("");
    const svg = (await readFile(join(work, name), "utf8")).replace(/^[^]*?<svg/, "<svg");
    await page.goto("about:blank");
    await page.setContent(`<!DOCTYPE html><html lang="en"><title>${name}</title><div class="scroll">${svg}</div>`);
    await page.evaluate(script);
    for (const fault of await page.evaluate(() => globalThis.faults())) if (!/pixels wide/.test(fault)) wrong.push(fault);
  } else {
    await page.evaluate(script);
    await judge("");
    const buttons = await page.$$eval("button[data-filter]", (all) => all.map((button) => button.dataset.filter));
    for (const filter of buttons) {
      await page.click(`button[data-filter=${filter}]`);
      await judge(`-${filter}`);
    }
    if (await page.$("th")) {
      await page.$eval("th", (header) => header.click());
      await page.$eval("tr:nth-child(2) td", (cell) => cell.scrollIntoView());
      await page.hover("tr:nth-child(2) td");
      await judge("-sorted", false);
    }
  }
  await page.close();
  for (const fault of new Set(wrong)) console.log(`${name}, ${color}, ${width} pixels: ${fault}`);
  if (wrong.length === 0) passed += 1; else failed += 1;
}

try {
  for (const name of await make()) {
    for (const color of ["light", "dark"]) for (const width of [1280, 360]) await look(name, color, width);
  }
} finally {
  await browser.close();
  await rm(work, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;
