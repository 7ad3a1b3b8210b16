/** What a client of a session is told when its tries end differently. */

import assert from "node:assert/strict";
import { ClientSession, type SessionCaller } from "../../../../runtime/raft/client_session.ts";
import { raftLimits } from "../../../../runtime/raft/limits.ts";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import type { SessionResult } from "../../../../runtime/raft/sessions.ts";
import { simulatedEnv } from "../../../../runtime/sim/env.ts";

type Told = SessionResult<string> | RaftError;

const UNKNOWN = new RaftError("UnknownOutcome", "planned", { definite: false, retryable: true });
const EXPIRED: Told = { kind: "refused", code: "SessionExpired" };

/** What a client of a group hears whose members tell `told`, one after the other. */
async function outcomeOf(...told: Told[]): Promise<unknown> {
  const env = simulatedEnv({ seed: 1 });
  const answers: Told[] = [{ kind: "opened", index: 1 }, ...told];
  const caller: SessionCaller<string, string> = {
    env,
    limits: raftLimits(),
    run: () => {
      const answer = answers.shift()!;
      if (answer instanceof RaftError) return Promise.reject(answer);
      return Promise.resolve({ result: answer, index: 2 });
    },
  };
  const session = new ClientSession(caller, "client");
  return await env.world.complete(session.propose("command").catch((error) => error));
}

Deno.test("a session that has ended refuses for certain what was tried once", async () => {
  const error = await outcomeOf(EXPIRED);
  assert.ok(error instanceof RaftError);
  assert.deepEqual([error.code, error.definite], ["SessionExpired", true]);
});

Deno.test("a session that ended between two tries does not know what became of the first", async () => {
  const error = await outcomeOf(UNKNOWN, EXPIRED);
  assert.ok(error instanceof RaftError);
  assert.deepEqual([error.code, error.definite], ["SessionExpired", false]);
  assert.match(error.message, /an earlier try may have been applied/);
});

Deno.test("a later try that is answered settles what an earlier one left open", async () => {
  const outcome = await outcomeOf(UNKNOWN, { kind: "result", index: 7, result: "done" });
  assert.deepEqual(outcome, { result: "done", index: 7, durability: "quorum" });
});

Deno.test("whose reply was acknowledged was applied: that is no refusal for certain", async () => {
  const error = await outcomeOf({ kind: "refused", code: "AlreadyAcknowledged" });
  assert.ok(error instanceof RaftError);
  assert.deepEqual([error.code, error.definite], ["AlreadyAcknowledged", false]);
});
