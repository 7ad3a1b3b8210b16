import assert from "node:assert/strict";
import { LiveHub } from "../../../gateway/live/hub.ts";
import type { LiveLimits } from "../../../gateway/live/limits.ts";
import { Problem } from "../../../gateway/problem.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../testing.ts";
import { EVERYTHING, jobEvent, progressEvent, RememberingSink } from "./events.ts";
import { Teller } from "./teller.ts";

interface Rig {
  readonly env: SimulatedEnv;
  readonly hub: LiveHub;
  readonly pass: (ms: number) => Promise<void>;
}

async function withHub(
  tellers: readonly Teller[],
  limits: Partial<LiveLimits>,
  work: (rig: Rig) => Promise<void>,
): Promise<void> {
  const env = simulatedEnv({ seed: 1 });
  const hub = new LiveHub(env, () => tellers, limits);
  const pass = async (ms: number) => void await env.world.pass(ms);
  await pass(10);
  await work({ env, hub, pass });
  await env.world.complete(hub.close());
}

function follow(hub: LiveHub, sink: RememberingSink, after: string | null = null) {
  return hub.subscribe({ keyId: "k", filter: EVERYTHING, after }, sink);
}

Deno.test("a client gets what the cluster tells from the moment on when it came", async () => {
  const teller = new Teller();
  await withHub([teller], {}, async ({ hub, pass }) => {
    teller.tell(jobEvent("1.0"));
    await pass(10);
    const sink = new RememberingSink();
    const { close } = follow(hub, sink);
    teller.tell(jobEvent("2.0"), jobEvent("2.1"));
    await pass(10);
    assert.deepEqual(sink.ids, ["2.0", "2.1"]);
    close();
    teller.tell(jobEvent("3.0"));
    await pass(10);
    assert.deepEqual(sink.ids, ["2.0", "2.1"]);
    assert.equal(hub.counts.subscribers, 0);
  });
});

Deno.test("when a controller fails the feed goes on at another, with nothing lost or twice", async () => {
  const [one, two] = [new Teller("c1"), new Teller("c2")];
  await withHub([one, two], {}, async ({ hub, pass }) => {
    const sink = new RememberingSink();
    follow(hub, sink);
    for (const teller of [one, two]) teller.tell(jobEvent("1.0"));
    await pass(10);
    two.tell(jobEvent("2.0"));
    one.goDown();
    await pass(1_000);
    assert.deepEqual(sink.ids, ["1.0", "2.0"]);
  });
});

Deno.test("a client of another gateway goes on here with events older than this gateway is", async () => {
  const teller = new Teller();
  teller.tell(jobEvent("1.0"), jobEvent("2.0"), jobEvent("3.0"));
  await withHub([teller], { pullEvents: 1 }, async ({ hub, pass }) => {
    const [sink, other] = [new RememberingSink(), new RememberingSink()];
    follow(hub, sink, "1.0");
    follow(hub, other, "2.0");
    teller.tell(jobEvent("4.0"));
    await pass(100);
    assert.deepEqual(sink.ids, ["2.0", "3.0", "4.0"]);
    assert.deepEqual(other.ids, ["3.0", "4.0"]);
  });
});

Deno.test("where no controller has the older events any more, a client is told and goes on", async () => {
  const teller = new Teller();
  teller.tell(jobEvent("1.0"), jobEvent("2.0"), jobEvent("3.0"));
  teller.forget(1);
  await withHub([teller], {}, async ({ hub, pass }) => {
    const sink = new RememberingSink();
    follow(hub, sink, "1.0");
    await pass(100);
    assert.equal(sink.got[0]?.type, "dev.quorus.missed");
    assert.equal(sink.got[0]?.data.why, "gone");
    assert.deepEqual(sink.ids.slice(1), ["3.0"]);
  });
});

Deno.test("progress of a job is passed on at a bounded rate, and its last is not lost", async () => {
  const teller = new Teller();
  await withHub([teller], { progressMs: 500 }, async ({ hub, pass }) => {
    const sink = new RememberingSink();
    follow(hub, sink);
    for (let done = 1; done <= 20; done += 1) {
      teller.tell(progressEvent(done));
      await pass(50);
    }
    await pass(1_000);
    const done = sink.got.map(({ data }) => data.progress.doneBytes);
    assert.ok(done.length >= 2 && done.length <= 4, `${done}`);
    assert.equal(done.at(-1), 20);
  });
});

Deno.test("heartbeats tell an idle client where it may go on, and an old stream is begun again", async () => {
  const teller = new Teller();
  const limits = { heartbeatMs: 1_000, sessionMs: 5_000 };
  await withHub([teller], limits, async ({ hub, pass }) => {
    const sink = new RememberingSink();
    hub.subscribe(
      { keyId: "k", filter: { ...EVERYTHING, jobs: new Set(["none"]) }, after: null },
      sink,
    );
    teller.tell(jobEvent("7.0"));
    await pass(1_100);
    assert.deepEqual(sink.heartbeats, ["7.0"]);
    await pass(6_000);
    assert.equal(sink.ended, "session");
  });
});

Deno.test("streams have bounds for all and for each key, and a closing gateway ends them", async () => {
  const limits = { subscribers: 3, subscribersPerKey: 2 };
  await withHub([new Teller()], limits, async ({ hub, env }) => {
    const codeOf = (begin: () => unknown) => {
      try {
        begin();
        return null;
      } catch (thrown) {
        assert.ok(thrown instanceof Problem);
        return thrown.code;
      }
    };
    const sinks = [new RememberingSink(), new RememberingSink(), new RememberingSink()];
    const [first] = [follow(hub, sinks[0]!), follow(hub, sinks[1]!)];
    assert.equal(codeOf(() => follow(hub, sinks[2]!)), "tooMany");
    first?.close();
    follow(hub, sinks[2]!);
    assert.equal(codeOf(() => follow(hub, new RememberingSink(), "x'); --")), "malformedRequest");
    await env.world.complete(hub.close());
    assert.equal(sinks[2]?.ended, "closing");
    assert.equal(codeOf(() => follow(hub, new RememberingSink())), "overloaded");
  });
});
