/** The store of a cluster under faults: of some fence class, late, and now and then it fails a call. */

import type { SinkCapabilities } from "../../../protocols/contract.ts";
import type { MemoryFailure, MemoryOperation } from "../../../protocols/memory/operations.ts";
import { MemoryStore } from "../../../protocols/memory/store.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { pick } from "./remote_mesh.ts";

const FENCES: readonly SinkCapabilities["fence"][] = [
  "seize",
  "seize",
  "token",
  "conditional",
  "none",
];

/** Files of some kilobytes have many pieces. */
const PIECE_BYTES = 2_048;

/** Calls of these fail on the way there, or on the way back. */
const FAILING: ReadonlySet<MemoryOperation> = new Set<MemoryOperation>([
  "stat",
  "open",
  "read",
  "confirm",
  "create",
  "reopen",
  "write",
  "copy",
  "sync",
  "publish",
  "seize",
  "abort",
  "probe",
]);

/** See the head of this file. */
export class MoodyStore extends MemoryStore {
  readonly fence: SinkCapabilities["fence"];
  /** It copies by itself: one seed of five, and none of those that `actors/DESIGN.md` names. */
  readonly copies: boolean;
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #failRate: number;
  /** How long temporary files were when they were synced last, by path. */
  readonly #synced = new Map<string, number>();

  constructor(sim: Simulation) {
    const random = sim.random("store");
    const pace = pick(random, [2, 10, 40]);
    const delays = sim.random("store delays");
    const fence = pick(random, FENCES);
    const copies = sim.seed % 5 === 3;
    super(sim.cluster.start("store", () => {}), {
      sink: { fence, ...(copies ? { serverCopy: true } : {}) },
      copyPieceBytes: PIECE_BYTES,
      landAfterDeath: random.chance(0.5),
      delayMs: () => [0.1 + delays.next() * pace, 0.1 + delays.next() * pace],
    });
    this.#sim = sim;
    this.#random = sim.random("store moods");
    this.#failRate = pick(random, [0, 0, 0.002, 0.02]);
    this.fence = fence;
    this.copies = copies;
    sim.sometimes(`a sink with the fence ${fence}`);
  }

  /** So many bytes of a temporary file are durable, or were: it may have been published since. */
  syncedBytes(path: string): number {
    return this.#synced.get(path) ?? 0;
  }

  override takeFailure(path: string, operation: MemoryOperation): MemoryFailure | null {
    const failure = this.#mood(path, operation);
    const upload = this.uploads.get(path);
    if (operation === "sync" && failure?.applied !== false && upload !== undefined) {
      this.#synced.set(path, upload.size);
    }
    return failure;
  }

  #mood(path: string, operation: MemoryOperation): MemoryFailure | null {
    const known = super.takeFailure(path, operation);
    if (known !== null || this.#sim.isOver || !FAILING.has(operation)) return known;
    if (!this.#random.chance(this.#failRate)) return null;
    const applied = this.#random.chance(0.5);
    this.#sim.sometimes("a publish is lost on its way back", operation === "publish" && applied);
    const isRefused = operation === "copy" && !applied && this.#random.chance(0.5);
    this.#sim.sometimes("a store refuses to copy", isRefused);
    return { operation, times: 1, code: isRefused ? "denied" : "timeout", applied };
  }
}
