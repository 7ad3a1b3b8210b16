/**
 * A replicated machine: `joinGroup` makes this node a member of a group whose members all keep the same
 * state, and gives what is needed to change it, to read it and to look after the group.
 */

import { actor } from "../actor/definition.ts";
import type { Node } from "../actor/node.ts";
import type { ListenTls } from "../env/sockets.ts";
import { encodeCommand } from "./command_codec.ts";
import type { Member, MembershipChange } from "./core/configuration.ts";
import { NO_MEMBERS } from "./core/configuration.ts";
import type { MemberId, SnapshotMeta } from "./core/entry.ts";
import type { Durability } from "./core/input.ts";
import type { RaftOptions } from "./core/options.ts";
import type { RaftEvent } from "./core/outputs.ts";
import type { RaftStatus } from "./core/raft.ts";
import { careFor } from "./care.ts";
import { ClientSession, once, refusal, type SessionCaller } from "./client_session.ts";
import { Driver } from "./driver.ts";
import type { EngineMaker } from "./engine.ts";
import type { EngineLinks, EnginePlan } from "./engine_messages.ts";
import { RaftError } from "./errors.ts";
import { groupPath, GroupProtocol } from "./group_messages.ts";
import { type RaftLimits, raftLimits } from "./limits.ts";
import type { Machine } from "./machine.ts";
import { GroupMember } from "./member.ts";
import type { RaftCounts } from "./raft_meter.ts";
import { HeldCommands } from "./held_commands.ts";
import { KnownVersions } from "./machine_versions.ts";
import {
  type SessionCommand,
  type SessionResult,
  type SessionsState,
  withSessions,
} from "./sessions.ts";
import { openStores, type StoresOptions } from "./stores.ts";
import { startWorkerEngine } from "./worker_engine.ts";

/** A member of a first configuration; by its id alone it is a voter of priority 1. */
export type FirstMember = MemberId | {
  readonly id: MemberId;
  readonly witness?: boolean;
  readonly priority?: number;
};

/** A Worker for the core and the log of a member; its node is called `MEMBER.raft`. */
export interface WorkerEngineOptions {
  /** Its module, as an absolute URL: one that awaits `startGroupWorker`. */
  readonly module: string | URL;
  /** Where it listens, and where it reaches the Workers of the other members, `OTHER.raft`. */
  readonly links: EngineLinks;
  /** Tells of other certificates while it runs; what it returns ends that. */
  readonly follow?: (secure: (tls: ListenTls) => void) => () => void;
}

/** How a node takes part in a group. */
export interface GroupOptions {
  /** The group's name; several groups may live on a node. */
  readonly name: string;
  /** Where this member keeps its log and snapshots: a folder of its own, for ever. */
  readonly folder: string;
  /**
   * The group's first voters, the same on each of them, by their nodes' ids. Left out by who joins a
   * group that is there: it waits until somebody adds it. Ignored once the folder holds a log.
   */
  readonly members?: readonly FirstMember[];
  readonly limits?: Partial<RaftLimits>;
  /**
   * Allows `clock` reads, which trust that no monotonic clock of the group runs faster than another by
   * more than this share (0.05: a twentieth), pauses included. Not allowed unless given.
   */
  readonly clockDrift?: number;
  /**
   * Has the core and the log in a Worker with links of its own, so that a busy event loop elects nobody;
   * the same on all members. In this thread if left out.
   */
  readonly engine?: WorkerEngineOptions;
  /** The disk or the machine of this member has failed, and it has stopped. Stops the node unless given. */
  readonly onFailed?: (error: RaftError) => void;
}

/**
 * How fresh a read is. `linearizable`: it sees everything that was done before it began. `clock`: the
 * same by the leader's lease, without a round of messages, where clocks can be trusted. `stale`: what
 * this member happens to have, with `atMs` to judge it by; also where no majority is left.
 */
export type ReadConsistency = "linearizable" | "clock" | "stale";

/** How long a call may take (default 5,000 ms). */
export interface Within {
  readonly withinMs?: number;
}

/** What became of a command. */
export interface Committed<Result> {
  readonly result: Result;
  /** Where it stands in the log; with group and epoch, a fencing token. */
  readonly index: number;
  /** `quorum` where `all` was asked for: a voter was too slow. */
  readonly durability: Durability;
}

/** A member and what it knows of the others. */
export interface GroupStatus extends RaftStatus {
  readonly group: string;
  readonly member: MemberId;
  /** The leader's clock at the last entry applied here, in ms since 1970. */
  readonly appliedAtMs: number;
  /** Nothing is taken until the disk has room. */
  readonly isDiskFull: boolean;
  /** Of the machine: what the group applies, as far as this member has, and what this program could. */
  readonly machine: { readonly version: number; readonly current: number };
  readonly counts: RaftCounts;
}

