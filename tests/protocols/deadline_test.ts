/** The one timer of a request, on a clock that the test turns. */

import assert from "node:assert/strict";
import { Deadline } from "../../protocols/deadline.ts";

/** A clock and timers that move only by `turn`. */
class ManualTime {
  nowMs = 0;
  set = 0;
  readonly pending = new Map<number, { readonly atMs: number; readonly fn: () => void }>();
  readonly clock = { now: () => this.nowMs, monotonic: () => this.nowMs };
  readonly timers = {
    after: (ms: number, fn: () => void) => {
      const id = this.set++;
      this.pending.set(id, { atMs: this.nowMs + ms, fn });
      return { cancel: () => void this.pending.delete(id) };
    },
    soon: (fn: () => void) => fn(),
  };

  turn(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (true) {
      const due = [...this.pending].filter(([, { atMs }]) => atMs <= untilMs)
        .sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.pending.delete(due[0]);
      this.nowMs = due[1].atMs;
      due[1].fn();
    }
    this.nowMs = untilMs;
  }
}

function scene() {
  const time = new ManualTime();
  const expired: string[] = [];
  const deadline = new Deadline(time, (reason) => expired.push(`${reason.message}@${time.nowMs}`));
  const arm = (ms: number, name: string) => deadline.arm(ms, () => new Error(name));
  return { time, expired, deadline, arm };
}

Deno.test("an armed deadline expires once, when it is due", () => {
  const { time, expired, arm } = scene();
  arm(100, "a");
  time.turn(99);
  assert.deepEqual(expired, []);
  time.turn(500);
  assert.deepEqual(expired, ["a@100"]);
});

Deno.test("a deadline that is armed anew counts from then, to the millisecond", () => {
  const { time, expired, arm } = scene();
  arm(100, "a");
  time.turn(60);
  arm(100, "b");
  time.turn(99);
  assert.deepEqual(expired, []);
  time.turn(1);
  assert.deepEqual(expired, ["b@160"]);
});

Deno.test("a shorter deadline after a longer one is met", () => {
  const { time, expired, arm } = scene();
  arm(1_000, "headers");
  arm(10, "idle");
  time.turn(2_000);
  assert.deepEqual(expired, ["idle@10"]);
});

Deno.test("nothing expires while nobody waits, and a later wait is whole", () => {
  const { time, expired, deadline, arm } = scene();
  arm(100, "a");
  deadline.disarm();
  time.turn(150);
  assert.deepEqual(expired, []);
  arm(100, "b");
  time.turn(99);
  assert.deepEqual(expired, []);
  time.turn(1);
  assert.deepEqual(expired, ["b@250"]);
});

Deno.test("a thousand reads move one timer", () => {
  const { time, expired, deadline, arm } = scene();
  for (let i = 0; i < 1_000; i++) {
    arm(100, "read");
    deadline.disarm();
  }
  assert.equal(time.set, 1);
  deadline.stop();
  assert.equal(time.pending.size, 0);
  time.turn(1_000);
  assert.deepEqual(expired, []);
});
