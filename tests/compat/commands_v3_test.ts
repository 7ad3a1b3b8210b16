/**
 * Entries of the controllers' log as versions 1 to 5 wrote them: each is read today, as what it said.
 * What a sample holds and the schema does not know would be lost, so nothing may be missing after it.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { command, type Command, logEntry } from "../../actors/controller/commands.ts";
import { groupEntry } from "../../actors/controller/machine.ts";

const SAMPLES = new URL("./commands_v3/", import.meta.url);

interface Sample {
  readonly version: number;
  readonly command: Command;
}

async function samplesOf(file: string): Promise<Sample[]> {
  return JSON.parse(await readFile(new URL(file, SAMPLES), "utf8"));
}

async function allSamples(): Promise<Sample[]> {
  return (await Promise.all((await readdir(SAMPLES)).map(samplesOf))).flat();
}

/** What tells commands apart: their type, and that of the event within. */
function kindOf(one: Command): string {
  return "event" in one ? `${one.type} ${one.event.type}` : one.type;
}

/** All kinds that the schema of today knows. */
function knownKinds(): string[] {
  return command.options.flatMap(({ shape }) => {
    const { value: type } = shape.type;
    if (!("event" in shape)) return [type];
    return shape.event.options.map((event) => `${type} ${event.shape.type.value}`);
  });
}

Deno.test("every frozen command is read as it was written, with nothing missing", async () => {
  for (const sample of await allSamples()) {
    assert.deepStrictEqual(logEntry.parse(sample), sample, kindOf(sample.command));
    assert.deepStrictEqual(groupEntry.parse(sample), sample, kindOf(sample.command));
  }
});

Deno.test("every command of today's schema has a frozen sample", async () => {
  const kinds = new Set((await allSamples()).map((one) => kindOf(one.command)));
  assert.deepEqual([...kinds].sort(), knownKinds().sort());
});

Deno.test("samples stand in the file of their command", async () => {
  for (const file of await readdir(SAMPLES)) {
    if (file === "earlier_versions.json") continue;
    for (const sample of await samplesOf(file)) assert.equal(`${sample.command.type}.json`, file);
  }
});

Deno.test("a fingerprint beside a command is kept", async () => {
  const [sample] = await samplesOf("revokeKey.json");
  const written = { ...sample, fingerprint: "0123456789abcdef" };
  assert.deepStrictEqual(groupEntry.parse(written), written);
});
