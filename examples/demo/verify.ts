/** Reads every file again, and compares what there is with what there should be. */

import { createHash } from "node:crypto";
import { formatBytes } from "../../runtime/base/units.ts";
import { FILES, MIRRORED, sha256Of } from "./files.ts";
import type { Played } from "./play.ts";
import type { Publications } from "./publications.ts";
import type { Traffic } from "./server.ts";
import { keptBytesOf } from "./story.ts";

/** What is known beside the files. */
export interface Evidence extends Played {
  readonly publications: Publications;
  readonly traffic: ReadonlyMap<string, Traffic>;
}

/** Prints both tables; whether all is right. */
export async function verify(folder: string, evidence: Evidence): Promise<boolean> {
  evidence.moments.print();
  console.log("\nEvery file, read again and compared with its source:\n");
  row("file", "size", "sent", "kept", "attempts", "published", "SHA-256");
  let right = evidence.run.state === "succeeded";
  for (const [name, path] of MIRRORED) {
    const isRight = await sha256OfFile(`${folder}/${name}`) === sha256Of(path);
    const times = evidence.publications.of(name);
    const seen = evidence.traffic.get(path);
    const job = evidence.jobs.find(({ destination }) => destination.endsWith(`/${name}`));
    right &&= isRight && (times === 1 || times === null) && job?.state === "succeeded";
    row(
      name,
      formatBytes(FILES.get(path) ?? 0),
      formatBytes(seen?.sentBytes ?? 0),
      job === undefined ? "" : formatBytes(keptBytesOf(job)),
      String(job?.attempts ?? 0),
      times === null ? "" : times === 1 ? "once" : `${times} TIMES`,
      isRight ? "right" : "WRONG",
    );
  }
  for (const { name, why } of evidence.run.skipped) console.log(`\n${name} was skipped: ${why}`);
  if (![...evidence.traffic.values()].some(({ connectionsCut }) => connectionsCut > 0)) {
    console.log("\nNo connection was cut, so nobody knows whether one that is cut goes on");
    right = false;
  }
  const others = await otherNames(folder);
  if (others.length > 0) console.log(`\nWhat should not be there: ${others.join(", ")}`);
  return right && others.length === 0;
}

/** Names below the folder that are none of the files. */
async function otherNames(folder: string, inner = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${inner}`)) {
    const path = `${inner}${name}`;
    if (isDirectory) names.push(...await otherNames(folder, `${path}/`));
    else if (!MIRRORED.has(path)) names.push(path);
  }
  return names;
}

async function sha256OfFile(path: string): Promise<string | null> {
  const file = await Deno.open(path).catch(() => null);
  if (file === null) return null;
  const hash = createHash("sha256");
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}

function row(name: string, ...cells: string[]): void {
  console.log(`  ${name.padEnd(18)}${cells.map((cell) => cell.padStart(11)).join("")}`);
}
