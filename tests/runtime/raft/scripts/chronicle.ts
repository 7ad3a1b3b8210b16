/** What is worth telling of what members do, in the order in which they do it. */

import type { Configuration, Member } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Answer, Outputs, RaftEvent } from "../../../../runtime/raft/core/outputs.ts";
import { ScriptError } from "./script_error.ts";

/** A command that stands in a log. */
interface Standing {
  readonly label: string;
  readonly index: number;
  readonly term: number;
}

/** More commands than this in a row are told in one line. */
const STANDING_APART = 3;

/** The lines since they were taken last. */
export class Chronicle {
  /** How often each member has campaigned, pre-votes included. */
  readonly campaigns = new Map<MemberId, number>();
  readonly #labels = new Map<number, string>();
  readonly #leaders = new Set<MemberId>();
  #lines: (string | Standing)[] = [];

  /** A number for a wish; answers to it are told by `label`. */
  wish(label: string): number {
    const id = this.#labels.size + 1;
    this.#labels.set(id, label);
    return id;
  }

  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return told(lines);
  }

  /** It is down: that it leads no more is no news when it starts. */
  crashed(id: MemberId): void {
    this.#leaders.delete(id);
  }

  saw(id: MemberId, outputs: Outputs): void {
    const tell = (line: string) => this.#lines.push(line);
    for (const event of outputs.events) this.#event(id, event, tell);
    for (const answer of outputs.answers) this.#lines.push(this.#answer(answer));
    for (const { context, index } of outputs.reads) {
      tell(index === null ? `${context} cannot be answered` : `${context} is answered at ${index}`);
    }
    if (outputs.restore !== null) tell(`${id} restores the snapshot of ${outputs.restore.index}`);
    if (outputs.compact !== null) tell(`${id} compacts up to ${outputs.compact}`);
  }

  #event(id: MemberId, event: RaftEvent, tell: (line: string) => void): void {
    switch (event.type) {
      case "campaign":
        this.campaigns.set(id, (this.campaigns.get(id) ?? 0) + 1);
        return tell(
          event.pre
            ? `${id} asks for pre-votes in term ${event.term}`
            : `${id} asks for votes in term ${event.term}`,
        );
      case "role":
        if (event.role === "leader") {
          this.#leaders.add(id);
          return tell(`${id} leads term ${event.term}`);
        }
        if (this.#leaders.delete(id)) tell(`${id} leads no more`);
        return;
      case "configuration":
        if (!this.#leaders.has(id)) return;
        return tell(
          event.committed
            ? `${id} has configuration ${event.index} committed`
            : `${id} has configuration ${event.index}: ${configurationText(event.configuration)}`,
        );
      case "degraded":
        return tell(event.degraded ? `${id} is degraded: ${event.reason}` : `${id} is whole again`);
      case "lostLog":
        return tell(`${id} finds that ${event.member} has lost its log`);
      case "leader":
      case "term":
      case "heartbeatMissed":
        return;
    }
  }

  #answer(answer: Answer): string | Standing {
    const label = this.#labels.get(answer.id);
    if (label === undefined) {
      throw new ScriptError(`an answer to wish ${answer.id}, which nobody has`);
    }
    switch (answer.outcome) {
      case "appended":
        return { label, index: answer.index, term: answer.term };
      case "done":
        return `${label}: done`;
      case "durable":
        return `${label} is durable: ${answer.level}`;
      case "unknown":
        return `${label}: nobody knows`;
      case "refused":
        return `${label} is refused: ${answer.code}, ${answer.reason}`;
    }
  }
}

/** Commands that follow each other in a log are one line where they are many. */
function told(lines: readonly (string | Standing)[]): string[] {
  const result: string[] = [];
  for (let place = 0; place < lines.length;) {
    const first = lines[place]!;
    if (typeof first === "string") {
      result.push(first);
      place += 1;
      continue;
    }
    const after = lines.findIndex((line, at) => at > place && typeof line === "string");
    const run = lines.slice(place, after === -1 ? lines.length : after) as Standing[];
    const { label, index, term } = run.at(-1)!;
    if (run.length > STANDING_APART) {
      result.push(`${first.label} to ${label} stand at ${first.index}..${index}@${term}`);
    } else {
      for (const one of run) result.push(`${one.label} stands at ${one.index}@${one.term}`);
    }
    place += run.length;
  }
  return result;
}

/** `a b w(witness) d(learner), leaving a b c`. */
export function configurationText({ members, outgoing }: Configuration): string {
  const list = (those: readonly Member[]) => those.map(memberText).join(" ");
  return outgoing === null ? list(members) : `${list(members)}, leaving ${list(outgoing)}`;
}

function memberText({ id, role, witness, priority }: Member): string {
  const facts = [
    ...(role === "learner" ? ["learner"] : []),
    ...(witness ? ["witness"] : []),
    ...(priority === 1 ? [] : [`priority ${priority}`]),
  ];
  return facts.length === 0 ? id : `${id}(${facts.join(", ")})`;
}
