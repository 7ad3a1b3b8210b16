/** Requests and their answers on one stream, many at once (section 2 of the draft). */

import { assert } from "../../runtime/base/assert.ts";
import type { Env, TimerHandle } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import {
  type Answer,
  decodeAnswer,
  encodePacket,
  encodeWrite,
  type Field,
  joined,
  MOST_DATA_BYTES,
  PacketStream,
  TYPE,
} from "./packets.ts";
import type { OpenWire, Wire } from "./wire.ts";

/** What a server said of itself in the handshake. */
export interface ServerVersion {
  /** Names of extensions and what is told of each. */
  readonly extensions: ReadonlyMap<string, string>;
}

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** Until then its silence is no reason to give up: the server has work to do. */
  readonly patientUntilMs: number;
}

const VERSION = 3;
/** Packets that are longer are sent as they are. */
const JOINED_BELOW_BYTES = 4_096;
/** As many as a window holds, of those that a session writes. */
const MOST_SPARE = Math.ceil(protocolLimits.sftpWindowBytes / MOST_DATA_BYTES);
const MAX_ID = 0xffff_ffff;

/** The requests of one stream; one that fails takes all others with it. */
export class Requests {
  readonly place: string;
  readonly #env: Env;
  readonly #idleMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #packets = new PacketStream(protocolLimits.sftpPacketMaxBytes);
  #wire: Wire | null = null;
  #greeted: PromiseWithResolvers<Answer> | null = null;
  #error: unknown = null;
  #id = 0;
  /** What is to be sent at the end of this turn. */
  #queue: Uint8Array[] = [];
  /** Memory of writes that have left, for others of the same length. */
  readonly #spare: Uint8Array[] = [];
  #heardMs: number;
  #watch: TimerHandle | null = null;

  private constructor(place: string, env: Env, idleMs: number) {
    this.place = place;
    this.#env = env;
    this.#idleMs = idleMs;
    this.#heardMs = env.clock.monotonic();
  }

  /**
   * Opens the stream and greets the server. `place` names it in messages; a server that is silent for
   * `idleMs` while something is asked is given up with `timeout`.
   */
  static async open(
    place: string,
    openWire: OpenWire,
    env: Env,
    idleMs: number,
  ): Promise<{ requests: Requests; version: ServerVersion }> {
    const requests = new Requests(place, env, idleMs);
    const version = await requests.#greet(openWire);
    return { requests, version };
  }

  get isBroken(): boolean {
    return this.#error !== null;
  }

  /**
   * Asks, and resolves to what the server answers, whatever it is. `workMs`: what it may take longer than
   * any answer may.
   */
  ask(type: number, fields: readonly Field[], workMs = 0): Promise<Answer> {
    return this.#send((id) => encodePacket(type, id, fields), workMs);
  }

  /** As `ask`, for data. */
  write(handle: Uint8Array, offset: number, data: Uint8Array): Promise<Answer> {
    return this.#send((id) => encodeWrite(id, handle, offset, data, this.#spare.pop()));
  }

  /** Ends the stream; everything that waits fails. Idempotent. */
  async end(): Promise<void> {
    this.#fail(new ProtocolError("aborted", `the session with ${this.place} was ended`));
    await this.#wire?.end();
  }

