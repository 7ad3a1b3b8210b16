import assert from "node:assert/strict";
import fc from "fast-check";
import { TimerWheel, WheelEntry } from "../../../runtime/actor/wheel.ts";

class Named extends WheelEntry {
  constructor(readonly name: number, readonly expired: (name: number) => void) {
    super();
  }
  override expire(): void {
    this.expired(this.name);
  }
}

interface Model {
  readonly name: number;
  readonly due: number;
}

type Action =
  | { readonly type: "insert"; readonly delay: number }
  | { readonly type: "cancel"; readonly pick: number }
  | { readonly type: "advance"; readonly by: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant("insert" as const), delay: fc.integer({ min: -2, max: 60 }) }),
  fc.record({ type: fc.constant("cancel" as const), pick: fc.nat(50) }),
  fc.record({ type: fc.constant("advance" as const), by: fc.integer({ min: 0, max: 40 }) }),
);

Deno.test("the timer wheel expires the same entries in the same order as a sorted list", () => {
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const expired: number[] = [];
    const wheel = new TimerWheel(8, 100);
    const entries: Named[] = [];
    let model: Model[] = [];
    let now = 100;
    for (const step of actions) {
      if (step.type === "insert") {
        const entry = new Named(entries.length, (name) => expired.push(name));
        entries.push(entry);
        wheel.insert(entry, now + step.delay);
        model.push({ name: entry.name, due: Math.max(now + step.delay, now + 1) });
      } else if (step.type === "cancel" && entries.length > 0) {
        const entry = entries[step.pick % entries.length]!;
        const isSet = model.some((one) => one.name === entry.name);
        assert.equal(wheel.cancel(entry), isSet);
        model = model.filter((one) => one.name !== entry.name);
      } else if (step.type === "advance") {
        now += step.by;
        const due = model.filter((one) => one.due <= now)
          .sort((a, b) => a.due - b.due || a.name - b.name);
        model = model.filter((one) => one.due > now);
        expired.length = 0;
        wheel.advance(now);
        assert.deepEqual(expired, due.map((one) => one.name));
      }
      assert.equal(wheel.size, model.length);
      const next = model.length === 0 ? null : Math.min(...model.map((one) => one.due));
      assert.equal(wheel.nextDue(), next);
    }
  }));
});

Deno.test("an entry that an earlier one cancels in the same advance does not expire", () => {
  const expired: number[] = [];
  const wheel = new TimerWheel(8, 0);
  const second = new Named(2, (name) => expired.push(name));
  const first = new Named(1, (name) => {
    expired.push(name);
    wheel.cancel(second);
  });
  wheel.insert(first, 5);
  wheel.insert(second, 5);
  wheel.advance(9);
  assert.deepEqual(expired, [1]);
});

Deno.test("an entry may set itself again while it expires", () => {
  let count = 0;
  const wheel = new TimerWheel(8, 0);
  const again = new Named(1, () => {
    count += 1;
    wheel.insert(again, count * 3 + 3);
  });
  wheel.insert(again, 3);
  wheel.advance(3);
  wheel.advance(6);
  assert.equal(count, 2);
  assert.equal(wheel.nextDue(), 9);
});
