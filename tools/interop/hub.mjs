// Whether the hub's own client for JavaScript and resnet-cli read each other's cache:
//
//   node tools/interop/hub.mjs RESNET_CLI MODULES
//
// MODULES is a folder node_modules with @huggingface/hub. A server of this script's own plays the hub. Exits 1 where one does not
// find what the other brought.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const [program, modules] = process.argv.slice(2);
const { downloadFileToCacheDir } = await import(pathToFileURL(resolve(modules, "@huggingface/hub/dist/index.mjs")).href);
const commit = "0123456789abcdef0123456789abcdef01234567";
const repo = "timm/resnet18.a1_in1k";
const files = { "config.json": Buffer.from('{"architecture": "resnet18"}'), "model.safetensors": Buffer.alloc(300000, 7) };
const etag = (name) => {
  if (name.endsWith(".safetensors")) return createHash("sha256").update(files[name]).digest("hex");
  return createHash("sha1").update(`blob ${files[name].length}\0`).update(files[name]).digest("hex");
};

const server = createServer(async (question, answer) => {
  if (question.url.includes("/paths-info/")) {
    let text = "";
    for await (const piece of question) text += piece;
    const list = JSON.parse(text).paths.map((path) => ({
      path, type: "file", size: files[path].length, oid: etag(path), lastCommit: { id: commit, date: "2026-01-01", title: "" },
      ...(path.endsWith(".safetensors") && { lfs: { oid: etag(path), size: files[path].length, pointerSize: 130 } }),
    }));
    return answer.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(list));
  }
  const name = question.url.split("/resolve/")[1]?.split("/").slice(1).join("/").split("?")[0];
  if (!files[name]) return answer.writeHead(404, { "X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit }).end();
  const range = /bytes=(\d+)-(\d*)/.exec(question.headers.range ?? "");
  const from = range ? Number(range[1]) : 0;
  const to = range && range[2] ? Math.min(Number(range[2]), files[name].length - 1) : files[name].length - 1;
  const part = files[name].subarray(from, to + 1);
  answer.writeHead(range ? 206 : 200, {
    "X-Repo-Commit": commit, ETag: `"${etag(name)}"`, "Content-Length": part.length,
    ...(range && { "Content-Range": `bytes ${from}-${to}/${files[name].length}` }),
  });
  answer.end(question.method === "HEAD" ? undefined : part);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const hubUrl = `http://127.0.0.1:${server.address().port}`;
const work = await mkdtemp(join(tmpdir(), "hub-"));
let failed = 0;

async function check(what, action) {
  try {
    await action();
    console.log(`${what}: yes`);
  } catch (error) {
    failed += 1;
    console.log(`${what}: no: ${error.stderr ?? error}`);
  }
}
const fetchInto = async (home, ...options) => {
  const environment = { ...process.env, HF_HOME: home, HF_ENDPOINT: hubUrl, HF_HUB_CACHE: "", http_proxy: "" };
  return (await promisify(execFile)(program, ["fetch", repo, ...options], { env: environment })).stdout.trim();
};
const same = async (path, name) => {
  if (!(await readFile(path)).equals(files[name])) throw new Error(`${path} differs`);
};

console.debug = () => {};
const theirs = join(work, "theirs"), ours = join(work, "ours");
await check("resnet-cli finds what @huggingface/hub brought", async () => {
  for (const path of Object.keys(files)) await downloadFileToCacheDir({ repo, path, hubUrl, cacheDir: join(theirs, "hub") });
  await same(join(await fetchInto(theirs, "--offline"), "model.safetensors"), "model.safetensors");
});
await check("@huggingface/hub finds what resnet-cli brought", async () => {
  await fetchInto(ours);
  for (const path of Object.keys(files)) {
    const fetch = () => { throw new Error("it asks the network"); };
    await same(await downloadFileToCacheDir({ repo, path, hubUrl, revision: commit, cacheDir: join(ours, "hub"), fetch }), path);
  }
});
server.close();
server.closeAllConnections();
await rm(work, { recursive: true });
process.exit(failed ? 1 : 0);
