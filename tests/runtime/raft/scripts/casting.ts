/** Reads the `cluster` line: who is there at first, and with which limits. */

import type { Configuration } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { RaftOptions } from "../../../../runtime/raft/core/options.ts";
import { ScriptError } from "./script_error.ts";
import { type Role, Stage } from "./stage.ts";

/** Round numbers, so that scripts can be followed in the head. */
const OPTIONS: Omit<RaftOptions, "id"> = {
  heartbeatMs: 100,
  electionMs: 1_000,
  appendBytes: 100_000,
  inflightMessages: 64,
  inflightBytes: 1_000_000,
  commandBytes: 1_000,
  uncommittedBytes: 100_000,
  uncommittedEntries: 1_000,
  applyingBytes: 100_000,
  pendingReads: 100,
  keepEntries: 1_000,
  keepBytes: 1_000_000,
  catchUpRounds: 3,
  transferMs: 1_000,
  allMs: 1_000,
  chunkRetryMs: 500,
  clockSkewMs: 5_000,
  clockReads: false,
  clockDrift: 0.1,
  priorityMs: 2_000,
};

/** `a`, `b:priority=2`, `w:witness`, `d:learner`, `c:rate=0.9`, and several: `w:witness:priority=0`. */
export function parseRole(word: string, place: number): Role {
  const [id = "", ...facts] = word.split(":");
  const rate = facts.find((fact) => fact.startsWith("rate="))?.slice("rate=".length);
  return { id, witness: facts.includes("witness"), rate: Number(rate ?? 1), place };
}

/** `a b c with keepEntries 1, appendBytes 200`; all members start. */
export function openStage(line: string, roles: Map<MemberId, Role>): Stage {
  const [members = "", limits] = line.split(/\s+with\s+/);
  const words = members.split(/\s+/);
  const stage = new Stage({ ...OPTIONS, ...parseLimits(limits) });
  const configuration: Configuration = {
    members: words.map((word) => {
      const [id = "", ...facts] = word.split(":");
      const priority = facts.find((fact) => fact.startsWith("priority="));
      return {
        id,
        role: facts.includes("learner") ? "learner" : "voter",
        witness: facts.includes("witness"),
        priority: priority === undefined ? 1 : Number(priority.slice("priority=".length)),
      };
    }),
    outgoing: null,
  };
  for (const [place, word] of words.entries()) {
    const role = parseRole(word, place);
    roles.set(role.id, role);
    stage.make(role, configuration);
  }
  for (const member of stage.members.values()) stage.start(member);
  return stage;
}

function parseLimits(text: string | undefined): Partial<RaftOptions> {
  const limits: Record<string, number | boolean> = {};
  for (const part of text?.split(/,\s*/) ?? []) {
    const [name = "", value = ""] = part.split(" ");
    if (!(name in OPTIONS)) throw new ScriptError(`no limit ${name}`);
    limits[name] = name === "clockReads" ? value === "on" : Number(value);
  }
  return limits;
}
