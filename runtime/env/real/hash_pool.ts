/**
 * The threads (two, unless told) that hash for all lanes of one Env; each lane keeps to one of them, so
 * its order holds.
 * Blocks are moved to the thread and back (some 20 us each way against 0.7 ms of hashing for 1 MiB),
 * so nothing is copied, and an idle worker waits in its event loop and costs nothing.
 */

import { HashError } from "../hash_error.ts";
import type { HashReply, HashRequest } from "./hash_messages.ts";

interface Call {
  readonly lane: object;
  readonly resolve: (reply: HashReply) => void;
  readonly reject: (error: HashError) => void;
}

/** One worker and its unanswered calls. */
export class HashThread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #nextCall = 1;
  #failure: HashError | null = null;

  constructor() {
    this.#worker = new Worker(new URL("./hash_worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = (event: MessageEvent<HashReply>) => this.#settle(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.stop(
        new HashError("worker", `the hash worker ended: ${event.message}; run the transfer again`, {
          retryable: true,
        }),
      );
    };
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  /** Sends what has no answer. */
  post(request: HashRequest): void {
    if (this.#failure === null) this.#worker.postMessage(request);
  }

  /** Sends what will be answered, for `lane`; `make` gets the number of the call. */
  call(
    lane: object,
    make: (call: number) => HashRequest,
    moved: ArrayBuffer[] = [],
  ): Promise<HashReply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const call = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { lane, resolve, reject });
      this.#worker.postMessage(make(call), moved);
    });
  }

  /** Forgets the hash of a lane; its open calls reject with `reason`. */
  drop(lane: object, stream: number, reason: HashError): void {
    this.post({ type: "drop", stream });
    for (const [number, call] of this.#calls) {
      if (call.lane !== lane) continue;
      this.#calls.delete(number);
      call.reject(reason);
    }
  }

  /** Ends the worker; open calls reject with `reason`. */
  stop(reason: HashError): void {
    if (this.#failure !== null) return;
    this.#failure = reason;
    this.#worker.terminate();
    for (const call of this.#calls.values()) call.reject(reason);
    this.#calls.clear();
  }

  #settle(reply: HashReply): void {
    const call = this.#calls.get(reply.call);
    this.#calls.delete(reply.call);
    call?.resolve(reply);
  }
}

/** The threads, started when the first lane needs them. */
export class HashPool {
  readonly #count: number;
  #threads: readonly HashThread[] | null = null;
  #nextStream = 1;
  #nextLane = 0;
  #closed = false;

  /** Of so many threads. */
  constructor(count: number) {
    this.#count = count;
  }

  /** A number for a running hash, never given twice. */
  stream(): number {
    return this.#nextStream++;
  }

  /** The thread for a new lane; lanes take turns, so that all are loaded alike. */
  thread(): HashThread {
    if (this.#closed) {
      throw new HashError("aborted", "cannot open a hash lane: its Env was closed");
    }
    if (this.#threads === null || this.#threads.some((thread) => thread.failed)) {
      this.#stopThreads();
      this.#threads = Array.from({ length: this.#count }, () => new HashThread());
    }
    return this.#threads[this.#nextLane++ % this.#count]!;
  }

  close(): void {
    this.#closed = true;
    this.#stopThreads();
  }

  #stopThreads(): void {
    const reason = new HashError("aborted", "hashing was given up: its Env was closed");
    for (const thread of this.#threads ?? []) thread.stop(reason);
    this.#threads = null;
  }
}
