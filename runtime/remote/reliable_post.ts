/** Reliable delivery of one node: its producers by name, and what other nodes' producers send. */

import type { Dock, Receipt } from "../actor/bridge.ts";
import type { ActorError } from "../actor/errors.ts";
import { parseAddress } from "../actor/address.ts";
import { laneOf, type Protocol } from "../actor/protocol.ts";
import { packRecord } from "./frames.ts";
import type { RemoteLimits } from "./limits.ts";
import type { Session } from "./peer_session.ts";
import { linksClosed, notHandled, tooLong, tooMany } from "./reliable_errors.ts";
import { type Numbered, ReliableInbox } from "./reliable_inbox.ts";
import { type ConfirmRecord, ReliableStream, type Settle } from "./reliable_stream.ts";
import type { MessageLane } from "./wire.ts";

/** A message that was read by its sender's side and may go. */
export interface Prepared {
  /** What it takes of the producer's room. */
  readonly bytes: number;
  post(settle: Settle): void;
}

/** The way to one actor. */
export interface Outlet {
  /** Throws ActorError `NotEncodable`, `TooMany`. */
  prepare(tag: string, body: unknown): Prepared;
  /** Settles everything that is under way. */
  close(errorOf: (tag: string, definite: boolean) => ActorError): void;
}

/** What reliable delivery needs of its hub. */
export interface PostWay {
  readonly dock: Dock;
  readonly limits: RemoteLimits;
  /** The association with that node, while its link stands. */
  session(node: string): Session | null;
}

interface Sender {
  readonly node: string;
  readonly address: string;
  readonly stream: ReliableStream;
}

/** Reliable delivery of one node. */
export class ReliablePost {
  readonly inbox: ReliableInbox;
  readonly #way: PostWay;
  readonly #senders = new Map<string, Sender>();
  readonly #locals = new Set<LocalOutlet>();
  #isClosed = false;

  constructor(way: PostWay) {
    this.#way = way;
    const { dock: { deadlines }, limits } = way;
    const say = (node: string, record: ConfirmRecord): boolean => {
      const session = way.session(node);
      session?.say(record);
      return session !== null;
    };
    this.inbox = new ReliableInbox({ deadlines, limits, say });
  }

  get limits(): RemoteLimits {
    return this.#way.limits;
  }

