/** Connections in memory, between a client's {@link Line} and a paper server. */

import { ProtocolError } from "../../../protocols/errors.ts";
import type { Dial, Line, Securing } from "../../../protocols/ftp/line.ts";
import type { Timers } from "../../../runtime/env/env.ts";

/** A connection as a paper server uses it. */
export interface PaperLine {
  /** `null` at the end. */
  read(): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
  finish(): void;
  /** Cuts it, without an end. */
  end(): void;
  /** Goes on in TLS. */
  secure(): void;
  readonly isSecure: boolean;
}

/** A port on which a paper server waits for one connection. */
export interface PaperPort {
  readonly port: number;
  accept(): Promise<PaperLine>;
  close(): void;
}

/** How a paper server waits for data connections. */
export type PaperListen = () => Promise<PaperPort>;

/** What went over a connection, as an outsider could read it. */
export interface Overheard {
  readonly text: string;
  readonly isSecure: boolean;
}

const MOST_QUEUED = 4;

/** One direction: bytes that are taken later than they are given. */
class Pipe {
  readonly #timers: Timers;
  readonly #queue: (Uint8Array | null)[] = [];
  #taker: ((bytes: Uint8Array | null) => void) | null = null;
  #room: (() => void) | null = null;
  #flying = 0;
  isCut = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  give(bytes: Uint8Array | null): Promise<void> {
    if (this.isCut) return Promise.reject(new Error("the connection was cut"));
    this.#flying += 1;
    this.#timers.after(1, () => this.#arrive(bytes));
    return new Promise((resolve) => {
      if (this.#queue.length + this.#flying < MOST_QUEUED) resolve();
      else this.#room = resolve;
    });
  }

  take(): Promise<Uint8Array | null> {
    const first = this.#queue.shift();
    this.#room?.();
    this.#room = null;
    if (first !== undefined) return Promise.resolve(first);
    if (this.isCut) return Promise.resolve(null);
    return new Promise((resolve) => this.#taker = resolve);
  }

  cut(): void {
    this.isCut = true;
    this.#taker?.(null);
    this.#taker = null;
    this.#room?.();
  }

  #arrive(bytes: Uint8Array | null): void {
    this.#flying -= 1;
    if (this.isCut) return;
    const taker = this.#taker;
    this.#taker = null;
    if (taker === null) this.#queue.push(bytes);
    else {
      taker(bytes);
      this.#room?.();
      this.#room = null;
    }
  }
}

class MemoryEnd implements Line, PaperLine {
  readonly address: string;
  certificate: Uint8Array | null = null;
  readonly cameBytes = 0;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #overheard: Overheard[];
  isSecure = false;
  securing: Securing | null = null;
  #isOver = false;

  constructor(address: string, incoming: Pipe, outgoing: Pipe, overheard: Overheard[]) {
    this.address = address;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#overheard = overheard;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#isOver) return null;
    const bytes = await this.#incoming.take();
    this.#isOver ||= bytes === null;
    return bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const text = new TextDecoder().decode(bytes.subarray(0, 200));
    this.#overheard.push({ text, isSecure: this.isSecure });
    try {
      await this.#outgoing.give(bytes.slice());
    } catch (cause) {
      throw new ProtocolError("unreachable", "cannot go on: the connection was cut", { cause });
    }
  }

  finish(): Promise<void> {
    return this.#outgoing.give(null).catch(() => {});
  }

  end(): Promise<void> {
    this.#incoming.cut();
    this.#outgoing.cut();
    return Promise.resolve();
  }

  secure(securing?: Securing): Promise<void> {
    this.isSecure = true;
    this.securing = securing ?? null;
    this.certificate = Uint8Array.of(1);
    return Promise.resolve();
  }
}

/** The network of a paper server: its control port, and the ports that it opens for data. */
export class PaperNetwork {
  readonly address: string;
  /** Everything that was said, in both directions. */
  readonly overheard: Overheard[] = [];
  /** Where connections went. */
  readonly dialed: string[] = [];
  readonly #timers: Timers;
  readonly #serve: (line: PaperLine) => void;
  readonly #ports = new Map<number, (line: PaperLine) => void>();
  readonly #open = new Set<MemoryEnd>();
  #port = 40_000;

  constructor(timers: Timers, address: string, serve: (line: PaperLine) => void) {
    this.#timers = timers;
    this.address = address;
    this.#serve = serve;
  }

  readonly dial: Dial = (address, port, shown) => {
    this.dialed.push(`${address}:${port}`);
    const accept = port === 21 || port === 990 ? this.#serve : this.#ports.get(port);
    if (accept === undefined || address !== this.address) {
      const message = `cannot reach ${shown} at ${address}:${port}: nobody listens there`;
      return Promise.reject(new ProtocolError("unreachable", message));
    }
    const [there, back] = [new Pipe(this.#timers), new Pipe(this.#timers)];
    const client = new MemoryEnd(this.address, back, there, this.overheard);
    const server = new MemoryEnd("10.0.0.9", there, back, this.overheard);
    this.#open.add(client);
    accept(server);
    return Promise.resolve(client);
  };

  readonly listen: PaperListen = () => {
    const port = this.#port += 1;
    const accepted = Promise.withResolvers<PaperLine>();
    this.#ports.set(port, accepted.resolve);
    const close = () => void this.#ports.delete(port);
    return Promise.resolve({ port, close, accept: () => accepted.promise });
  };

  /** Cuts every connection, as a server does that dies. */
  cut(): void {
    for (const end of this.#open) void end.end();
    this.#open.clear();
  }
}
