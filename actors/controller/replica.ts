/**
 * A member of the controllers' group: `Group` over Raft. Every controller applies every command; who
 * proposes, reads or listens need not know who leads.
 */

import { assert } from "../../runtime/base/assert.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { Node } from "../../runtime/actor/node.ts";
import type { Span } from "../../runtime/env/tracing.ts";
import { RaftError } from "../../runtime/raft/errors.ts";
import {
  type FirstMember,
  type Group as RaftGroup,
  joinGroup,
  type WorkerEngineOptions,
} from "../../runtime/raft/group.ts";
import type { RaftLimits } from "../../runtime/raft/limits.ts";
import { canonicalJson } from "../../workflows/digest.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import type { Effect } from "./applied.ts";
import { type Command, ENTRY_VERSION } from "./commands.ts";
import { versionFor } from "./entry_version.ts";
import type { Group } from "./group.ts";
import { CONTROLLER_LIMITS, type ControllerLimits } from "./limits.ts";
import { controllerMachine, type GroupEntry, groupEntry, type Outcome } from "./machine.ts";
import { type News, NewsBox } from "./outbox.ts";
import type { State } from "./state.ts";

const GROUP_NAME = "controllers";
/** 64 bits in hexadecimal: enough to tell two commands of one client apart. */
const FINGERPRINT_CHARACTERS = 16;

/** How a node takes part. */
export interface ReplicaOptions {
  /** `controllers` unless given. */
  readonly name?: string;
  /** Where this member keeps its log and snapshots: a folder of its own, for ever. */
  readonly folder: string;
  /** The first members by their nodes' ids, the same on each of them; absent: it waits to be added. */
  readonly members?: readonly FirstMember[];
  readonly limits?: Partial<RaftLimits>;
  /** How long calls take, and what is waited between tries. */
  readonly times?: Partial<ControllerLimits> | undefined;
  /** Core and log in a Worker; in this thread if left out. */
  readonly engine?: WorkerEngineOptions;
  /** The disk or the machine of this member has failed, and it has stopped. Stops the node unless given. */
  readonly onFailed?: (error: RaftError) => void;
  /** Told how long each command took that was proposed here. */
  readonly answered?: (tookMs: number, outcome: "committed" | "failed") => void;
}

/** How a command is committed. */
export interface CommitOptions {
  /** Exactly once per key, for an hour at least unless many thousand others come. */
  readonly key?: string;
  /** What tells another request under the same key apart; the command itself if left out. */
  readonly fingerprint?: string;
  readonly withinMs?: number;
  /** What it is a part of, as a W3C `traceparent`. */
  readonly trace?: string | undefined;
  /** It came in a message whose schema is that of the command: it need not be looked at again. */
  readonly isParsed?: boolean;
}

/** What became of a command, and where it stands in the log. */
export interface CommitResult {
  readonly index: number;
  readonly refused: readonly string[];
  /** Of a command of several events: to which of them each of the reasons belongs, by its place. */
  readonly refusedAt?: readonly number[];
}

/** State as it was read; `atMs`: the leader's clock at `index`, to judge its age by. */
export interface ReadState {
  readonly state: State;
  readonly index: number;
  readonly atMs: number;
}

/** The term in which a member leads. */
export interface Leading {
  readonly term: number;
}

/** This node's member of the controllers' group. */
export interface Replica extends Group {
  /**
   * Resolves when the command is committed, and applied by the leader: here it may be a moment later, a
   * linearizable read has it. With a key it is done exactly once. Without: at most once; RaftError
   * `UnknownOutcome` where nobody knows. Other RaftErrors (`NoLeader`, `TooLarge` ...): nothing was done.
   * ReplicaError `keyReused`: the key belongs to another command; `invalid`: it is no command.
   */
  commit(command: Command, options?: CommitOptions): Promise<CommitResult>;
  /** RaftError `NoLeader` where nobody confirms that it is fresh; `stale` always works. */
  read(consistency: "linearizable" | "stale", withinMs?: number): Promise<ReadState>;
  readonly term: number;
  /** Of the machine, as it is in force in the group: commands that need a later one are held back. */
  readonly version: number;
  /** Who leads, as far as this member knows. */
  readonly leader: string | null;
  readonly isLeader: boolean;
  /** Null: this member does not lead. */
  readonly leading: Leading | null;
  /** Tells at once how it stands, and then each change. */
  onLeadership(listener: (leading: Leading | null) => void): () => void;
  /** Everything that happens to the state here, replay and snapshots included, with its index. */
  follow(listener: (news: readonly News[]) => void): () => void;
  /** Membership, status, snapshots. */
  readonly raft: RaftGroup<State, GroupEntry, Outcome>;
  /** Ends this member; the group goes on without it. */
  stop(): Promise<void>;
}

