/** Members on one thread: disks that are always quick, links that can be cut, time moved by hand. */

import type {
  Configuration,
  Member,
  MembershipChange,
} from "../../../../runtime/raft/core/configuration.ts";
import { NO_MEMBERS } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry } from "../../../../runtime/raft/core/entry.ts";
import type { Durability, Input } from "../../../../runtime/raft/core/input.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import type { RaftOptions, Restored } from "../../../../runtime/raft/core/options.ts";
import type {
  Answer,
  Outputs,
  RaftEvent,
  ReadAnswer,
} from "../../../../runtime/raft/core/outputs.ts";
import { createRaft, type Raft, step } from "../../../../runtime/raft/core/raft.ts";

const WALL_MS = 1_000_000;

export const OPTIONS: Omit<RaftOptions, "id"> = {
  heartbeatMs: 50,
  electionMs: 150,
  appendBytes: 4096,
  inflightMessages: 8,
  inflightBytes: 64 * 1024,
  commandBytes: 1024,
  uncommittedBytes: 16 * 1024,
  uncommittedEntries: 64,
  applyingBytes: 64 * 1024,
  pendingReads: 16,
  keepEntries: 4,
  keepBytes: 4096,
  catchUpRounds: 4,
  transferMs: 500,
  allMs: 400,
  chunkRetryMs: 300,
  clockSkewMs: 5_000,
  clockReads: false,
  clockDrift: 0.1,
  priorityMs: 1_000,
};

export function member(id: string, facts: Partial<Member> = {}): Member {
  return { id, role: "voter", witness: false, priority: 1, ...facts };
}

export function voters(...ids: readonly string[]): Configuration {
  return { members: ids.map((id) => member(id)), outgoing: null };
}