  async #greet(openWire: OpenWire): Promise<ServerVersion> {
    const greeted = Promise.withResolvers<Answer>();
    // Whoever waits for the wire hears of its failure there.
    greeted.promise.catch(() => {});
    this.#greeted = greeted;
    const wire = await openWire({
      bytes: (bytes) => this.#receive(bytes),
      ended: (why) => this.#fail(why),
    });
    if (this.#error !== null) {
      await wire.end();
      throw this.#error;
    }
    this.#wire = wire;
    wire.send(encodePacket(TYPE.init, null, [{ u32: VERSION }]));
    this.#look();
    const answer = await greeted.promise;
    assert(answer.type === "version", "only a version greets");
    if (answer.version >= VERSION) return { extensions: answer.extensions };
    const reason = `the server speaks version ${answer.version} of SFTP, and not ${VERSION}`;
    const error = new ProtocolError("unsupported", `cannot use ${this.place}: ${reason}`);
    this.#fail(error);
    throw error;
  }

  #send(encode: (id: number) => Uint8Array, workMs = 0): Promise<Answer> {
    if (this.#error !== null) return Promise.reject(this.#error);
    const id = this.#nextId();
    if (this.#pending.size === 0) this.#heardMs = this.#env.clock.monotonic();
    const patientUntilMs = workMs === 0 ? 0 : this.#env.clock.monotonic() + this.#idleMs + workMs;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, patientUntilMs });
      this.#later(encode(id));
      this.#look();
    });
  }

  /** What is asked in one turn leaves as one: each piece costs a call, and a packet of the carrier. */
  #later(packet: Uint8Array): void {
    this.#queue.push(packet);
    if (this.#queue.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    if (this.#error !== null) return;
    let small: Uint8Array[] = [];
    for (const packet of queue) {
      if (packet.length < JOINED_BELOW_BYTES) {
        small.push(packet);
        continue;
      }
      if (small.length > 0) this.#wire!.send(joined(small));
      small = [];
      this.#wire!.send(packet, () => this.#keep(packet));
    }
    if (small.length > 0) this.#wire!.send(joined(small));
  }

  #keep(packet: Uint8Array): void {
    if (this.#spare[0]?.length !== packet.length) this.#spare.length = 0;
    if (this.#spare.length < MOST_SPARE) this.#spare.push(packet);
  }

  #nextId(): number {
    do this.#id = this.#id === MAX_ID ? 0 : this.#id + 1; while (this.#pending.has(this.#id));
    return this.#id;
  }

  #receive(bytes: Uint8Array): void {
    if (this.#error !== null) return;
    this.#heardMs = this.#env.clock.monotonic();
    try {
      for (const packet of this.#packets.push(bytes)) this.#settle(decodeAnswer(packet));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #settle(answer: Answer): void {
    if (answer.type === "version") {
      const greeted = this.#greeted;
      this.#greeted = null;
      greeted?.resolve(answer);
      return;
    }
    const pending = this.#pending.get(answer.id);
    // An answer that nobody waits for cannot be matched, and neither can those behind it.
    if (pending === undefined || this.#greeted !== null) {
      const message = `cannot understand ${this.place}: it answered what was not asked`;
      throw new ProtocolError("badResponse", message);
    }
    this.#pending.delete(answer.id);
    pending.resolve(answer);
  }

  /** One timer for all requests: as long as anything is asked, something must come. */
  #look(): void {
    if (this.#watch !== null || this.#error !== null) return;
    const isWaiting = this.#pending.size > 0 || this.#greeted !== null;
    if (!isWaiting) return;
    const leftMs = this.#givenUpMs() - this.#env.clock.monotonic();
    if (leftMs <= 0) {
      const message = `cannot go on with ${this.place}: it was silent for ${this.#idleMs} ms`;
      return this.#fail(new ProtocolError("timeout", message));
    }
    this.#watch = this.#env.timers.after(leftMs, () => {
      this.#watch = null;
      this.#look();
    });
  }

  #givenUpMs(): number {
    let latestMs = this.#heardMs + this.#idleMs;
    for (const { patientUntilMs } of this.#pending.values()) {
      latestMs = Math.max(latestMs, patientUntilMs);
    }
    return latestMs;
  }

  #fail(why: unknown): void {
    if (this.#error !== null) return;
    this.#error = why;
    this.#watch?.cancel();
    this.#watch = null;
    void this.#wire?.end();
    this.#greeted?.reject(why);
    this.#greeted = null;
    for (const { reject } of this.#pending.values()) reject(why);
    this.#pending.clear();
  }
}