/**
 * A group as one of its members sees it. Every member takes every call, and passes it on to the leader.
 * Calls reject with RaftError; its `definite` says whether it is certain that nothing was done.
 */
export interface Group<State, Command, Result> {
  readonly name: string;
  /** What this member has applied; for reads that may be stale. Never changed in place. */
  readonly state: State;
  /**
   * Applies a command, at most once. RaftError `UnknownOutcome`: nobody knows whether it was. One of a
   * later version than the group's waits for it; `VersionHeld`: in vain, nothing was done.
   */
  propose(
    command: Command,
    options?: Within & { readonly durability?: "quorum" | "all" },
  ): Promise<Committed<Result>>;
  /**
   * Puts a command on the leader's disk and waits for nobody else. It may be lost with the leader, and
   * nobody will say so: for what can be spared.
   */
  proposeLossy(command: Command, options?: Within): Promise<{ readonly index: number }>;
  /** Applies a command exactly once per `key`, however often it is asked for, from wherever. */
  proposeOnce(key: string, command: Command, options?: Within): Promise<Committed<Result>>;
  /** A client whose commands are applied exactly once, through lost answers and leaders. */
  session(id: string): ClientSession<Command, Result>;
  /** Reads from this member's state. RaftError `NoLeader` where nobody confirms that it is fresh. */
  read<T>(
    select: (state: State, at: { readonly index: number; readonly atMs: number }) => T,
    options?: Within & { readonly consistency?: ReadConsistency },
  ): Promise<T>;
  /** Resolves when the state has changed after this call. */
  changed(): Promise<void>;
  /** Hands leadership to a member, or to the best. */
  transfer(to?: MemberId, options?: Within): Promise<void>;
  addLearner(
    member: { readonly id: MemberId; readonly witness?: boolean; readonly priority?: number },
    options?: Within,
  ): Promise<void>;
  /** Makes a learner a voter once it keeps pace. */
  promote(id: MemberId, options?: Within): Promise<void>;
  remove(id: MemberId, options?: Within): Promise<void>;
  /** A learner takes a voter's place. */
  replace(id: MemberId, by: MemberId, options?: Within): Promise<void>;
  setPriority(id: MemberId, priority: number, options?: Within): Promise<void>;
  status(): GroupStatus;
  /** Takes a snapshot now; null while one is being taken anyway. */
  snapshot(): Promise<SnapshotMeta | null>;
  subscribe(listener: (event: RaftEvent) => void): () => void;
  /** Ends this member; the group goes on without it. The node's end does the same. */
  stop(): Promise<void>;
}

/**
 * Makes this node a member of a group that replicates `machine`.
 *
 * @example A group of one
 * ```ts
 * import { joinGroup, type Machine, startNode } from "@quorus/quorus";
 *
 * const counter: Machine<number, { add: number }, number> = {
 *   initial: () => 0,
 *   apply: (total, { add }) => ({ state: total + add, result: total + add }),
 *   *snapshot(total) { yield new TextEncoder().encode(String(total)); },
 *   restore: () => {
 *     let text = "";
 *     return {
 *       write: (piece) => { text += new TextDecoder().decode(piece); },
 *       end: () => Number(text),
 *     };
 *   },
 * };
 *
 * const node = startNode({ id: "a", logLevel: "error" });
 * const folder = await Deno.makeTempDir();
 * const group = await joinGroup(node, counter, { name: "demo", folder, members: ["a"] });
 * const { result } = await group.propose({ add: 2 });
 * console.assert(result === 2);
 * console.assert(await group.read((total) => total) === 2);
 * await node.stop();
 * await Deno.remove(folder, { recursive: true });
 * ```
 * @throws RaftError `WrongFolder`, `FolderLocked`, `LogCorrupt`, `LogVersion`, `SnapshotCorrupt`, `DiskFailed`,
 * `WorkerLost`; SocketError and RemoteError for the links of its Worker.
 */
