import assert from "node:assert/strict";
import fc from "fast-check";
import { Controllers } from "../../../actors/agent/controllers.ts";
import { Outbox, type Reported } from "../../../actors/agent/outbox.ts";

const lease = { epoch: 1, group: 0, index: 7, agent: "a" };

function reported(jobId: string, why = ""): Reported {
  return { jobId, event: { type: "release", lease, why } };
}

function whyOf({ event }: Reported): string {
  return event.type === "release" ? event.why : "";
}

Deno.test("each report gets its own answer, in order, however many are taken at a time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("report", "take", "answer", "postpone"), { maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, most) => {
        const outbox = new Outbox();
        const answers: Promise<readonly string[]>[] = [];
        const reports: Reported[] = [];
        const answered: Reported[] = [];
        let taken: readonly Reported[] = [];
        const answer = () => {
          outbox.answered(taken.map((one) => [whyOf(one)]));
          answered.push(...taken);
          taken = [];
        };
        for (const [at, step] of steps.entries()) {
          if (step === "report") {
            const next = reported(`job-${at % 3}`, `${at}`);
            reports.push(next);
            answers.push(outbox.report(next));
          } else if (step === "take") taken = outbox.take(most);
          else if (step === "answer" && taken.length > 0) answer();
          else if (step === "postpone") {
            outbox.postpone();
            taken = [];
          }
        }
        while (outbox.size > 0) {
          taken = outbox.take(most);
          answer();
        }
        await outbox.whenEmpty();
        const replies = await Promise.all(answers);
        assert.deepEqual(replies, reports.map((one) => [whyOf(one)]));
        for (const jobId of ["job-0", "job-1", "job-2"]) {
          const order = answered.filter((one) => one.jobId === jobId).map(whyOf).map(Number);
          assert.deepEqual(order, order.toSorted((a, b) => a - b), "one job's reports keep order");
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("closing rejects what was not answered: it may have been committed", async () => {
  const outbox = new Outbox();
  const pending = outbox.report(reported("a"));
  outbox.take(1);
  const waiting = outbox.report(reported("b"));
  outbox.close();
  for (const one of [pending, waiting, outbox.report(reported("c"))]) {
    await assert.rejects(one, { code: "stopped", definite: false });
  }
  await outbox.whenEmpty();
});

Deno.test("the leader is asked, as the newest news have it; else one after the other", () => {
  const controllers = new Controllers(["c1", "c2", "c3"], 0.5);
  assert.equal(controllers.next(), "c2");
  controllers.heard({ leader: "c3", term: 5 });
  assert.equal(controllers.next(), "c3");
  controllers.heard({ leader: "c1", term: 4 });
  assert.equal(controllers.next(), "c3", "old news");
  controllers.heard({ leader: null, term: 5 });
  assert.equal(controllers.next(), "c3", "one that does not know yet");
  controllers.failed("c3");
  const others = new Set<string>();
  for (let n = 0; n < 3; n++) {
    others.add(controllers.next());
    controllers.failed(controllers.next());
  }
  assert.deepEqual(others, new Set(["c1", "c2", "c3"]), "all of them in turn");
  controllers.heard({ leader: "elsewhere", term: 6 });
  assert.ok(["c1", "c2", "c3"].includes(controllers.next()));
});