/** A command that was not proposed, or met another one under its key. */
export class ReplicaError extends QuorusError<"keyReused" | "invalid"> {
  override readonly name = "ReplicaError";
}

/** Makes a node a controller's member of the group. Throws what `joinGroup` throws. */
export async function joinControllers(node: Node, options: ReplicaOptions): Promise<Replica> {
  const { name = GROUP_NAME, limits, times, onFailed, answered = () => {}, ...rest } = options;
  const box = new NewsBox(node.env);
  const made: { replica?: JoinedReplica } = {};
  const raft = await joinGroup(node, controllerMachine(box), {
    ...rest,
    name,
    limits: { commandBytes: ACTOR_LIMITS.groupCommandBytes.value, ...limits },
    onFailed: (error) => {
      made.replica?.ended();
      if (onFailed === undefined) void node.stop({ withinMs: 0 });
      else onFailed(error);
    },
  });
  box.started(raft.status().lastIndex);
  return made.replica = new JoinedReplica(node.env, raft, box, answered, times);
}

class JoinedReplica implements Replica {
  readonly raft: RaftGroup<State, GroupEntry, Outcome>;
  readonly #env: Node["env"];
  readonly #limits: ControllerLimits;
  readonly #box: NewsBox;
  readonly #listeners = new Set<(leading: Leading | null) => void>();
  readonly #answered: NonNullable<ReplicaOptions["answered"]>;
  #leading: Leading | null;
  /** As events tell it: a whole status costs more than a heartbeat of an agent. */
  #known: { readonly term: number; readonly leader: string | null };
  #version = 0;

  constructor(
    env: Node["env"],
    raft: RaftGroup<State, GroupEntry, Outcome>,
    box: NewsBox,
    answered: NonNullable<ReplicaOptions["answered"]>,
    times: ReplicaOptions["times"],
  ) {
    this.#env = env;
    this.#limits = limitValues(CONTROLLER_LIMITS, times);
    this.#answered = answered;
    this.raft = raft;
    this.#box = box;
    const { role, term, leader } = raft.status();
    this.#known = { term, leader };
    this.#leading = role === "leader" ? { term } : null;
    raft.subscribe((event) => {
      if (event.type === "leader") this.#known = { leader: event.leader, term: event.term };
      if (event.type === "term") this.#known = { ...this.#known, term: event.term };
      if (event.type === "role") this.#lead(event.role === "leader" ? { term: event.term } : null);
    });
  }