export async function joinGroup<State, Command, Result>(
  node: Node,
  machine: Machine<State, Command, Result>,
  options: GroupOptions,
): Promise<Group<State, Command, Result>> {
  const limits = raftLimits(options.limits);
  const first = firstSnapshot(options.members);
  const identity = { group: options.name, member: node.id };
  const versions = new KnownVersions<Command>(machine);
  const { current } = versions;
  const coreOptions = {
    ...raftOptions(node.id, limits, options.clockDrift),
    machineVersion: current,
  };
  const stores = { folder: options.folder, identity, limits, first };
  const member = new GroupMember({
    node,
    group: options.name,
    machine: withSessions(machine, limits),
    options: coreOptions,
    limits,
    engine: options.engine === undefined
      ? await ownThread(node.env, stores, coreOptions)
      : await inWorker(node.env, options.engine, {
        group: options.name,
        stores,
        options: coreOptions,
      }),
    onFailed: (error) => {
      held.stop(error);
      if (options.onFailed === undefined) void node.stop({ withinMs: 0 });
      else options.onFailed(error);
    },
  });
  const held = new HeldCommands({
    timers: node.env.timers,
    limit: limits.heldCommands,
    versions,
    inForce: () => member.state.version,
    changed: () => member.changed(),
  });
  const endCare = careFor(node.env, options.name, limits, current, member);
  const ref = node.spawn(groupActor, {
    name: groupPath(options.name),
    restart: "permanent",
    args: {
      member,
      stopping: () => {
        endCare();
        held.stop(new RaftError("Stopped", `use group ${options.name}: its member has stopped`));
      },
    },
  });
  member.start();
  return new JoinedGroup(
    node,
    options.name,
    { limits, versions, member, held },
    () => node.stopActor(ref),
  );
}

/** Core and log in this thread. */
async function ownThread(
  env: Node["env"],
  stores: StoresOptions,
  options: RaftOptions,
): Promise<EngineMaker> {
  const { limits } = stores;
  const witnessEntries = limits.snapshotEntries;
  const parts = { limits, env, options, ...await openStores(env, stores), witnessEntries };
  return (host) => new Driver({ ...parts, host });
}

/** Core and log in a Worker. */
function inWorker(
  env: Node["env"],
  { module, links, follow }: WorkerEngineOptions,
  plan: Omit<EnginePlan, "links">,
): Promise<EngineMaker> {
  return startWorkerEngine(env, String(module), { ...plan, links }, follow);
}

/** What its actor sees of a member. */
type AnyMember = Pick<
  GroupMember<unknown, unknown, unknown>,
  "receive" | "receiveForward" | "receiveForwarded" | "receiveOrder" | "stop"
>;

const groupActor = actor(GroupProtocol, {
  mailbox: { full: "wait" },
  state: (args: { readonly member: AnyMember; readonly stopping: () => void }) => args,
  on: {
    raft: ({ member }, message) => member.receive(message),
    chunk: ({ member }, message) => member.receive(message),
    forward: ({ member }, { from, id, command, durability, withinMs }) =>
      void member.receiveForward(from, id, command, durability, withinMs),
    order: ({ member }, { from, id, order }) => void member.receiveOrder(from, id, order),
    forwarded: ({ member }, { id, outcome }) => member.receiveForwarded(id, outcome),
  },
  stopping: ({ member, stopping }, reason) => {
    if (reason !== "stopped") return;
    stopping();
    return member.stop();
  },
});

/** The place before the first entry. */
function firstSnapshot(members: readonly FirstMember[] | undefined): SnapshotMeta {
  const configuration = members === undefined
    ? NO_MEMBERS
    : { members: members.map(firstMember).sort((a, b) => a.id < b.id ? -1 : 1), outgoing: null };
  return { index: 0, term: 0, stampMs: 0, configuration, configurationIndex: 0 };
}

function firstMember(member: FirstMember): Member {
  const { id, witness = false, priority = 1 } = typeof member === "string"
    ? { id: member }
    : member;
  return { id, role: "voter", witness, priority };
}

function raftOptions(id: MemberId, limits: RaftLimits, drift: number | undefined): RaftOptions {
  return { ...limits, id, clockReads: drift !== undefined, clockDrift: drift ?? 0 };
}

/** What stands behind the API. */
interface GroupParts<State, Command, Result> {
  readonly limits: RaftLimits;
  readonly versions: Pick<KnownVersions<Command>, "current">;
  readonly held: HeldCommands<Command>;
  readonly member: GroupMember<
    SessionsState<State>,
    SessionCommand<Command>,
    SessionResult<Result>
  >;
}

class JoinedGroup<State, Command, Result> implements Group<State, Command, Result> {
  readonly name: string;
  readonly #env: Node["env"];
  readonly #id: MemberId;
  readonly #limits: RaftLimits;
  readonly #versions: GroupParts<State, Command, Result>["versions"];
  readonly #held: HeldCommands<Command>;
  readonly #member: GroupParts<State, Command, Result>["member"];
  readonly #stop: () => Promise<unknown>;