  /** A way to the actor at `address` for the producer of that name, which nobody else has. */
  open(address: string, protocol: Protocol, name: string): Outlet {
    const { node, path } = parseAddress(address);
    const target = { node, path, address, protocol };
    if (node === this.#way.dock.node) {
      const outlet = new LocalOutlet(this.#way.dock, target, () => this.#isClosed);
      this.#locals.add(outlet);
      outlet.onClose = () => this.#locals.delete(outlet);
      return outlet;
    }
    const streams = new Map<MessageLane, ReliableStream>();
    const streamOf = (lane: MessageLane): ReliableStream => {
      const stream = streams.get(lane) ?? this.#add(target, `${name}/${lane}`, lane);
      streams.set(lane, stream);
      return stream;
    };
    return {
      prepare: (tag, body) => this.#prepare(target, tag, body, streamOf),
      close: (errorOf) => {
        for (const [lane, stream] of streams) {
          this.#senders.delete(`${name}/${lane}`);
          stream.close(errorOf);
        }
        streams.clear();
      },
    };
  }

  /** A reliable message has come. */
  take(node: string, message: Numbered, receipt: Receipt, deliver: (r: Receipt) => void): void {
    this.inbox.take(node, message, receipt, deliver);
  }

  /** A node says how far it has processed; false if that cannot be. */
  confirmed(node: string, record: ConfirmRecord): boolean {
    const sender = this.#senders.get(record.producer);
    if (sender === undefined) return true; // closed meanwhile
    return sender.node === node && sender.stream.confirmed(record);
  }

  /** A new link with that node begins. */
  relinking(node: string): void {
    this.inbox.relinking(node);
  }

  /** The new link stands. */
  linked(node: string): void {
    this.inbox.linked(node);
    for (const sender of this.#senders.values()) if (sender.node === node) sender.stream.linked();
  }

  /** Everything settles. */
  close(): void {
    this.#isClosed = true;
    this.inbox.close();
    const senders = [...this.#senders.values()];
    this.#senders.clear();
    for (const { address, stream } of senders) {
      stream.close((tag, definite) => linksClosed(address, tag, definite));
    }
    for (const local of [...this.#locals]) {
      local.close((tag, definite) => linksClosed(local.address, tag, definite));
    }
  }

  #add({ node, path, address }: Target, producer: string, lane: MessageLane): ReliableStream {
    const { dock: { deadlines }, limits } = this.#way;
    if (this.#senders.size >= limits.reliableProducers) {
      throw tooMany(address, `this node has ${limits.reliableProducers} producers`);
    }
    const session = (): Session | null => this.#way.session(node);
    const stream = new ReliableStream({
      path,
      address,
      lane,
      producer,
      limits,
      deadlines,
      session,
    });
    this.#senders.set(producer, { node, address, stream });
    return stream;
  }

  #prepare(
    { path, address, protocol }: Target,
    tag: string,
    body: unknown,
    streamOf: (lane: MessageLane) => ReliableStream,
  ): Prepared {
    if (this.#isClosed) throw linksClosed(address, tag, true);
    const type = `${protocol.name}/${tag}`;
    const packed = packRecord({ v: protocol.version, type, to: path, body });
    const mostBytes = this.#way.limits.messageBytes;
    if (packed.bytes > mostBytes) throw tooLong(address, tag, packed.bytes, mostBytes, true);
    // It may have to be sent again when its owner has long used the buffer for something else.
    const attachments = packed.attachments.map((one) => one.slice());
    const stream = streamOf(laneOf(protocol, tag));
    return {
      bytes: packed.bytes,
      post: (settle) => {
        if (this.#isClosed) settle(linksClosed(address, tag, true));
        else stream.add({ ...packed, attachments, tag, settle });
      },
    };
  }
}

interface Target {
  readonly node: string;
  readonly path: string;
  readonly address: string;
  readonly protocol: Protocol;
}

/** To an actor of this node: nothing is lost on the way, so nothing is numbered. */
class LocalOutlet implements Outlet {
  readonly address: string;
  readonly #dock: Dock;
  readonly #target: Target;
  readonly #isNodeClosed: () => boolean;
  readonly #open = new Set<{ readonly tag: string; readonly settle: Settle }>();
  onClose = (): void => {};

  constructor(dock: Dock, target: Target, isNodeClosed: () => boolean) {
    this.address = target.address;
    this.#dock = dock;
    this.#target = target;
    this.#isNodeClosed = isNodeClosed;
  }

  prepare(tag: string, body: unknown): Prepared {
    if (this.#isNodeClosed()) throw linksClosed(this.address, tag, true);
    return { bytes: 0, post: (settle) => this.#post(tag, body, settle) };
  }

  close(errorOf: (tag: string, definite: boolean) => ActorError): void {
    const open = [...this.#open];
    this.#open.clear();
    this.onClose();
    for (const { tag, settle } of open) settle(errorOf(tag, false));
  }

  #post(tag: string, body: unknown, settle: Settle): void {
    if (this.#isNodeClosed()) return settle(linksClosed(this.address, tag, true));
    const { path, protocol: { name: protocol, version } } = this.#target;
    const { node } = this.#dock;
    const one = { tag, settle };
    this.#open.add(one);
    this.#dock.tell({ path, protocol, version, tag, body, node, from: null, trace: null }, {
      processed: (outcome) => {
        if (!this.#open.delete(one)) return;
        settle(outcome === "handled" ? null : notHandled(this.address, tag, outcome));
      },
    });
  }
}
