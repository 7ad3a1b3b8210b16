/** The last events of a run, kept as they were and made readable only when somebody must look. */

import type { Entry, MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Input } from "../../../../runtime/raft/core/input.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import type { Outputs, Role } from "../../../../runtime/raft/core/outputs.ts";

const EVENTS_KEPT = 60;

/** One step of one member. */
interface StepTaken {
  readonly atMs: number;
  readonly id: MemberId;
  readonly input: Input;
  readonly role: Role;
  readonly term: number;
  readonly commit: number;
  readonly outputs: Outputs | null;
}

/** A ring of events. */
export class Trace {
  readonly #events: (StepTaken | string)[] = [];
  readonly #kept: number;
  #next = 0;

  constructor(kept = EVENTS_KEPT) {
    this.#kept = kept;
  }

  step(taken: StepTaken): void {
    this.#put(taken);
  }

  note(atMs: number, text: string): void {
    this.#put(`${atMs.toFixed(1).padStart(9)} -- ${text}`);
  }

  #put(event: StepTaken | string): void {
    this.#events[this.#next] = event;
    this.#next = (this.#next + 1) % this.#kept;
  }

  /** The events as lines, the oldest first. */
  lines(): string[] {
    const inOrder = [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)];
    return inOrder.map((event) => typeof event === "string" ? event : stepText(event));
  }
}

function stepText({ atMs, id, input, role, term, commit, outputs }: StepTaken): string {
  const head = `${atMs.toFixed(1).padStart(9)} ${id} ${inputText(input)}`;
  const state = `  => ${role} t${term} c${commit}`;
  return outputs === null ? `${head}  => threw` : `${head}${state}${outputsText(outputs)}`;
}

function inputText(input: Input): string {
  switch (input.type) {
    case "message":
      return `<- ${messageText(input.message)}`;
    case "propose":
      return `propose ${input.proposals.map(({ id, durability }) => `${id}:${durability}`)}`;
    case "snapshotTaken":
      return `snapshotTaken ${input.snapshot.index}/t${input.snapshot.term}`;
    case "tick":
      return "tick";
    default: {
      const { type, ...rest } = input;
      return `${type} ${JSON.stringify(rest)}`;
    }
  }
}

function entriesText(entries: readonly Entry[]): string {
  const shown = entries.slice(0, 6).map(({ index, term, kind }) => {
    return `${index}/t${term}${kind === "command" ? "" : kind[0]}`;
  });
  return `[${shown.join(" ")}${entries.length > shown.length ? ` +${entries.length - 6}` : ""}]`;
}

/** A message in one short line. */
export function messageText(message: Message): string {
  const { type, from, to, term, ...rest } = message;
  const facts = Object.entries(rest).map(([name, value]) => {
    if (name === "entries") return entriesText(value as Entry[]);
    if (value instanceof Uint8Array) return `${value.length}B`;
    if (name === "snapshot") return `at=${(value as { index: number }).index}`;
    return `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`;
  });
  return `${type} ${from}>${to} t${term} ${facts.join(" ")}`;
}

function outputsText(outputs: Outputs): string {
  const parts = outputs.persist.map(({ number, reset, entries, hardState }) => {
    const vote = hardState === null ? "" : ` t${hardState.term} vote=${hardState.vote}`;
    return `persist#${number}${reset === null ? "" : ` reset@${reset.index}`}${
      entries.length > 0 ? entriesText(entries) : ""
    }${vote}`;
  });
  for (const message of outputs.send) parts.push(`-> ${messageText(message)}`);
  if (outputs.restore !== null) parts.push(`restore@${outputs.restore.index}`);
  if (outputs.apply.length > 0) parts.push(`apply${entriesText(outputs.apply)}`);
  for (const order of outputs.sendChunks) {
    parts.push(`sendChunk ${order.to} @${order.snapshot.index}+${order.offset}`);
  }
  if (outputs.saveChunk !== null) parts.push(`saveChunk@${outputs.saveChunk.snapshot.index}`);
  if (outputs.compact !== null) parts.push(`compact ${outputs.compact}`);
  for (const answer of outputs.answers) parts.push(`answer ${JSON.stringify(answer)}`);
  for (const read of outputs.reads) parts.push(`read ${read.context}=${read.index}`);
  for (const event of outputs.events) parts.push(`event ${JSON.stringify(event)}`);
  return parts.map((part) => `\n              ${part}`).join("");
}
