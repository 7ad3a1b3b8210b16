import assert from "node:assert/strict";
import fc from "fast-check";
import { Fanout } from "../../../gateway/live/fanout.ts";
import { liveLimits } from "../../../gateway/live/limits.ts";
import { recordOf } from "../../../gateway/live/record.ts";
import type { Subscriber } from "../../../gateway/live/subscriber.ts";
import { EVERYTHING, jobEvent, progressEvent, RememberingSink } from "./events.ts";

function begun(fanout: Fanout, sink: RememberingSink, filter = EVERYTHING): Subscriber {
  const subscriber = fanout.add(filter, sink, 0);
  fanout.begin(subscriber);
  return subscriber;
}

Deno.test("every client that wants an event gets it, in order, and others do not", () => {
  const fanout = new Fanout(liveLimits());
  const [all, one] = [new RememberingSink(), new RememberingSink()];
  begun(fanout, all);
  begun(fanout, one, { ...EVERYTHING, jobs: new Set(["b"]) });
  fanout.publish(recordOf(jobEvent("1.0", { id: "a" })), 0);
  fanout.publish(recordOf(jobEvent("2.0", { id: "b" })), 0);
  assert.deepEqual(all.ids, ["1.0", "2.0"]);
  assert.deepEqual(one.ids, ["2.0"]);
});

Deno.test("a slow client keeps nobody waiting and gets what it has not had when it has room", () => {
  const fanout = new Fanout(liveLimits());
  const [fast, slow] = [new RememberingSink(), new RememberingSink(1)];
  begun(fanout, fast);
  const subscriber = begun(fanout, slow);
  for (const id of ["1.0", "2.0", "3.0"]) fanout.publish(recordOf(jobEvent(id)), 0);
  assert.deepEqual(fast.ids, ["1.0", "2.0", "3.0"]);
  assert.deepEqual(slow.ids, ["1.0"]);
  slow.read();
  fanout.drained(subscriber, 0);
  slow.read();
  fanout.drained(subscriber, 0);
  assert.deepEqual(slow.ids, ["1.0", "2.0", "3.0"]);
});

Deno.test("what the ring has dropped before a slow client had room is counted and told first", () => {
  const fanout = new Fanout(liveLimits({ ringEvents: 2 }));
  const slow = new RememberingSink(1);
  const subscriber = begun(fanout, slow, { ...EVERYTHING, jobs: new Set(["a"]) });
  for (let index = 1; index <= 8; index += 1) {
    fanout.publish(recordOf(jobEvent(`${index}.0`, { id: index % 2 === 1 ? "a" : "b" })), 0);
  }
  slow.read();
  fanout.drained(subscriber, 0);
  slow.read();
  fanout.drained(subscriber, 0);
  const [, missed, after] = slow.got;
  assert.equal(missed?.type, "dev.quorus.missed");
  assert.deepEqual(missed?.data, {
    why: "slow",
    count: 2,
    byType: { "dev.quorus.job.changed": 2 },
    first: "3.0",
    last: "5.0",
  });
  assert.equal(after?.id, "7.0");
});

Deno.test("a slow client gets the newest progress of each job, once", () => {
  const fanout = new Fanout(liveLimits());
  const slow = new RememberingSink(1);
  const subscriber = begun(fanout, slow);
  for (const done of [1, 2, 3, 4]) {
    fanout.progress(recordOf(progressEvent(done)), "job-1", 0);
  }
  slow.read();
  fanout.drained(subscriber, 0);
  assert.deepEqual(slow.got.map(({ data }) => data.progress.doneBytes), [1, 4]);
});

