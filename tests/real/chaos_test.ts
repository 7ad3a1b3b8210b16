/** A short chaos: a cluster of real processes, broken for half a minute, and its promises. */

import assert from "node:assert/strict";
import { experiment } from "../chaos/experiment.ts";
import { reportText } from "../chaos/report.ts";
import { requireNamespaces } from "./namespaces.ts";
import { requirePrograms } from "./require.ts";

const MINUTES = 0.5;
const FILES = 16;
/** Kills and stops of every role, an agent's partition, and one of a minority. */
const SEED = 7;

const nginx = requirePrograms(["nginx"]);

Deno.test({
  name:
    "a cluster that is killed, stopped, cut off and restarted ends every job once, with right bytes",
  ignore: nginx.ignore || requireNamespaces().ignore,
  fn: async () => {
    const lines: string[] = [];
    const options = { minutes: MINUTES, seed: SEED, files: FILES, json: false, keep: false };
    const report = await experiment(options, (line) => lines.push(line));
    assert.ok(report.ok, `${lines.join("\n")}\n\n${reportText(report)}`);
    assert.ok(report.faults.length > 0);
    assert.equal(report.restarts.length, 8);
    assert.equal(report.withoutPartitions, null);
  },
});