  constructor(
    { id, env }: Node,
    name: string,
    { limits, versions, held, member }: GroupParts<State, Command, Result>,
    stop: () => Promise<unknown>,
  ) {
    this.#env = env;
    this.#id = id;
    this.#limits = limits;
    this.name = name;
    this.#versions = versions;
    this.#held = held;
    this.#member = member;
    this.#stop = stop;
  }

  get state(): State {
    return this.#member.state.inner;
  }

  async propose(
    command: Command,
    { withinMs = this.#limits.withinMs, durability = "quorum" }: Within & {
      durability?: Durability;
    } = {},
  ): Promise<Committed<Result>> {
    const settled = await this.#run({ do: "plain", command }, durability, withinMs);
    if (settled.result.kind === "result") return { ...settled, result: settled.result.result };
    if (settled.result.kind === "refused") throw refusal(settled.result.code, false);
    throw new RaftError("UnknownOutcome", "propose a command: the answer is none to a command");
  }

  async proposeLossy(command: Command, { withinMs = this.#limits.withinMs }: Within = {}) {
    const written = await this.#held.ready({ do: "plain", command }, withinMs);
    const { index } = await this.#member.propose(encodeCommand(written), "leader", withinMs);
    return { index };
  }

  proposeOnce(key: string, command: Command, { withinMs = this.#limits.withinMs }: Within = {}) {
    return once(this.#caller(), key, command, withinMs);
  }

  session(id: string): ClientSession<Command, Result> {
    return new ClientSession(this.#caller(), id);
  }

  async read<T>(
    select: (state: State, at: { readonly index: number; readonly atMs: number }) => T,
    { withinMs = this.#limits.withinMs, consistency = "linearizable" }: Within & {
      consistency?: ReadConsistency;
    } = {},
  ): Promise<T> {
    if (consistency !== "stale") await this.#member.fresh(consistency === "clock", withinMs);
    const { appliedIndex: index, nowMs: atMs } = this.#member;
    return select(this.state, { index, atMs });
  }

  changed(): Promise<void> {
    return this.#member.changed();
  }

  transfer(to?: MemberId, { withinMs = this.#limits.changeWithinMs }: Within = {}): Promise<void> {
    return this.#member.transfer(to ?? null, withinMs);
  }
  addLearner(
    { id, witness = false, priority = 1 }: {
      readonly id: MemberId;
      readonly witness?: boolean;
      readonly priority?: number;
    },
    within: Within = {},
  ): Promise<void> {
    return this.#change({ do: "addLearner", member: { id, witness, priority } }, within);
  }
  promote(id: MemberId, within: Within = {}): Promise<void> {
    return this.#change({ do: "promote", id }, within);
  }
  remove(id: MemberId, within: Within = {}): Promise<void> {
    return this.#change({ do: "remove", id }, within);
  }
  replace(id: MemberId, by: MemberId, within: Within = {}): Promise<void> {
    return this.#change({ do: "replace", id, by }, within);
  }
  setPriority(id: MemberId, priority: number, within: Within = {}): Promise<void> {
    return this.#change({ do: "setPriority", id, priority }, within);
  }

  status(): GroupStatus {
    return {
      group: this.name,
      member: this.#id,
      appliedAtMs: this.#member.nowMs,
      machine: { version: this.#member.state.version, current: this.#versions.current },
      counts: this.#member.meter.counts(),
      ...this.#member.status(),
    };
  }
  snapshot(): Promise<SnapshotMeta | null> {
    return this.#member.snapshot();
  }
  subscribe(listener: (event: RaftEvent) => void): () => void {
    return this.#member.subscribe(listener);
  }
  async stop(): Promise<void> {
    await this.#stop();
  }

  #change(
    change: MembershipChange,
    { withinMs = this.#limits.changeWithinMs }: Within,
  ): Promise<void> {
    return this.#member.changeMembers(change, withinMs);
  }

  #caller(): SessionCaller<Command, Result> {
    return {
      env: this.#env,
      limits: this.#limits,
      run: (command, withinMs) => this.#run(command, "quorum", withinMs),
    };
  }

  async #run(
    command: SessionCommand<Command>,
    durability: Durability,
    withinMs: number,
  ): Promise<Committed<SessionResult<Result>>> {
    const fromMs = this.#env.clock.monotonic();
    const ready = this.#held.ready(command, withinMs);
    const written = ready instanceof Promise ? await ready : ready;
    const leftMs = Math.max(1, withinMs - (this.#env.clock.monotonic() - fromMs));
    const settled = await this.#member.propose(encodeCommand(written), durability, leftMs);
    return { ...settled, result: settled.result! };
  }
}
