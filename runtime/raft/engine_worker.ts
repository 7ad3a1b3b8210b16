/**
 * In the Worker: a member's core, log and snapshots, with links of their own to those of the other
 * members, so that votes, heartbeats, appends and syncs go on while the member's own thread is busy.
 */

import { actor } from "../actor/definition.ts";
import { formatAddress } from "../actor/address.ts";
import type { Ref } from "../actor/ref.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import { messageOf } from "../base/errors.ts";
import type { ListenTls, Socket } from "../env/sockets.ts";
import { RemoteError } from "../remote/handshake_refusals.ts";
import { type LinkedNode, startLinkedNode } from "../remote/linked_node.ts";
import type { Entry, MemberId } from "./core/entry.ts";
import type { Message } from "./core/messages.ts";
import type { Answer, RaftEvent, ReadAnswer } from "./core/outputs.ts";
import type { RaftStatus } from "./core/status.ts";
import { Driver, type DriverHost } from "./driver.ts";
import { fromEngineError, toEngineError } from "./engine_errors.ts";
import {
  engineNodeId,
  type EngineOrder,
  type EnginePlan,
  type EngineReport,
  isEngineNodeId,
} from "./engine_messages.ts";
import { PieceQueue } from "./engine_pieces.ts";
import { EnginePort } from "./engine_port.ts";
import { EngineRestores } from "./engine_restores.ts";
import { RaftError } from "./errors.ts";
import { fromWire, groupPath, GroupProtocol, sendTo, type WireMessage } from "./group_messages.ts";
import { RAFT_LIMITS } from "./limits.ts";
import type { StoredSnapshot } from "./storage.ts";
import { openStores } from "./stores.ts";
import { ENTRY_HEAD_BYTES } from "./wal/entry_codec.ts";

/** What its actor sees of the Worker. */
interface Receiver {
  receive(message: WireMessage): void;
}

const receiver = actor(GroupProtocol, {
  mailbox: { full: "wait" },
  state: (args: Receiver) => args,
  on: {
    raft: (engine, message) => engine.receive(message),
    chunk: (engine, message) => engine.receive(message),
    // Between the members' own nodes, never here.
    forward: () => {},
    order: () => {},
    forwarded: () => {},
  },
});

/** The core of one member at work, once it is open. */
class EngineWorker implements DriverHost {
  readonly #plan: EnginePlan;
  readonly #env: Env;
  readonly #node: LinkedNode;
  readonly #port: EnginePort<EngineReport, EngineOrder>;
  readonly #driver: Driver;
  readonly #restores: EngineRestores;
  readonly #peers = new Map<MemberId, Ref<typeof GroupProtocol>>();
  /** The state of the snapshot that is being taken. */
  #taking: { readonly id: number; readonly pieces: PieceQueue } | null = null;
  #timer: TimerHandle | null = null;
  #heardMs: number;
  /** A status is under way: who does not read gets no more of them. */
  #isAwaitingBeat = false;
  #wasDiskFull = false;
  #hasNews = true;
  #stopping: Promise<void> | null = null;

