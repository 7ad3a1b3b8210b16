/** Every table of limits, found by its name: no bound without unit, value and reason. */

import assert from "node:assert/strict";
import type { Limit, LimitTable, LimitUnit } from "../../../runtime/base/limits.ts";

const ROOT = new URL("../../../", import.meta.url);
const ROOMS = ["runtime", "protocols", "workflows", "actors", "cli"];
const UNITS: ReadonlySet<string> = new Set<LimitUnit>(["bytes", "ms", "count", "perSecond"]);
/** What a name ends in says its unit. */
const NAMED: readonly (readonly [RegExp, LimitUnit])[] = [
  [/(?<!Per)Ms$/, "ms"],
  [/Bytes$/, "bytes"],
  [/PerSecond$/, "perSecond"],
];

async function* files(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* files(new URL(`${name}/`, folder));
    else if (/limits\.ts$/.test(name)) yield new URL(name, folder);
  }
}

/** Path and name of each table, such as `runtime/remote/limits.ts REMOTE_LIMITS`. */
async function tables(): Promise<Map<string, LimitTable>> {
  const found = new Map<string, LimitTable>();
  for (const room of ROOMS) {
    for await (const file of files(new URL(`${room}/`, ROOT))) {
      const exported = await import(file.href) as Record<string, unknown>;
      for (const [name, value] of Object.entries(exported)) {
        if (!/^[A-Z_]+_LIMITS$/.test(name) || typeof value !== "object") continue;
        found.set(`${file.href.slice(ROOT.href.length)} ${name}`, value as LimitTable);
      }
    }
  }
  return found;
}

function problems(name: string, { unit, value, why }: Limit): string[] {
  const named = NAMED.find(([ending]) => ending.test(name))?.[1] ?? unit;
  return [
    ...(UNITS.has(unit) ? [] : ["no unit"]),
    ...(named === unit ? [] : [`named in ${named}, counted in ${unit}`]),
    ...(Number.isSafeInteger(value) && value >= 0 ? [] : [`value ${value}`]),
    ...(/^\S.{11,}[^.]$/.test(why) ? [] : ["no reason"]),
  ];
}

Deno.test("every limit has a unit, a whole value and a reason, and its name says the unit", async () => {
  const all = await tables();
  for (const room of ["actor", "remote", "cluster", "sim", "store", "env"]) {
    assert.ok([...all.keys()].some((at) => at.startsWith(`runtime/${room}/`)), `no table: ${room}`);
  }
  const found = [...all].flatMap(([at, table]) =>
    Object.entries(table).flatMap(([name, limit]) =>
      problems(name, limit).map((problem) => `${at} ${name}: ${problem}`)
    )
  );
  assert.deepEqual(found, []);
});
