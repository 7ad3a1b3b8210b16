/** One suite for every transfer protocol: what the contract says, shown or refused. */

import type { SinkCase, SourceCase } from "./case.ts";
import { descriptionCases } from "./description.ts";
import { directoryCases } from "./directory.ts";
import type { Harness } from "./harness.ts";
import { nameCases } from "./names.ts";
import { fenceCases } from "./sink_fences.ts";
import { publishCases } from "./sink_publish.ts";
import { serverCopyCases } from "./server_copy.ts";
import { sinkCases } from "./sink.ts";
import { changeCases } from "./source_changes.ts";
import { sourceCases } from "./source.ts";

const SOURCE_CASES: readonly SourceCase[] = [...sourceCases, ...changeCases, ...nameCases.source];
const SINK_CASES: readonly SinkCase[] = [
  ...sinkCases,
  ...publishCases,
  ...fenceCases,
  ...serverCopyCases,
  ...nameCases.sink,
];

async function once(
  setup: () => Promise<Harness>,
  body: (harness: Harness) => Promise<void>,
): Promise<void> {
  const harness = await setup();
  try {
    const run = harness.run ?? ((inner: () => Promise<void>) => inner());
    await run(() => body(harness));
  } finally {
    await harness.close();
  }
}

/** Registers the tests of the protocol `name`; each case gets a fresh harness. */
export function conformance(name: string, setup: () => Promise<Harness>): void {
  for (const { title, run } of descriptionCases) {
    Deno.test(`${name} protocol: ${title}`, () => once(setup, run));
  }
  for (const { title, run } of SOURCE_CASES) {
    Deno.test(`${name} source: ${title}`, () =>
      once(setup, async (harness) => {
        if (harness.source !== undefined) await run(harness.source, harness);
      }));
  }
  for (const { title, run } of SINK_CASES) {
    Deno.test(`${name} sink: ${title}`, () =>
      once(setup, async (harness) => {
        if (harness.sink !== undefined) await run(harness.sink, harness);
      }));
  }
  for (const { title, run } of directoryCases) {
    Deno.test(`${name} directory: ${title}`, () =>
      once(setup, async (harness) => {
        if (harness.directory !== undefined) await run(harness.directory, harness);
      }));
  }
}