  constructor(
    env: Env,
    plan: EnginePlan,
    node: LinkedNode,
    stores: Awaited<ReturnType<typeof openStores>>,
    port: EnginePort<EngineReport, EngineOrder>,
  ) {
    this.#env = env;
    this.#plan = plan;
    this.#node = node;
    this.#port = port;
    this.#heardMs = env.clock.monotonic();
    const { limits } = plan.stores;
    const { snapshotEntries, enginePieces, engineStallMs } = limits;
    this.#driver = new Driver({
      limits,
      env,
      options: plan.options,
      ...stores,
      witnessEntries: snapshotEntries,
      host: this,
      isServing: () => env.clock.monotonic() - this.#heardMs < engineStallMs,
    });
    this.#restores = new EngineRestores(
      stores.snapshots,
      enginePieces,
      (report, blocks) => port.post(report, blocks),
    );
  }

  // What the member's side says.

  order(order: Exclude<EngineOrder, { do: "open" }>, blocks: readonly Uint8Array[]): void {
    this.#heardMs = this.#env.clock.monotonic();
    switch (order.do) {
      case "start":
        return this.#start();
      case "input":
        return this.#driver.input(order.input);
      case "propose": {
        const proposals = order.proposals.map((one, at) => ({ ...one, data: blocks[at]! }));
        return this.#driver.input({ type: "propose", proposals });
      }
      case "snapshot":
        return void this.#takeSnapshot(order.id, order.index);
      case "piece":
        return this.#taking?.id === order.id ? this.#taking.pieces.push(blocks[0]!) : undefined;
      case "pieces end": {
        const error = order.error === null ? null : fromEngineError(order.error);
        return this.#taking?.id === order.id ? this.#taking.pieces.end(error) : undefined;
      }
      case "taken":
        return this.#restores.taken(order.id);
      case "drop":
        return this.#restores.drop(order.id);
      case "beat":
        this.#isAwaitingBeat = false;
        return;
      case "secure":
        return this.#secure(order.tls);
      case "stop":
        return void this.stop();
    }
  }

  status(): RaftStatus {
    return this.#driver.status();
  }

  /** What other members say. */
  receive(message: WireMessage): void {
    if (message.type === "vote") this.#port.post({ say: "vote", way: "received" });
    if (message.type === "voteReply") {
      this.#port.post({ say: "vote reply", granted: message.granted });
    }
    this.#driver.input({ type: "message", message: fromWire(message) });
  }

  /** What there is to say beside what leaves just now. */
  leaving(): void {
    const { isDiskFull } = this.#driver;
    if (!this.#hasNews && isDiskFull === this.#wasDiskFull) return;
    this.#tellStatus();
  }

  /** Writes what is being written, frees the folder, leaves the others. */
  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  // DriverHost.

  send(message: Message): boolean {
    if (message.type === "vote") this.#port.post({ say: "vote", way: "sent" });
    return sendTo(this.#peer(message.to), message);
  }

  /** In blocks that fit into frames. */
  apply(entries: readonly Entry[]): void {
    const { engineFrameBytes } = this.#plan.stores.limits;
    let from = 0;
    let bytes = 0;
    for (const [at, entry] of entries.entries()) {
      const length = ENTRY_HEAD_BYTES + entry.data.length;
      if (bytes > 0 && bytes + length > engineFrameBytes) {
        this.#port.post({ say: "apply" }, [entries.slice(from, at)]);
        [from, bytes] = [at, 0];
      }
      bytes += length;
    }
    this.#port.post({ say: "apply" }, [entries.slice(from)]);
  }

  restore(stored: StoredSnapshot): void {
    this.#restores.begin(stored);
  }

  /** Where a command stands nobody needs to know before it is applied there. */
  answered(answer: Answer): void {
    const report = { say: "answered", answer } as const;
    if (answer.outcome === "appended") this.#port.postLazily(report);
    else this.#port.post(report);
  }

  readAnswered(answer: ReadAnswer): void {
    this.#port.post({ say: "read answered", answer });
  }

  happened(event: RaftEvent): void {
    this.#hasNews = true;
    this.#port.post({ say: "happened", event });
  }

  failed(error: RaftError): void {
    this.#port.post({ say: "failed", error: toEngineError(error) });
  }

  async #stop(): Promise<void> {
    this.#timer?.cancel();
    this.#taking?.pieces.end(new RaftError("Stopped", "take a snapshot: the member stops"));
    this.#restores.stop();
    await this.#driver.stop().catch(() => {}); // its error has been told already
    await this.#node.stop({ withinMs: 0 });
    this.#port.post({ say: "stopped" });
  }

  #secure(tls: ListenTls): void {
    try {
      this.#node.links.secure(tls);
    } catch (error) {
      const facts = { group: this.#plan.group, reason: messageOf(error) };
      const message = "the certificates of a Raft group's Worker cannot be used; those before stay";
      this.#env.log.write("warn", message, facts);
    }
  }

  #start(): void {
    this.#driver.start();
    this.#tick();
  }

  #tick(): void {
    this.#timer = this.#env.timers.after(this.#plan.options.heartbeatMs, () => {
      if (!this.#isAwaitingBeat) {
        this.#isAwaitingBeat = true;
        this.#tellStatus();
      }
      this.#tick();
    });
  }

  #tellStatus(): void {
    this.#hasNews = false;
    this.#wasDiskFull = this.#driver.isDiskFull;
    const status = this.#driver.status();
    this.#port.post({ say: "status", status, isDiskFull: this.#wasDiskFull });
  }

  async #takeSnapshot(id: number, index: number): Promise<void> {
    const pieces = new PieceQueue(() => this.#port.post({ say: "taken", id }), () => {});
    this.#taking = { id, pieces };
    try {
      const snapshot = await this.#driver.snapshot(index, pieces);
      this.#port.post({ say: "snapshot", id, snapshot, error: null });
    } catch (error) {
      this.#port.post({ say: "snapshot", id, snapshot: null, error: toEngineError(error) });
    }
    if (this.#taking?.id === id) this.#taking = null;
  }

  #peer(id: MemberId): Ref<typeof GroupProtocol> {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const address = formatAddress(engineNodeId(id), groupPath(this.#plan.group));
    const ref = this.#node.ref(GroupProtocol, address);
    this.#peers.set(id, ref);
    return ref;
  }
}

