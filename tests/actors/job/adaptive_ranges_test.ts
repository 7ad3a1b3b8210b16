import assert from "node:assert/strict";
import { Ways } from "../../../actors/adaptive/ways.ts";
import { ProtocolError, type ProtocolErrorCode } from "../../../protocols/errors.ts";
import type { InterceptedCall } from "../../../protocols/wrappers/intercept.ts";
import { CHUNK, Rig, sha256, SLOT, withParts } from "./rig.ts";

/** How many ranges of the source are open, and how many were refused. */
class Opened {
  peak = 0;
  refused = 0;
  readonly #open = new Set<object>();

  constructor(readonly most: number, readonly code: ProtocolErrorCode = "rateLimited") {}

  readonly before = ({ side, operation, handle }: InterceptedCall): void => {
    if (side !== "source" || handle === null) return;
    if (operation === "close") this.#open.delete(handle);
    if (operation !== "open") return;
    if (this.#open.size >= this.most) {
      this.refused += 1;
      throw new ProtocolError(this.code, "cannot open another range", { definite: true });
    }
    this.#open.add(handle);
    this.peak = Math.max(this.peak, this.#open.size);
  };
}

function rigOf(
  opened: Opened,
  parallelRanges: number,
  pipeline: { readonly adaptive?: false } = {},
): Rig {
  const rig = new Rig({
    before: opened.before,
    spec: withParts({ pipeline: { parallelRanges, windowBytes: 64 * SLOT, ...pipeline } }),
    limits: { poolBytes: 64 * SLOT, checkpointBytes: 64 * CHUNK, chunksAhead: 64 },
    store: { delayMs: () => [10, 10] },
  });
  rig.tools = { ...rig.tools, ways: new Ways({ adaptFileBytes: 256 }) };
  return rig;
}

for (const code of ["rateLimited", "unreachable"] as const) {
  Deno.test(`a host that refuses a third range (${code}) gets two, and the file arrives`, async () => {
    const opened = new Opened(2, code);
    const rig = rigOf(opened, 16);
    const bytes = rig.put(300 * CHUNK + 5);
    const job = await rig.attempt();
    assert.equal(job.state, "succeeded", job.why);
    assert.equal(job.receipt?.sha256, sha256(bytes));
    assert.deepEqual(await rig.published(), bytes);
    assert.equal(job.receipt?.fetchedBytes, bytes.length, "nothing was fetched twice");
    assert.equal(opened.peak, 2);
    assert.ok(opened.refused > 0 && opened.refused < 20, `${opened.refused}`);
  });
}

Deno.test("with the number as declared the same host fails the attempt", async () => {
  const opened = new Opened(2);
  const rig = rigOf(opened, 16, { adaptive: false });
  rig.put(300 * CHUNK);
  const job = await rig.attempt();
  assert.equal(job.error?.code, "rateLimited");
});

Deno.test("one range at a time is enough; where that is refused too the attempt fails", async () => {
  const rig = rigOf(new Opened(1), 4);
  rig.put(60 * CHUNK);
  const job = await rig.attempt();
  assert.equal(job.state, "succeeded", job.why);
  const other = rigOf(new Opened(0), 4);
  other.put(60 * CHUNK);
  assert.equal((await other.attempt()).error?.code, "rateLimited");
});

Deno.test("ranges that each bring as much become more, up to the declared number", async () => {
  const opened = new Opened(Infinity);
  const rig = rigOf(opened, 12);
  const bytes = rig.put(900 * CHUNK);
  const job = await rig.attempt();
  assert.equal(job.receipt?.sha256, sha256(bytes));
  assert.ok(opened.peak > 8 && opened.peak <= 12, `${opened.peak}`);
  const { atOnce } = rig.meter.read();
  assert.equal(atOnce?.of, "ranges");
  assert.equal(atOnce?.most, 12);
  assert.match(atOnce?.why ?? "", /^\d+ ranges at a time, /);
});

Deno.test("a file that goes in one range tells no number", async () => {
  const rig = rigOf(new Opened(Infinity), 1);
  rig.put(5 * CHUNK);
  assert.equal((await rig.attempt()).state, "succeeded");
  assert.equal(rig.meter.read().atOnce, undefined);
});

Deno.test("ranges that are refused at any moment leave the file whole", async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const opened = new Opened(1 + seed % 5);
    const rig = rigOf(opened, 2 + seed % 9);
    const bytes = rig.put(60 * CHUNK + seed * 37, seed);
    const job = await rig.attempt();
    assert.equal(job.receipt?.sha256, sha256(bytes), `seed ${seed}: ${job.why}`);
    assert.deepEqual(await rig.published(), bytes, `seed ${seed}`);
  }
});