Deno.test("progress of more jobs than wait for one client is told as missed", () => {
  const fanout = new Fanout(liveLimits({ pendingProgress: 2 }));
  const slow = new RememberingSink(1);
  const subscriber = begun(fanout, slow);
  for (const jobId of ["a", "b", "c", "d", "e"]) {
    fanout.progress(recordOf(progressEvent(1, { jobId })), jobId, 0);
  }
  slow.read();
  fanout.drained(subscriber, 0);
  assert.deepEqual(slow.got[1]?.data.byType, { "dev.quorus.job.progress": 2 });
});

Deno.test("a client that takes nothing for too long is closed", () => {
  const fanout = new Fanout(liveLimits({ clientStuckMs: 1_000 }));
  const slow = new RememberingSink(1);
  begun(fanout, slow);
  fanout.publish(recordOf(jobEvent("1.0")), 0);
  fanout.publish(recordOf(jobEvent("2.0")), 0);
  fanout.tick(900);
  assert.equal(slow.ended, null);
  fanout.tick(1_100);
  assert.equal(slow.ended, "stuck");
  assert.equal(fanout.counts.subscribers, 0);
  assert.equal(fanout.hasSlow, false);
});

Deno.test("a client that goes on after an event of the ring gets what followed, once each", () => {
  const fanout = new Fanout(liveLimits());
  fanout.ring.begin([0]);
  for (const id of ["1.0", "2.0", "2.1"]) fanout.publish(recordOf(jobEvent(id)), 0);
  const sink = new RememberingSink();
  fanout.beginAfter(fanout.add(EVERYTHING, sink, 0), [1, 0], 0);
  fanout.publish(recordOf(jobEvent("3.0")), 0);
  assert.deepEqual(sink.ids, ["2.0", "2.1", "3.0"]);
});

Deno.test("a client that was served by a gateway that is ahead gets nothing twice", () => {
  const fanout = new Fanout(liveLimits());
  fanout.ring.begin([0]);
  const sink = new RememberingSink();
  fanout.beginAfter(fanout.add(EVERYTHING, sink, 0), [2, 0], 0);
  for (const id of ["1.0", "2.0", "3.0"]) fanout.publish(recordOf(jobEvent(id)), 0);
  assert.deepEqual(sink.ids, ["3.0"]);
});

Deno.test("a client that goes on after what is not kept any more is told so", () => {
  const fanout = new Fanout(liveLimits({ ringEvents: 2 }));
  fanout.ring.begin([0]);
  for (const id of ["1.0", "2.0", "3.0", "4.0"]) fanout.publish(recordOf(jobEvent(id)), 0);
  const sink = new RememberingSink();
  fanout.beginAfter(fanout.add(EVERYTHING, sink, 0), [1, 0], 0);
  assert.equal(sink.got[0]?.data.why, "gone");
  assert.deepEqual(sink.ids.slice(1), ["3.0", "4.0"]);
});

Deno.test("whatever a client takes when, events got and told as missed are all there were, in order", () => {
  const step = fc.oneof(
    fc.constant("publish" as const),
    fc.constant("read" as const),
    fc.constant("tick" as const),
  );
  fc.assert(fc.property(
    fc.array(step, { maxLength: 60 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 4 }),
    (steps, ringEvents, room) => {
      const fanout = new Fanout(liveLimits({ ringEvents, clientStuckMs: 1e9 }));
      const sink = new RememberingSink(room);
      const subscriber = begun(fanout, sink);
      let published = 0;
      for (const each of steps) {
        if (each === "publish") fanout.publish(recordOf(jobEvent(`${published += 1}`)), 0);
        if (each === "read") sink.read();
        if (each === "tick") fanout.tick(0);
      }
      for (let round = 0; round <= published; round += 1) {
        sink.read();
        fanout.drained(subscriber, 0);
      }
      let next = 1;
      for (const { id, type, data } of sink.got) {
        if (type === "dev.quorus.missed") {
          assert.equal(data.first, String(next));
          next += data.count;
          assert.equal(data.last, String(next - 1));
        } else assert.equal(id, String(next++));
      }
      assert.equal(next, published + 1);
    },
  ));
});
