/** The journal's promise: what was acknowledged is there in every later life, nothing torn is. */

import { QuorusError } from "../../../runtime/base/errors.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { FAULT_RANGES, type FaultRange } from "../../../runtime/sim/faults.ts";
import type { SimFaults } from "../../../runtime/sim/machine.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { type Journal, openJournal } from "../../../runtime/store/journal.ts";

const NODE = "node";
const DIRECTORY = "/data/journal";

/** Many segments and batches, or batches over several sectors, which may survive with holes. */
const SHAPES = [
  { limits: { segmentBytes: 300, batchBytes: 200, recordBytes: 5_000 }, long: 0.1 },
  { limits: { segmentBytes: 60_000, batchBytes: 40_000, recordBytes: 5_000 }, long: 0.7 },
] as const;

/** What was handed to the journal, by index; a later life writes again what an earlier one lost. */
class Model {
  readonly appended = new Map<number, string>();
  readonly shape: typeof SHAPES[number];
  readonly seen = { opened: 0, lost: 0, errors: 0 };
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  acknowledged = 0;
  #written = 0;

  constructor(sim: Simulation) {
    this.#sim = sim;
    this.#random = sim.random("records");
    this.shape = SHAPES[this.#random.integer(0, 1)]!;
  }

  append(journal: Journal): number {
    const length = this.#random.chance(this.shape.long) ? this.#random.integer(0, 4_900) : 20;
    const text = `record ${this.#written += 1} `.padEnd(length, "abcdefg");
    const index = journal.append(new TextEncoder().encode(text));
    this.appended.set(index, text);
    return index;
  }

  durable(index: number): void {
    this.acknowledged = Math.max(this.acknowledged, index);
  }

  /** Looks at a fresh journal, and forgets what was lost. */
  async check(journal: Journal): Promise<void> {
    const { lastIndex } = journal;
    const lost = this.acknowledged > lastIndex;
    this.#sim.check("what was acknowledged is there", !lost, `${this.acknowledged}, ${lastIndex}`);
    let expected = 1;
    for await (const { index, bytes } of journal.replay) {
      this.#sim.check("indices have no gaps", index === expected, `${index}, not ${expected}`);
      const text = new TextDecoder().decode(bytes);
      const isRight = text === this.appended.get(index);
      this.#sim.check("records come back as they were", isRight, `record ${index}: ${text}`);
      expected += 1;
    }
    this.#sim.check("every record comes back", expected - 1 === lastIndex, `${expected - 1}`);
    for (const index of this.appended.keys()) {
      if (index > lastIndex) {
        this.appended.delete(index);
        this.seen.lost += 1;
      }
    }
    this.acknowledged = lastIndex;
    this.seen.opened += 1;
  }
}

/** Opens, checks, and appends from three writers; an error of the disk ends the process. */
async function live(sim: Simulation, env: SimulatedEnv, model: Model): Promise<void> {
  await env.disk.makeDirectory("/data", { recursive: true });
  await env.disk.syncDirectory("/");
  const journal = await openJournal(env, DIRECTORY, { limits: model.shape.limits });
  sim.history.add({ kind: "opened", node: NODE, records: journal.lastIndex });
  await model.check(journal);
  await Promise.all([1, 2, 3].map(() => write(sim, env, journal, model)));
}

async function write(
  sim: Simulation,
  env: SimulatedEnv,
  journal: Journal,
  model: Model,
): Promise<void> {
  const pause = (ms: number) => new Promise<void>((resolve) => env.timers.after(ms, resolve));
  while (!sim.isOver) {
    const index = model.append(journal);
    if (env.random.next() < 0.5) {
      await journal.durable(index);
      model.durable(index);
    } else await pause(env.random.next() * 2);
    await pause(env.random.next() < 0.02 ? 200 : 0.2);
  }
}

export const journal = scenario({
  name: "store/journal",
  describe:
    "acknowledged records survive crashes, power losses and bad disks; nothing torn comes back",
  durationMs: 3_000,
  nodes: [NODE],
  faults: { kinds: ["crash", "stop", "slow"], intensity: [0.5, 1] },
  sometimes: ["a record is lost", "the disk fails", "a third life"],
  tolerates: (reason) => reason instanceof QuorusError && reason.code !== "corrupt",
  run: async (sim) => {
    const model = new Model(sim);
    sim.cluster.start(NODE, (env) => live(sim, env, model), disk(sim.random("disk")));
    await sim.faults();
    const { opened } = model.seen;
    sim.cluster.crash(NODE, "power");
    sim.cluster.restart(NODE);
    await sim.converge("the journal opens", 10_000, () => model.seen.opened > opened);
    sim.sometimes("a record is lost", model.seen.lost > 0);
    sim.sometimes("the disk fails", logged(sim, "nobody handled an error"));
    sim.sometimes("a third life", sim.cluster.lives > 2);
  },
});

/** A disk that is bad until the faults are over; what a failed sync leaves counts as clean. */
function disk(random: SeededRandom): Partial<SimFaults> {
  const { readErrorRate, writeErrorRate, crashWriteErrorRate } = FAULT_RANGES;
  const isBad = random.chance(0.5);
  const within = ({ low, high }: FaultRange) => low + random.next() * (high - low);
  return {
    tornWrites: random.chance(0.5),
    crashWriteErrorRate: within(crashWriteErrorRate),
    readErrorRate: isBad ? within(readErrorRate) : 0,
    writeErrorRate: isBad ? within(writeErrorRate) / 10 : 0,
    syncErrorRate: isBad ? within(writeErrorRate) / 10 : 0,
  };
}

function logged(sim: Simulation, text: string): boolean {
  const { logRecords } = sim.cluster.env(NODE).machine;
  return logRecords.some(({ message }) => message.includes(text));
}
