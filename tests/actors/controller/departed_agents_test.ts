import assert from "node:assert/strict";
import { apply } from "../../../actors/controller/apply.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import type { AgentEvent } from "../../../actors/agent/life.ts";
import { ACTOR_LIMITS } from "../../../actors/limits.ts";
import { registrationOf } from "./random_commands.ts";

const MOST = ACTOR_LIMITS.departedAgents.value;

/** A log in which a second passes with each command. */
class Log {
  state: State = INITIAL_STATE;
  #index = 0;

  tell(agent: string, event: AgentEvent): void {
    this.#index += 1;
    const command = { type: "agentEvent", agent, event } as const;
    const entry = { version: 3, atMs: this.#index * 1_000, command } as const;
    const applied = apply(this.state, entry, this.#index, 1);
    assert.deepEqual(applied.refused, []);
    this.state = applied.state;
  }

  come(agent: string): void {
    this.tell(agent, { type: "register", registration: registrationOf(agent, "1") });
  }

  leave(agent: string): void {
    this.tell(agent, { type: "deregister", why: "drained" });
  }
}

Deno.test("of agents that have left the last so many are remembered, and nobody else is forgotten", () => {
  const log = new Log();
  log.come("stays");
  log.come("lost");
  log.tell("lost", { type: "lose", incarnation: "1", why: "silent" });
  for (let n = 0; n < MOST + 2; n++) {
    log.come(`a${n}`);
    log.leave(`a${n}`);
  }
  const { agents } = log.state;
  assert.equal(agents.size, MOST + 2);
  for (const id of ["stays", "lost", "a2", `a${MOST + 1}`]) assert.ok(agents.has(id), id);
  for (const id of ["a0", "a1"]) assert.ok(!agents.has(id), id);
});

Deno.test("an agent that was forgotten comes again as a new one", () => {
  const log = new Log();
  for (let n = 0; n < MOST + 1; n++) {
    log.come(`a${n}`);
    log.leave(`a${n}`);
  }
  assert.ok(!log.state.agents.has("a0"));
  log.come("a0");
  assert.equal(log.state.agents.get("a0")?.status, "active");
});
