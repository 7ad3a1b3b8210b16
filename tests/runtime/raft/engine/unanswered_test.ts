/** Commands that were given to a core which has not answered yet, as one in a Worker. */

import assert from "node:assert/strict";
import { Deadlines } from "../../../../runtime/actor/deadlines.ts";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { Proposals } from "../../../../runtime/raft/proposals.ts";
import { simulatedEnv } from "../../../../runtime/sim/env.ts";

function unanswered() {
  const env = simulatedEnv({ seed: 1 });
  const deadlines = new Deadlines(env.clock, env.timers);
  const given: number[] = [];
  const proposals = new Proposals<string>({
    rerouteMs: 25,
    timers: env.timers,
    deadlines,
    leader: () => ({ id: "a", isSelf: true }),
    propose: (batch) => given.push(...batch.map(({ id }) => id)),
    forward: () => false,
    decodeResult: () => "",
  });
  const outcome = proposals.propose(Uint8Array.of(1), "quorum", 100)
    .catch((error: RaftError) => ({ code: error.code, definite: error.definite }));
  return { env, deadlines, given, proposals, outcome };
}

const UNKNOWN = { code: "UnknownOutcome", definite: false };

Deno.test("nobody claims that a command was not done which the core may have put into its log", async () => {
  const { env, deadlines, given, outcome } = unanswered();
  assert.deepEqual(await env.world.complete(outcome), UNKNOWN);
  assert.equal(given.length, 1);
  deadlines.close();
});

Deno.test("nor when the member stops before the core has answered", async () => {
  const { env, deadlines, given, proposals, outcome } = unanswered();
  while (given.length === 0) await env.world.pass(1);
  proposals.stop(new RaftError("Stopped", "use a group: its member has stopped"));
  assert.deepEqual(await env.world.complete(outcome), UNKNOWN);
  deadlines.close();
});

Deno.test("a command that the core has refused was not done", async () => {
  const { env, deadlines, given, proposals, outcome } = unanswered();
  while (given.length === 0) await env.world.pass(1);
  const refused = { outcome: "refused", code: "NotLeader", leader: null, reason: "no" } as const;
  proposals.answered({ id: given[0]!, ...refused });
  proposals.stop(new RaftError("Stopped", "use a group: its member has stopped"));
  assert.deepEqual(await env.world.complete(outcome), { code: "Stopped", definite: true });
  deadlines.close();
});
