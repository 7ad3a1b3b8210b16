/**
 * `deno task demo`: a server on loopback, the real command line, a connection that breaks, and a
 * check of every byte. The workflow is demo.yaml; the files stay under .quorus/demo (or the folder
 * that is given) until the next demo.
 */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { formatBytes } from "../../runtime/base/units.ts";
import { FILES, sha256Of } from "./files.ts";
import { startServer, type Traffic } from "./server.ts";

const MIRRORED: ReadonlyMap<string, string> = new Map([
  ["index.bin", "/index.bin"],
  ["media/photos.bin", "/photos.bin"],
  ["media/videos.bin", "/videos.bin"],
  ["orders.bin", "/changes.bin"],
  ["report.bin", "/report.bin"],
]);

const folder = Deno.args[0] ?? ".quorus/demo";
const out = `${resolve(folder)}/files`;
await Deno.remove(folder, { recursive: true }).catch(() => {});
await Deno.mkdir(folder, { recursive: true });
const server = startServer({ path: "/photos.bin", afterBytes: 100 * 2 ** 20 });
const ended = await quorus(server.origin);
const right = ended && await report(server.traffic);
await server.stop();
Deno.exit(right ? 0 : 1);

/** Runs the workflow as a user would, with no more permissions than it needs. */
async function quorus(origin: string): Promise<boolean> {
  const granted = ["--allow-read", "--allow-env", `--allow-write=${folder}`];
  const deno = ["run", ...granted, "--allow-net=127.0.0.1", "cli.ts"];
  const verb = ["run", "examples/demo/demo.yaml", "--data", `${folder}/state`];
  const variables = ["--var", `ORIGIN=${origin}`, "--var", `OUT=${out}`];
  console.log(
    [["$ deno", ...deno], verb, variables].map((line) => line.join(" ")).join(" \\\n    "),
  );
  const args = [...deno, ...verb, ...variables];
  // Without a standard input Deno never stops to ask for a permission.
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null" }).spawn();
  return (await child.status).success;
}

/** Reads every file again and shows what was moved, as the server saw it. */
async function report(traffic: ReadonlyMap<string, Traffic>): Promise<boolean> {
  console.log("\nWhat the server saw, and every file read again and compared with its source:\n");
  row("file", "size", "kept", "fetched", "cut", "MiB/s", "SHA-256");
  let right = true;
  for (const [name, path] of MIRRORED) {
    const size = FILES.get(path) ?? 0;
    const seen = traffic.get(path);
    const isRight = await sha256OfFile(`${out}/${name}`) === sha256Of(path);
    right &&= isRight;
    if (seen === undefined) throw new Error(`The server was never asked for ${path}`);
    const { keptBytes, connectionsCut, sentBytes, firstMs, lastMs } = seen;
    const rate = sentBytes / 2 ** 20 / (lastMs - firstMs) * 1_000;
    row(
      name,
      formatBytes(size),
      formatBytes(keptBytes),
      formatBytes(size - keptBytes),
      connectionsCut === 0 ? "" : "once",
      sentBytes < 2 ** 20 ? "" : rate.toFixed(0),
      isRight ? "right" : "WRONG",
    );
  }
  console.log(`\nThe files are in ${out}`);
  return right;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of (await Deno.open(path)).readable) hash.update(part);
  return hash.digest("hex");
}

function row(name: string, ...cells: string[]): void {
  console.log(`  ${name.padEnd(18)}${cells.map((cell) => cell.padStart(10)).join("")}`);
}