export function restored(configuration: Configuration): Restored {
  return {
    hardState: { term: 0, vote: null, commit: 0 },
    snapshot: { index: 0, term: 0, stampMs: 0, configuration, configurationIndex: 0 },
    file: null,
    entries: [],
  };
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

interface Seat {
  raft: Raft;
  applied: Entry[];
  /** Completions of persist orders are held back. */
  slowDisk: boolean;
  held: number[];
  wallOffsetMs: number;
}

/** A group; whatever comes out of members is carried out at once, unless it is held back. */
export class Group {
  nowMs = 0;
  readonly seats = new Map<string, Seat>();
  readonly answers: Answer[] = [];
  readonly reads: ReadAnswer[] = [];
  readonly events: { readonly member: string; readonly event: RaftEvent }[] = [];
  readonly sent: Message[] = [];
  /** Messages for which this is false are lost. */
  passes: (message: Message) => boolean = () => true;
  /** What becomes of a message on its way. */
  alter: (message: Message) => Message = (message) => message;
  readonly options: Omit<RaftOptions, "id">;
  #queue: Message[] = [];
  #nextId = 1;

  constructor(configuration: Configuration, options: Partial<RaftOptions> = {}) {
    this.options = { ...OPTIONS, ...options };
    for (const { id } of configuration.members) this.add(id, configuration);
  }

  add(id: string, configuration: Configuration = NO_MEMBERS): void {
    this.start(id, restored(configuration));
  }

  start(id: string, from: Restored): void {
    const raft = createRaft({ ...this.options, id }, from, this.#moment(id));
    this.seats.set(id, { raft, applied: [], slowDisk: false, held: [], wallOffsetMs: 0 });
  }

  #moment(id: string) {
    // Members draw different timeouts, always the same: the first by name is the quickest.
    const random = (id.charCodeAt(id.length - 1) % 16) / 16;
    const wallMs = WALL_MS + this.nowMs + (this.seats.get(id)?.wallOffsetMs ?? 0);
    return { nowMs: this.nowMs, wallMs, random };
  }

  raft(id: string): Raft {
    return this.seat(id).raft;
  }

  seat(id: string): Seat {
    const seat = this.seats.get(id);
    if (seat === undefined) throw new Error(`no member ${id}`);
    return seat;
  }

  /** Tells a member something, and carries out everything that follows. */
  tell(id: string, input: Input): Outputs {
    const outputs = this.#step(id, input);
    this.#deliver();
    return outputs;
  }

  #step(id: string, input: Input): Outputs {
    const seat = this.seat(id);
    const outputs = step(seat.raft, input, this.#moment(id));
    this.answers.push(...outputs.answers);
    this.reads.push(...outputs.reads);
    for (const event of outputs.events) this.events.push({ member: id, event });
    this.#queue.push(...outputs.send);
    for (const chunk of outputs.sendChunks) {
      const { to, term, session, snapshot, file } = chunk;
      const offset = chunk.offset ?? 0;
      const bytes = new Uint8Array(chunk.offset === null ? 0 : Math.min(10, file.bytes - offset));
      const head = { type: "snapshotChunk", from: id, to, term, session } as const;
      this.#queue.push({ ...head, snapshot, file, offset, bytes });
    }
    this.#carryOut(id, seat, outputs);
    return outputs;
  }

  #carryOut(id: string, seat: Seat, outputs: Outputs): void {
    for (const { number } of outputs.persist) {
      if (seat.slowDisk) seat.held.push(number);
      else this.#step(id, { type: "persisted", number });
    }
    if (outputs.saveChunk !== null) {
      const { snapshot: { index }, file, offset, bytes } = outputs.saveChunk;
      const nextOffset = offset + bytes.length;
      this.#step(id, { type: "chunkSaved", index, nextOffset, complete: nextOffset >= file.bytes });
    }
    if (outputs.restore !== null) {
      seat.applied = [];
      this.#step(id, { type: "applied", index: outputs.restore.index });
    }
    const last = outputs.apply.at(-1);
    if (last === undefined) return;
    seat.applied.push(...outputs.apply);
    this.#step(id, { type: "applied", index: last.index });
  }

  #deliver(): void {
    for (let rounds = 0; this.#queue.length > 0; rounds++) {
      if (rounds > 10_000) throw new Error("messages without end");
      const message = this.alter(this.#queue.shift() as Message);
      this.sent.push(message);
      if (!this.seats.has(message.to) || !this.passes(message)) continue;
      this.#step(message.to, { type: "message", message });
    }
  }

  /** The held completions of a slow disk. */
  sync(id: string): void {
    const { held } = this.seat(id);
    const number = held.at(-1);
    held.length = 0;
    if (number !== undefined) this.tell(id, { type: "persisted", number });
  }

  /** Time passes for `ids`, in ticks. */
  pass(ms: number, ids: readonly string[] = [...this.seats.keys()]): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      this.nowMs += 10;
      for (const id of ids) if (this.seats.has(id)) this.tell(id, { type: "tick" });
    }
  }

  /** Nothing passes between the two sides any more. */
  cut(...side: readonly string[]): void {
    this.passes = ({ from, to }) => side.includes(from) === side.includes(to);
  }

  heal(): void {
    this.passes = () => true;
  }

  /** Passes time until somebody leads. */
  elect(): string {
    for (let turn = 0; turn < 200; turn++) {
      const leader = this.leader();
      if (leader !== null) return leader;
      this.pass(10);
    }
    throw new Error("nobody was elected");
  }

  /** The leader of the highest term. */
  leader(): string | null {
    const leaders = [...this.seats.values()].map(({ raft }) => raft)
      .filter((raft) => raft.role === "leader").sort((a, b) => b.term - a.term);
    return leaders[0]?.id ?? null;
  }

  propose(id: string, command: string, durability: Durability = "quorum"): number {
    const proposal = { id: this.#nextId++, data: new TextEncoder().encode(command), durability };
    this.tell(id, { type: "propose", proposals: [proposal] });
    return proposal.id;
  }

  change(id: string, change: MembershipChange): number {
    const number = this.#nextId++;
    this.tell(id, { type: "change", id: number, change });
    return number;
  }

  transfer(id: string, to: string | null): number {
    const number = this.#nextId++;
    this.tell(id, { type: "transfer", id: number, to });
    return number;
  }

  read(id: string, byClock = false): string {
    const context = `read-${this.#nextId++}`;
    this.tell(id, { type: "read", context, byClock });
    return context;
  }

  answerTo(context: string): number | null | undefined {
    return this.reads.find((read) => read.context === context)?.index;
  }

  answersTo(id: number): Answer[] {
    return this.answers.filter((answer) => answer.id === id);
  }

  /** The commands that a member has applied. */
  commands(id: string): string[] {
    const commands = this.seat(id).applied.filter((entry) => entry.kind === "command");
    return commands.map((entry) => text(entry.data));
  }
}
