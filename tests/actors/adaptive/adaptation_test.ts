import assert from "node:assert/strict";
import fc from "fast-check";
import { adapt } from "../../../actors/adaptive/adaptation.ts";
import { begin } from "../../../actors/adaptive/state.ts";
import {
  connections,
  LIMITS,
  type Link,
  LOOK_MS,
  noiseOf,
  refusing,
  roundTrips,
  shareOfBest,
  thrashing,
  Watched,
} from "./links.ts";

/** Looks within which it has found its way: 30 s. */
const FOUND = 30_000 / LOOK_MS;
const NOISY_FOUND = 6 * FOUND;
const LATER = 4 * FOUND;

/**
 * Each with the time that a look takes there, in looks of a quick one, and with the share of the best that it
 * brings at least: where a number is halved now and then, the teeth of the saw have three quarters (Chiu and
 * Jain), and noise makes some of them longer.
 */
const MODELS: Readonly<
  Record<string, readonly [slow: number, least: number, (best: number) => Link]>
> = {
  "small files, each a round trip": [1, 0.8, (best) => roundTrips(best, 10)],
  "large files, each connection bounded": [1, 0.8, (best) => connections(best, 5_000_000)],
  "one large file on a slow way": [14, 0.8, (best) => connections(best, 20_000)],
  "a way that does less when it has too much": [1, 0.8, (best) => thrashing(best, 5_000_000)],
  "a host that refuses": [1, 0.65, (best) => refusing(best, 10)],
};

const setting = fc.record({
  best: fc.integer({ min: 1, max: 48 }),
  most: fc.constantFrom(1, 2, 8, 16, 64, 256),
  first: fc.constantFrom(1, 2, 4, 8),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  noise: fc.constantFrom(0, 0, 5, 10),
});

for (const [name, [slow, least, model]] of Object.entries(MODELS)) {
  Deno.test(`it comes close to the best number, and stays there: ${name}`, () => {
    fc.assert(
      fc.property(setting, ({ best, most, first, seed, noise }) => {
        const link = model(best);
        const watched = new Watched(most, first, noiseOf(seed, noise));
        // Noise of a tenth may call good steps vain, and it waits longer after each of these.
        watched.look(link, slow * (noise === 0 ? FOUND : NOISY_FOUND));
        watched.look(link, slow * LATER);
        const later = watched.last(slow * LATER);
        const share = shareOfBest(link, later, most);
        assert.ok(share >= least, `${share} of what the best number brings`);
        // What pays half may stay, which is a third beyond the best, and a step of a quarter is tried
        // from there; noise adds to both.
        const band = Math.max(best + 2, best * 4 / 3 * 1.25) * (1 + noise / 20);
        assert.ok(Math.max(...later) <= band, `${Math.max(...later)}, best ${best}`);
      }),
      { numRuns: 60 },
    );
  });
}

Deno.test("it is never below 1, nor above what is allowed, whatever is seen", () => {
  const seen = fc.record({
    ms: fc.integer({ min: 0, max: 20_000 }),
    bytes: fc.integer({ min: -1_000, max: 10_000_000 }),
    ended: fc.integer({ min: 0, max: 1_000 }),
    refused: fc.constantFrom(0, 0, 0, 1, 5, 1_000),
    isFull: fc.boolean(),
  });
  const all = fc.array(seen, { maxLength: 200 });
  const first = fc.integer({ min: -1, max: 300 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 256 }), first, all, (most, from, looks) => {
    let state = begin(most, from);
    for (const look of looks) {
      const code = look.refused > 0 ? "timeout" : null;
      const before = state;
      state = adapt(state, { ...look, code }, LIMITS);
      assert.ok(Number.isInteger(state.atOnce), `${state.atOnce}`);
      assert.ok(state.atOnce >= 1 && state.atOnce <= most, `${state.atOnce} of ${most}`);
      assert.deepEqual(adapt(before, { ...look, code }, LIMITS), state, "the same again");
    }
  }));
});

Deno.test("what is refused halves it at once, and is not tried again for half a minute", () => {
  const link = refusing(6, 10);
  const watched = new Watched(16, 16);
  watched.look(roundTrips(16, 10), 8);
  const before = watched.state.atOnce;
  assert.ok(before >= 12, `${before}`);
  watched.look(link, 1);
  assert.equal(watched.state.atOnce, Math.floor(before / 2));
  assert.equal(watched.state.why.cause, "refused");
  assert.equal(watched.state.why.code, "rateLimited");
  watched.look(link, 60);
  const at = watched.numbers.lastIndexOf(7);
  assert.ok(at < 0 || watched.numbers.slice(at + 1).every((number) => number <= 6));
  watched.look(link, FOUND);
  const beyond = watched.numbers.slice(20).filter((number) => number > 6).length;
  assert.ok(beyond <= 6, `${beyond} looks beyond what it bears`);
});

Deno.test("a host that has recovered is given what it bears again", () => {
  const watched = new Watched(16, 4);
  watched.look(refusing(2, 10), FOUND);
  assert.ok(watched.state.atOnce <= 3, `${watched.state.atOnce}`);
  watched.look(roundTrips(12, 10), 8 * FOUND);
  assert.ok(watched.state.atOnce >= 11, `${watched.state.atOnce}`);
});

Deno.test("a way that has become narrower is given less", () => {
  const watched = new Watched(32, 4);
  watched.look(connections(30, 1_000_000), FOUND);
  assert.ok(watched.state.atOnce >= 26, `${watched.state.atOnce}`);
  watched.look(connections(4, 1_000_000), 3 * FOUND);
  assert.ok(watched.state.atOnce <= 6, `${watched.state.atOnce}`);
});

Deno.test("one failure among a hundred is none of its business", () => {
  let state = begin(16, 8);
  const seen = { ms: LOOK_MS, bytes: 1, isFull: true };
  state = adapt(state, { ...seen, ended: 100, refused: 1, code: "timeout" }, LIMITS);
  assert.notEqual(state.why.cause, "refused");
  assert.ok(state.atOnce >= 8);
});

Deno.test("where there is not enough to do nothing is learnt", () => {
  let state = begin(16, 4);
  const seen = { ms: LOOK_MS, refused: 0, code: null, isFull: false };
  for (let n = 0; n < 100; n += 1) {
    state = adapt(state, { ...seen, bytes: n * 100_000, ended: 10 }, LIMITS);
    assert.equal(state.atOnce, 4);
  }
});

Deno.test("on a slow way a look is as long as a file of each place takes, or five seconds", () => {
  let state = begin(16, 4);
  const seen = { ms: LOOK_MS, refused: 0, code: null, isFull: true };
  for (let n = 0; n < 10; n += 1) {
    state = adapt(state, { ...seen, bytes: 0, ended: n % 5 === 4 ? 1 : 0 }, LIMITS);
  }
  assert.equal(state.atOnce, 4, "two files have ended: nobody knows anything");
  for (let n = 0; n < 10; n += 1) state = adapt(state, { ...seen, bytes: 0, ended: 1 }, LIMITS);
  assert.equal(state.atOnce, 8);
});
