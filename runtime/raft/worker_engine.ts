/**
 * A member's engine in a Worker, as the member sees it: what happens to the core is told to the Worker,
 * what the core wants done here is done when the Worker says so.
 */

import { assert } from "../base/assert.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import type { ListenTls, WorkerHandle } from "../env/sockets.ts";
import type { SnapshotMeta } from "./core/entry.ts";
import type { Input, Proposal } from "./core/input.ts";
import type { RaftStatus } from "./core/status.ts";
import type { DriverHost } from "./driver.ts";
import type { Engine, EngineMaker } from "./engine.ts";
import { fromEngineError } from "./engine_errors.ts";
import type { Block } from "./engine_frames.ts";
import {
  type EngineError,
  engineNodeId,
  type EngineOrder,
  type EnginePlan,
  type EngineReport,
} from "./engine_messages.ts";
import { EnginePort } from "./engine_port.ts";
import { RaftError } from "./errors.ts";
import type { RaftLimits } from "./limits.ts";
import type { RaftMeter } from "./raft_meter.ts";
import type { StoredSnapshot } from "./storage.ts";
import { decodeEntries } from "./wal/entry_codec.ts";
import { RestoreReader, SnapshotTaker } from "./worker_engine_snapshots.ts";

const VOTE = { type: "vote" } as const;

/** What the member's side takes of Env. */
export type WorkerEngineEnv = Pick<Env, "workers" | "clock" | "timers" | "log">;

/** Calls with every change of the certificates, until the function it returns is called. */
export type FollowTls = (secure: (tls: ListenTls) => void) => () => void;

/** Who gets what the Worker says. */
interface Owner {
  readonly host: DriverHost;
  readonly meter: RaftMeter;
}

/**
 * Starts the Worker of a member and has it open its log; the engine runs from its `start` on. Rejects
 * with what was wrong in the Worker: the RaftErrors of its disk, SocketError and RemoteError of its links,
 * RaftError `WorkerLost` where it did not answer.
 */
export async function startWorkerEngine(
  env: WorkerEngineEnv,
  module: string,
  plan: EnginePlan,
  follow: FollowTls = () => () => {},
): Promise<EngineMaker> {
  checkLimits(plan.stores.limits);
  const handle = env.workers.start(module, { name: engineNodeId(plan.options.id) });
  const engine = new WorkerEngine(env, handle, plan);
  await engine.open(module);
  engine.follow(follow);
  return (host, meter) => engine.of({ host, meter });
}

function checkLimits({ commandBytes, chunkBytes, engineFrameBytes }: RaftLimits): void {
  assert(commandBytes <= engineFrameBytes, "any command fits into a frame to the Worker");
  assert(chunkBytes <= engineFrameBytes, "any piece of a snapshot does");
}

/** See the head of this file. */
class WorkerEngine implements Engine {
  readonly #env: WorkerEngineEnv;
  readonly #plan: EnginePlan;
  readonly #handle: WorkerHandle;
  readonly #port: EnginePort<EngineOrder, EngineReport>;
  readonly #taker: SnapshotTaker;
  readonly #restores: RestoreReader;
  readonly #opened = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #owner: Owner | null = null;
  #status: RaftStatus | null = null;
  #endFollowing = (): void => {};
  #isDiskFull = false;
  #stopping: Promise<void> | null = null;
  #failure: RaftError | null = null;
  /** Of entries that have come and of which nobody may have been told that they are applied. */
  #untoldBytes = 0;
  #toldStranger = false;