/**
 * Runs the core and log of a member in this Worker; resolves when its member has stopped it, or is gone.
 * Throws RemoteError `NotAWorker` elsewhere.
 */
export async function serveGroupMember(env: Env): Promise<void> {
  const { parent } = env.workers;
  if (parent === null) {
    throw new RemoteError(
      "NotAWorker",
      "run the core and log of a group's member: this module was not started as a Worker by joinGroup; " +
        "name it in the group's `engine`",
    );
  }
  await serve(env, parent);
}

async function serve(env: Env, parent: Socket): Promise<void> {
  const over = Promise.withResolvers<void>();
  let engine: EngineWorker | null = null;
  const frameBytes = RAFT_LIMITS.engineFrameBytes.value;
  const port = new EnginePort<EngineReport, EngineOrder>(parent, frameBytes, {
    received: (order, blocks) => {
      if (order.do !== "open") return engine?.order(order, blocks);
      open(env, order.plan, port).then((opened) => {
        engine = opened;
        port.post({ say: "opened", status: opened.status() });
      }).catch((error) => port.post({ say: "refused", error: toEngineError(error) }));
    },
    leaving: () => engine?.leaving(),
    closed: () => void (engine?.stop() ?? Promise.resolve()).finally(() => over.resolve()),
  });
  await over.promise;
}

async function open(
  env: Env,
  plan: EnginePlan,
  port: EnginePort<EngineReport, EngineOrder>,
): Promise<EngineWorker> {
  const stores = await openStores(env, plan.stores);
  try {
    const node = await startNode(env, plan, port);
    const engine = new EngineWorker(env, plan, node, stores, port);
    const name = groupPath(plan.group);
    node.spawn(receiver, { name, restart: "permanent", args: engine });
    return engine;
  } catch (error) {
    await stores.log.close();
    throw error;
  }
}

/** The node that the others reach; it listens when this resolves. */
async function startNode(
  env: Env,
  { options, links }: EnginePlan,
  port: EnginePort<EngineReport, EngineOrder>,
): Promise<LinkedNode> {
  const onFatal = (error: unknown): void =>
    port.post({ say: "failed", error: toEngineError(error) });
  const id = engineNodeId(options.id);
  const admit = ({ node }: { readonly node: string }) => isEngineNodeId(node);
  const node = startLinkedNode(env, { id, links, admit, onFatal });
  try {
    await node.links.ready;
    return node;
  } catch (error) {
    await node.stop({ withinMs: 0 });
    throw error;
  }
}
