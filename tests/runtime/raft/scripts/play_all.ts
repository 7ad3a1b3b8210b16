/** Plays all scripts and prints, as one line of JSON, those that do not play as they are written. */

import { playScript } from "./script.ts";

/** A script that turned red, and why. */
export interface RedScript {
  readonly script: string;
  readonly why: string;
}

const FOLDER = new URL("../../../golden/raft/", import.meta.url);

function redScripts(): RedScript[] {
  const red: RedScript[] = [];
  for (const { name } of Deno.readDirSync(FOLDER)) {
    if (!name.endsWith(".txt")) continue;
    const text = Deno.readTextFileSync(new URL(name, FOLDER));
    const { failure, text: played } = playScript(text);
    const why = failure?.split("\n").at(-1) ?? firstDifference(text, played);
    if (why !== null) red.push({ script: name.slice(0, -".txt".length), why });
  }
  return red.toSorted((left, right) => left.script < right.script ? -1 : 1);
}

function firstDifference(expected: string, actual: string): string | null {
  if (expected === actual) return null;
  const lines = actual.split("\n");
  const place = expected.split("\n").findIndex((line, index) => line !== lines[index]);
  return `line ${place + 1}: ${lines[place] ?? "the end"}`;
}

if (import.meta.main) console.log(JSON.stringify(redScripts()));
