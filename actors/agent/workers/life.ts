/**
 * One life of a Worker: from its start to the moment when its thread is certainly gone.
 *
 * That its port has closed proves nothing: Deno 2.9.6 tells the end of a thread that was terminated at
 * once, and one in a busy loop went on writing for 5 s. So each Worker keeps a file locked, which the
 * system frees with the thread's resources; writes and renames are calls of the thread itself. Only when
 * the lock can be had is the writer of its temporary files gone.
 */

import type { EndReason } from "../../../runtime/actor/definition.ts";
import type { Node } from "../../../runtime/actor/node.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { messageOf } from "../../../runtime/base/errors.ts";
import type { LimitValues } from "../../../runtime/base/limits.ts";
import type { Env } from "../../../runtime/env/env.ts";
import type { LinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { WorkerNode } from "../../../runtime/remote/worker.ts";
import { Job } from "../../job/messages.ts";
import type { Progress } from "../../job/meter.ts";
import type { ACTOR_LIMITS } from "../../limits.ts";
import { Bench, BENCH_PATH, type Opening } from "./messages.ts";
import type { Load } from "./placing.ts";

type Limits = LimitValues<typeof ACTOR_LIMITS>;

/** What a Worker is started with. */
export interface LifePlan {
  /** The id of its node. */
  readonly id: string;
  /** Absolute URL of its module, which awaits `serveAttempts`. */
  readonly module: string;
  readonly opening: Opening;
}

/** Starts a Worker; resolves when it takes attempts. */
export async function startLife(
  node: LinkedNode,
  plan: LifePlan,
  limits: Limits,
): Promise<WorkerLife> {
  const worker = await node.worker(plan.module, { name: plan.id });
  const life = new WorkerLife(node, worker, plan.opening.lock, limits);
  try {
    await life.bench.ask("open", plan.opening, { withinMs: limits.workerAnswerMs });
    return life;
  } catch (error) {
    await life.stop();
    throw error;
  }
}

/** See the head of this file. */
export class WorkerLife {
  readonly id: string;
  readonly bench: Ref<typeof Bench>;
  /** Resolves when nothing that this Worker has begun can do anything any more. */
  readonly gone: Promise<void>;
  readonly #node: Node;
  readonly #worker: WorkerNode;
  readonly #limits: Limits;
  /** What is left, by job id. */
  readonly #left = new Map<string, number | null>();
  #isEnding = false;

  constructor(node: Node, worker: WorkerNode, lock: string, limits: Limits) {
    this.id = worker.id;
    this.bench = node.ref(Bench, `quorus://${worker.id}/${BENCH_PATH}`);
    this.gone = worker.ended.then(() => untilUnlocked(node.env, lock, limits.workerGoneMs));
    this.#node = node;
    this.#worker = worker;
    this.#limits = limits;
    void worker.ended.then(() => this.#isEnding = true);
  }

  /** It takes attempts. */
  get isUp(): boolean {
    return !this.#isEnding;
  }

  get load(): Load {
    return { attempts: this.#left.size, leftBytes: [...this.#left.values()] };
  }

  /** It has got an attempt of that job. */
  took(jobId: string): void {
    this.#left.set(jobId, null);
  }

  /** It has an attempt of that job. */
  has(jobId: string): boolean {
    return this.#left.has(jobId);
  }

  /** An attempt has told how far it is. */
  progressed(jobId: string, { totalBytes, doneBytes }: Progress): void {
    if (!this.#left.has(jobId) || totalBytes === null) return;
    this.#left.set(jobId, Math.max(0, totalBytes - doneBytes));
  }

  /** An attempt is over. */
  finished(jobId: string): void {
    this.#left.delete(jobId);
  }

  /** How an attempt's actor has ended, once it has. */
  async ended(name: string): Promise<EndReason> {
    const ref = this.#node.ref(Job, `${this.bench.address}/${name}`);
    return (await this.#node.ended(ref)).reason;
  }

  /** Revokes an attempt, if there is one; resolves when it is certainly over. */
  async end(name: string, why: string): Promise<void> {
    if (!this.isUp) return await this.gone;
    try {
      await this.bench.ask("end", { name, why }, { withinMs: this.#limits.workerAnswerMs });
    } catch (error) {
      // Who does not even answer is ended as a whole.
      const facts = { worker: this.id, attempt: name, why: messageOf(error) };
      this.#node.env.log.write("warn", "a Worker does not answer, and is ended", facts);
      await this.stop();
    }
  }

  /** Ends it; resolves when it is certainly gone. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.stop({ withinMs: this.#limits.workerStopMs });
    await this.gone;
  }
}

async function untilUnlocked(
  { disk, timers, log }: Pick<Env, "disk" | "timers" | "log">,
  path: string,
  everyMs: number,
): Promise<void> {
  for (let hasTold = false;;) {
    try {
      const lock = await disk.tryLock(path);
      if (lock !== null) return await lock.release();
    } catch (error) {
      // Nothing is proved: a full table of files passes, and until then its attempts count as alive.
      if (!hasTold) log.write("warn", "cannot look at a lock", { path, why: messageOf(error) });
      hasTold = true;
    }
    await new Promise<void>((resolve) => void timers.after(everyMs, resolve));
  }
}