  constructor(env: WorkerEngineEnv, handle: WorkerHandle, plan: EnginePlan) {
    this.#env = env;
    this.#plan = plan;
    this.#handle = handle;
    const { limits } = plan.stores;
    this.#port = new EnginePort(handle.socket, limits.engineFrameBytes, {
      received: (report, blocks) => this.#received(report, blocks),
      closed: () => this.#closed(),
    });
    const post = (order: EngineOrder, blocks?: readonly Block[]) => this.#port.post(order, blocks);
    this.#taker = new SnapshotTaker({ env, limits, post });
    this.#restores = new RestoreReader({ post });
  }

  /** Resolves when the Worker has opened its log and listens. */
  async open(module: string): Promise<void> {
    this.#port.post({ do: "open", plan: this.#plan });
    const { engineStartMs } = this.#plan.stores.limits;
    const what = `it did not answer in ${engineStartMs} ms; see that ${module} awaits ` +
      `startGroupWorker`;
    const bound = this.#env.timers.after(engineStartMs, () => this.#opened.reject(lost(what)));
    try {
      await this.#opened.promise;
    } catch (error) {
      this.#end(bound);
      throw error;
    } finally {
      bound.cancel();
    }
  }

  /** Its links use other certificates whenever there are such. */
  follow(follow: FollowTls): void {
    this.#endFollowing = follow((tls) => {
      if (this.#stopping === null) this.#port.post({ do: "secure", tls });
    });
  }

  of(owner: Owner): this {
    this.#owner = owner;
    return this;
  }

  get isDiskFull(): boolean {
    return this.#isDiskFull;
  }

  start(): void {
    if (this.#failure === null) this.#port.post({ do: "start" });
    else this.#owner?.host.failed(this.#failure);
  }

  input(input: Input): void {
    if (this.#stopping !== null || this.#failure !== null) return;
    switch (input.type) {
      case "propose":
        return this.#propose(input.proposals);
      case "change":
      case "read":
      case "transfer":
        return this.#port.post({ do: "input", input });
      case "applied":
        return this.#applied(input);
      default:
        return this.#strange(input.type);
    }
  }

  status(): RaftStatus {
    assert(this.#status !== null, "a Worker that is open has told its status");
    return this.#status;
  }

  async snapshot(index: number, pieces: Iterable<Uint8Array>): Promise<SnapshotMeta | null> {
    if (this.#stopping !== null || this.#failure !== null) return null;
    return await this.#taker.take(index, pieces);
  }

  pieces(stored: StoredSnapshot): AsyncIterable<Uint8Array> {
    return this.#restores.read(stored);
  }

  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    const error = new RaftError("Stopped", "use the log of a group: its member has stopped");
    this.#taker.stop(error);
    this.#restores.stop(error);
    this.#port.post({ do: "stop" });
    const { engineStopMs } = this.#plan.stores.limits;
    const bound = this.#env.timers.after(engineStopMs, () => {
      this.#env.log.write("warn", "the Worker of a Raft group took too long to stop", {
        group: this.#plan.group,
        member: this.#plan.options.id,
      });
      this.#gone.resolve();
    });
    await this.#gone.promise;
    this.#end(bound);
  }

  #end(bound: TimerHandle): void {
    bound.cancel();
    this.#endFollowing();
    this.#stopping ??= Promise.resolve();
    this.#handle.terminate();
  }

  /** It makes room for more to apply, of which there is plenty: it may wait for the next order or beat. */
  #applied(input: Extract<Input, { type: "applied" }>): void {
    const order = { do: "input", input } as const;
    if (this.#untoldBytes < this.#plan.stores.limits.applyingBytes / 4) {
      return this.#port.postLazily(order);
    }
    this.#untoldBytes = 0;
    this.#port.post(order);
  }

  /** More than the core would take anyway is refused here, so that what waits at the port is bounded. */
  #propose(proposals: readonly Proposal[]): void {
    const { uncommittedBytes } = this.#plan.stores.limits;
    if (this.#port.bufferedBytes <= uncommittedBytes) {
      const heads = proposals.map(({ id, durability }) => ({ id, durability }));
      return this.#port.post(
        { do: "propose", proposals: heads },
        proposals.map(({ data }) => data),
      );
    }
    const reason = `its Worker has not read ${this.#port.bufferedBytes} B of commands`;
    const leader = this.status().leader;
    for (const { id } of proposals) {
      const refused = { id, outcome: "refused", code: "Overloaded", leader, reason } as const;
      this.#owner?.host.answered(refused);
    }
  }

  /** Where one member has its core in a Worker, all have, or they do not hear each other. */
  #strange(what: string): void {
    if (this.#toldStranger) return;
    this.#toldStranger = true;
    const message =
      "Raft's messages come to this node instead of its Worker; give all members the same `engine`";
    const { group, options } = this.#plan;
    this.#env.log.write("error", message, { group, member: options.id, what });
  }

  #received(report: EngineReport, blocks: readonly Uint8Array[]): void {
    switch (report.say) {
      case "opened":
        this.#status = report.status;
        return this.#opened.resolve();
      case "refused":
        return this.#opened.reject(fromEngineError(report.error));
      case "stopped":
        return this.#gone.resolve();
      case "taken":
        return this.#taker.taken(report.id);
      case "snapshot":
        return this.#taker.done(report);
      case "restore":
        this.#restores.began(report.id, report.stored);
        break;
      case "piece":
        return this.#restores.piece(report.id, blocks[0]!);
      case "pieces end":
        return this.#restores.ended(report);
      case "status":
        this.#status = report.status;
        this.#isDiskFull = report.isDiskFull;
        return this.#port.post({ do: "beat" });
    }
    if (this.#owner !== null && this.#stopping === null) this.#toOwner(this.#owner, report, blocks);
  }

  #toOwner({ host, meter }: Owner, report: EngineReport, blocks: readonly Uint8Array[]): void {
    switch (report.say) {
      case "apply":
        this.#untoldBytes += blocks[0]!.length;
        return host.apply(decodeEntries(blocks[0]!));
      case "restore":
        return host.restore(report.stored);
      case "answered":
        return host.answered(report.answer);
      case "read answered":
        return host.readAnswered(report.answer);
      case "happened":
        return host.happened(report.event);
      case "vote":
        return report.way === "sent" ? meter.sent(VOTE) : meter.received(VOTE);
      case "vote reply":
        return meter.received({ type: "voteReply", granted: report.granted });
      case "failed":
        return this.#failed(report.error);
    }
  }

  #failed(error: EngineError): void {
    const thrown = fromEngineError(error);
    this.#fail(thrown instanceof RaftError ? thrown : lost(thrown.message));
  }

  /** The port has closed: the Worker is gone. */
  #closed(): void {
    this.#opened.reject(lost("it ended before its log was open; look in the log for its error"));
    this.#opened.promise.catch(() => {});
    this.#gone.resolve();
    if (this.#stopping === null) this.#fail(lost("it has ended; look in the log for its error"));
  }

  #fail(error: RaftError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#taker.stop(error);
    this.#restores.stop(error);
    this.#owner?.host.failed(error);
  }
}

function lost(why: string): RaftError {
  return new RaftError("WorkerLost", `run the core and log of a member in a Worker: ${why}`);
}
