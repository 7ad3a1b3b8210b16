/**
 * Whole embedded runs, crashed at random Env calls and started again (DESIGN section 3).
 *
 * A failure prints its seed; `QUORUS_SIM_SEED=N deno test -A tests/simulation` replays it alone, and
 * `QUORUS_SIM_SEEDS=N` runs more seeds.
 */

import assert from "node:assert/strict";
import type { DiskFile } from "../../runtime/env/env.ts";
import { Scenario, type ScenarioOptions, type ScenarioResult } from "./embedded_scenario.ts";

const ONE = Deno.env.get("QUORUS_SIM_SEED");
const SEEDS = Number(Deno.env.get("QUORUS_SIM_SEEDS") ?? 600);

async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  try {
    return await new Scenario(options).run();
  } catch (cause) {
    const { seed } = options;
    throw new Error(
      `seed ${seed} failed: ${cause instanceof Error ? cause.message : cause}\n` +
        `replay it: QUORUS_SIM_SEED=${seed} deno test -A tests/simulation`,
      { cause },
    );
  }
}

function seeds(): number[] {
  if (ONE !== undefined) return [Number(ONE)];
  return Array.from({ length: SEEDS }, (_, n) => n + 1);
}

Deno.test("a run that crashes anywhere is gone on with until every file is right", async () => {
  const sum = { crashes: 0, resumed: 0, recovered: 0, kept: 0, undecided: 0 };
  for (const seed of seeds()) {
    const result = await run({ seed });
    sum.crashes += result.crashes;
    sum.resumed += result.resumed;
    sum.recovered += result.recovered;
    sum.kept += result.keptBytes;
    sum.undecided += result.unknown;
  }
  if (ONE !== undefined) return;
  // Rare states that the seeds must reach, or the test shows less than it seems to.
  assert.ok(sum.crashes > SEEDS, `${sum.crashes} crashes`);
  assert.ok(sum.resumed > SEEDS / 10, `${sum.resumed} transfers were resumed`);
  assert.ok(sum.recovered > SEEDS / 50, `${sum.recovered} were recovered`);
  assert.ok(sum.undecided < sum.crashes / 100, `${sum.undecided} need a decision`);
});

Deno.test("a run without a crash fetches every byte once", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    const { crashes, lives, recovered } = await run({ seed, crashes: 0 });
    assert.deepEqual({ crashes, lives, recovered }, { crashes: 0, lives: 1, recovered: 0 });
  }
});

Deno.test("a seed gives the same trace again, and after others in the same process", async () => {
  for (const seed of [7, 11, 42, 123]) {
    const first = await run({ seed });
    await run({ seed: seed + 1 });
    const second = await run({ seed });
    assert.equal(second.traceHash, first.traceHash);
    assert.deepEqual(second, first);
  }
});

/** A fault that is planted on purpose, and what the checker must say of it. */
interface Canary {
  readonly what: string;
  readonly options: (seed: number) => Partial<ScenarioOptions>;
  readonly found: RegExp;
}

const isTemporary = (path: string) => path.endsWith(".part");
const isLog = (path: string) => path.includes("/log-");
const noSync = { sync: () => Promise.resolve(), syncData: () => Promise.resolve() };

const CANARIES: readonly Canary[] = [
  {
    what: "a file is renamed that was never synced",
    options: () => ({
      kinds: ["power"],
      sabotage: () => ({ file: (path) => isTemporary(path) ? noSync : undefined }),
    }),
    found: /neither the old nor the right ones/,
  },
  {
    what: "a checkpoint is saved before its bytes are durable",
    options: () => ({
      kinds: ["power"],
      sabotage: () => ({
        file: (path) => isTemporary(path) ? { syncData: noSync.syncData } : undefined,
      }),
    }),
    found: /bytes were fetched again, over/,
  },
  {
    what: "a file is published on a grant that is not durable",
    options: () => ({
      kinds: ["power"],
      sabotage: () => ({ file: (path) => isLog(path) ? noSync : undefined }),
    }),
    found: /exists|left behind|is damaged|fetched again|strictly equal/,
  },
  {
    what: "a kept file is adopted without being looked at",
    options: () => ({
      kinds: ["process"],
      sabotage: (scenario) => ({ file: (path, file) => trusting(scenario, path, file) }),
      meanwhile: (scenario) => damageOne(scenario),
    }),
    found: /neither the old nor the right ones/,
  },
  {
    what: "a published name is not made durable",
    options: () => ({
      kinds: ["power"],
      sabotage: () => ({
        syncDirectory: (path, sync) => path.startsWith("/out") ? Promise.resolve() : sync(),
      }),
    }),
    found: /has the right bytes|cannot tell|failed/,
  },
  {
    what: "bytes are written under the final name",
    options: () => ({
      sabotage: (scenario) => ({
        file: (path, file) => ({
          write: async (bytes: Uint8Array, at: number) => {
            await file.write(bytes, at);
            if (isTemporary(path) && at === 0) scenario.showEarly(path);
          },
        }),
      }),
    }),
    found: /neither the old nor the right ones/,
  },
];

/** Reads of a temporary file give what the source has, whatever stands on the disk. */
function trusting(scenario: Scenario, path: string, file: DiskFile): Partial<DiskFile> | undefined {
  const right = scenario.rightBytesOf(path);
  if (right === null) return undefined;
  return {
    read: async (into, position) => {
      const count = await file.read(into, position);
      into.set(right.subarray(position, position + count));
      return count;
    },
  };
}

function damageOne(scenario: Scenario): void {
  for (const path of scenario.temporaries()) scenario.machine.flipBit(path, 100);
}

for (const { what, options, found } of CANARIES) {
  Deno.test(`the checker finds it when ${what}`, async () => {
    for (let seed = 1; seed <= 200; seed++) {
      try {
        await new Scenario({ seed, ...options(seed) }).run();
      } catch (error) {
        if (found.test(String(error))) return;
      }
    }
    assert.fail("200 seeds did not find it");
  });
}