  get state(): State {
    return this.raft.state;
  }
  get term(): number {
    return this.#known.term;
  }
  get version(): number {
    // It never falls.
    if (this.#version < ENTRY_VERSION) this.#version = this.raft.status().machine.version;
    return this.#version;
  }
  get leader(): string | null {
    return this.#known.leader;
  }
  get isLeader(): boolean {
    return this.#leading !== null;
  }
  get leading(): Leading | null {
    return this.#leading;
  }

  async propose(command: Command): Promise<readonly string[]> {
    const { refused } = await this.commit(command, { withinMs: this.#limits.groupProposeMs });
    return refused;
  }

  async commit(command: Command, options: CommitOptions = {}): Promise<CommitResult> {
    const { clock } = this.#env;
    const beganMs = clock.monotonic();
    const span = this.#spanOf(command, options);
    try {
      const result = await this.#commit(command, options);
      this.#answered(clock.monotonic() - beganMs, "committed");
      span?.set({ "quorus.index": result.index });
      span?.end();
      return result;
    } catch (error) {
      this.#answered(clock.monotonic() - beganMs, "failed");
      span?.end(error);
      throw error;
    }
  }

  /** Of commands that belong to a trace only. */
  #spanOf({ type }: Command, { trace: parent }: CommitOptions): Span | undefined {
    const { tracing } = this.#env;
    if (parent === undefined || tracing === undefined) return undefined;
    const attributes = { "quorus.command": type, "quorus.node": this.raft.status().member };
    return tracing.start("raft commit", { parent, attributes });
  }

  async #commit(command: Command, options: CommitOptions): Promise<CommitResult> {
    const { key, withinMs = this.#limits.groupAnswerMs } = options;
    const made = { version: versionFor(command), atMs: 0, command };
    const entry = options.isParsed === true ? made : checked(made);
    if (key === undefined) {
      const { index, result } = await this.#insist(entry, withinMs);
      return resultOf(index, result);
    }
    assert(key !== "", "a key is not empty");
    const fingerprint = this.#fingerprint(options.fingerprint ?? canonicalJson(command));
    const { index, result } = await this.raft.proposeOnce(key, { ...entry, fingerprint }, {
      withinMs,
    });
    if (result.fingerprint !== fingerprint) throw keyReused(key, index);
    return resultOf(index, result);
  }

  read(
    consistency: "linearizable" | "stale",
    withinMs: number = this.#limits.groupAnswerMs,
  ): Promise<ReadState> {
    return this.raft.read((state, at) => ({ state, ...at }), { consistency, withinMs });
  }

  onLeadership(listener: (leading: Leading | null) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#leading);
    return () => void this.#listeners.delete(listener);
  }

  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    return this.#box.subscribe(listener);
  }

  follow(listener: (news: readonly News[]) => void): () => void {
    return this.#box.follow(listener);
  }

  async stop(): Promise<void> {
    this.ended();
    await this.raft.stop();
  }

  /** Who has stopped leads nobody. */
  ended(): void {
    this.#known = { ...this.#known, leader: null };
    this.#lead(null);
  }

  #lead(leading: Leading | null): void {
    if (leading?.term === this.#leading?.term) return;
    this.#leading = leading;
    for (const listener of this.#listeners) listener(leading);
  }

  /** Again while it is certain that nothing was done. */
  async #insist(entry: GroupEntry, withinMs: number) {
    const { clock, timers } = this.#env;
    const end = clock.monotonic() + withinMs;
    let pauseMs: number = this.#limits.groupPauseMs;
    for (;;) {
      const leftMs = Math.max(1, end - clock.monotonic());
      try {
        return await this.raft.propose(entry, { withinMs: leftMs });
      } catch (error) {
        const isOver = end - clock.monotonic() <= pauseMs;
        if (isOver || !(error instanceof RaftError) || !error.definite || !error.retryable) {
          throw error;
        }
      }
      await new Promise<void>((resolve) => void timers.after(pauseMs, resolve));
      pauseMs = Math.min(2 * pauseMs, this.#limits.groupMaxPauseMs);
    }
  }

  #fingerprint(text: string): string {
    const hasher = this.#env.hash.sha256();
    hasher.update(new TextEncoder().encode(text));
    return hasher.digestHex().slice(0, FINGERPRINT_CHARACTERS);
  }
}

function resultOf(index: number, { refused, refusedAt }: Outcome): CommitResult {
  return refusedAt === undefined ? { index, refused } : { index, refused, refusedAt };
}

/** What no member could apply must not reach the log: all of them would stop at it. */
function checked(entry: GroupEntry): GroupEntry {
  const parsed = groupEntry.safeParse(entry);
  if (parsed.success) return parsed.data;
  throw new ReplicaError(
    "invalid",
    `propose ${entry.command.type}: it is no command of this version: ${parsed.error.message}; ` +
      "mend whoever makes it",
  );
}

function keyReused(key: string, index: number): ReplicaError {
  return new ReplicaError(
    "keyReused",
    `commit a command under key ${key}: another one was committed under it at ${index}; nothing ` +
      "was done, choose another key",
  );
}
