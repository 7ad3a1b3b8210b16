/**
 * The large form of kill_test.ts, by hand: 2 GiB, 20 kills. Prints a table, or with `--json` one
 * line for each kill and one for all; ends with 1 if anything is not as promised.
 *
 *     deno run -A tests/scenario/kill_2gib.ts [--json] [--seed=N] [--folder=DIR]
 */

import { parseArgs } from "node:util";
import { type Kill, type KillReport, playKills, SENT_AGAIN_MAX_BYTES } from "./kills.ts";

const MIB = 2 ** 20;
const { values } = parseArgs({
  args: [...Deno.args],
  options: {
    json: { type: "boolean", default: false },
    seed: { type: "string", default: "20" },
    folder: { type: "string" },
  },
});
const scenario = {
  bytes: 2_048 * MIB,
  kills: 20,
  seed: Number(values.seed),
  throttleBytesPerSecond: 128 * MIB,
};
const inside = values.folder === undefined ? {} : { dir: values.folder };
const folder = await Deno.makeTempDir({ prefix: "quorus-kill-", ...inside });
try {
  const report = await playKills(scenario, folder);
  const ok = isAsPromised(report);
  if (values.json) printLines(report, ok);
  else printTable(report, ok);
  Deno.exitCode = ok ? 0 : 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}

function isAsPromised({ kills, sha256Right, finalName, leftBehind }: KillReport): boolean {
  const bounded = kills.every(({ sentAgainBytes }) => sentAgainBytes <= SENT_AGAIN_MAX_BYTES);
  const whole = finalName.wrongSizes.length === 0 &&
    new Set(finalName.versions.map(({ sha256 }) => sha256)).size === 1;
  return bounded && whole && sha256Right && leftBehind.length === 0;
}

function printLines({ kills, ...whole }: KillReport, ok: boolean): void {
  for (const [index, kill] of kills.entries()) {
    const line = { scenario: "kill-2gib", kill: index + 1, ...kill };
    console.log(JSON.stringify({ ...line, boundBytes: SENT_AGAIN_MAX_BYTES }));
  }
  console.log(JSON.stringify({ scenario: "kill-2gib", ...scenario, ...whole, ok }));
}

function printTable(report: KillReport, ok: boolean): void {
  console.log("kill  when                      on disk  next run from  sent again  (MiB)");
  for (const [index, kill] of report.kills.entries()) {
    const { diskBytes, resumedAt, sentAgainBytes } = kill;
    const cells = [
      String(index + 1).padStart(4),
      momentText(kill).padEnd(24),
      mib(diskBytes).padStart(8),
      (resumedAt === null ? unaskedText(index) : mib(resumedAt)).padStart(13),
      mib(sentAgainBytes).padStart(10),
    ];
    console.log(cells.join("  "));
  }
  const { finalName, sha256Right, leftBehind, sentBytes, durationMs } = report;
  const again = report.kills.map(({ sentAgainBytes }) => sentAgainBytes);
  console.log(
    `sent in all ${mib(sentBytes)} for ${mib(scenario.bytes)}; sent again at most ` +
      `${mib(Math.max(...again))} for one kill (bound ${mib(SENT_AGAIN_MAX_BYTES)})\n` +
      `SHA-256 ${sha256Right ? "right" : "WRONG"}; ${finalName.looks} looks at the final name, ` +
      `${finalName.wrongSizes.length} of them at a half-written file; ` +
      `left behind: ${leftBehind.join(", ") || "nothing"}; ${Math.round(durationMs / 1_000)} s; ` +
      (ok ? "as promised" : "NOT as promised"),
  );
}

/** The next run asked for nothing: it was killed before that, or, the last one, had all it needed. */
function unaskedText(index: number): string {
  return index + 1 < scenario.kills ? "killed first" : "all was kept";
}

function momentText({ moment, finished }: Kill): string {
  const suffix = finished ? " (done)" : "";
  if (moment.when === "start") return `${moment.delayMs} ms after start${suffix}`;
  if (moment.when === "end") return `${moment.delayMs} ms after the end${suffix}`;
  return `at ${mib(moment.position)}${suffix}`;
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
