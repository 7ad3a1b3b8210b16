/** The links of one node: who listens, who is dialled, who is linked. See `hub.ts` for its promises. */

import type { Carrier, Dock, RemoteTarget } from "../actor/bridge.ts";
import type { EndReason } from "../actor/definition.ts";
import { unreachableNode } from "../actor/errors.ts";
import type { Protocol } from "../actor/protocol.ts";
import { phiAccrualOfPings } from "../cluster/detector.ts";
import type { Env, TlsOptions } from "../env/env.ts";
import type { ListenTls, Socket } from "../env/sockets.ts";
import type { EndCause } from "./association.ts";
import type { HandshakePeer, HandshakeSelf, Identity } from "./handshake.ts";
import { ClientHandshake } from "./handshake_client.ts";
import type { HandshakeOutcome } from "./handshake.ts";
import { CLOSE_CODE, type HandshakeEvents, Shaking } from "./handshake_driver.ts";
import { RemoteError } from "./handshake_refusals.ts";
import { ServerHandshake } from "./handshake_server.ts";
import { Handover } from "./handover.ts";
import { type AdmissionView, admitBulk, admitMain } from "./hub_admission.ts";
import { HubDials } from "./hub_dials.ts";
import { HubDoor } from "./hub_door.ts";
import { checkDial, checkListen, type HubOptions, type PeerAddress } from "./hub_options.ts";
import { Partings } from "./hub_partings.ts";
import { type RemoteLimits, remoteLimits } from "./limits.ts";
import { Peer, type PeerEvent, type PeerHost, type PeerView } from "./peer.ts";
import { RateGate } from "./peer_gate.ts";
import { Quarantine } from "./peer_quarantine.ts";
import type { Session } from "./peer_session.ts";
import { PeerTarget } from "./peer_target.ts";
import { ReliablePost } from "./reliable_post.ts";
import { LINK_VERSIONS, MESSAGE_LANES } from "./wire.ts";
import { threadDetector } from "./thread_detector.ts";

/** What links use of the machine. */
export type HubEnv = Pick<Env, "timers" | "clock" | "random" | "hash" | "sockets" | "log">;

const INCARNATION_BYTES = 8;
const NONCE_BYTES = 16;
type Refused = Extract<HandshakeOutcome, { kind: "refused" }>;

/** See `hub.ts`. */
export class HubCore implements Carrier {
  readonly ready: Promise<void>;
  readonly env: HubEnv;
  readonly dock: Dock;
  readonly limits: RemoteLimits;
  readonly options: HubOptions;
  readonly reliable: ReliablePost;
  readonly #peers = new Map<string, Peer>();
  readonly #host: PeerHost;
  readonly #admission: AdmissionView;
  readonly #dials: HubDials;
  readonly #door: HubDoor;
  readonly #partings: Partings;
  readonly #gate: RateGate;
  readonly #listeners = new Set<(event: PeerEvent) => void>();
  readonly #adopted = new Set<(error: RemoteError) => void>();
  #incarnation: string;
  #tls: TlsOptions | undefined;
  #closing: Promise<void> | null = null;

  constructor(env: HubEnv, dock: Dock, options: HubOptions) {
    for (const listen of options.listen ?? []) checkListen(listen, options);
    for (const { url } of options.peers ?? []) checkDial(url, options);
    this.env = env;
    this.dock = dock;
    this.options = options;
    this.#tls = options.tls;
    this.limits = remoteLimits(options.limits);
    this.#incarnation = this.#newIncarnation();
    this.#partings = new Partings(dock.deadlines, this.limits);
    this.#gate = new RateGate(this.limits.malformedPerSecond);
    this.reliable = new ReliablePost({
      dock,
      limits: this.limits,
      session: (node) => this.#linkedSession(node),
    });
    this.#host = this.#makeHost();
    this.#admission = {
      node: dock.node,
      quarantine: this.#host.quarantine,
      duplicateProbeMs: this.limits.duplicateProbeMs,
      peer: (node) => this.#peer(node),
      dialTo: (node) => this.#dials.attemptTo(node),
    };
    this.#dials = new HubDials(this.#dialWay(), (node) => this.#peer(node));
    this.#door = new HubDoor(env, this.limits, (socket) => this.#accept(socket));
    const ready = this.#door.open(options.listen ?? []);
    ready.catch(() => {});
    this.ready = ready;
  }

  get incarnation(): string {
    return this.#incarnation;
  }
  get urls(): readonly string[] {
    return this.#door.urls;
  }

  /** Dials what is configured. */
  start(): void {
    for (const address of this.options.peers ?? []) this.#dials.add(address, true);
  }

  /** @inheritdoc */
  target(node: string, path: string, protocol: Protocol): RemoteTarget {
    return new PeerTarget(node, path, protocol, () => this.#peers.get(node)?.session ?? null);
  }

  /** @inheritdoc */
  watch(
    node: string,
    path: string,
    ended: (reason: EndReason, error: unknown) => void,
  ): () => void {
    const session = this.#peers.get(node)?.session ?? null;
    if (session !== null) return session.watch(path, ended);
    ended("unreachable", unreachableNode(`quorus://${node}/${path}`));
    return () => {};
  }

  connect(address: PeerAddress, options: { signal?: AbortSignal } = {}): Promise<PeerView> {
    try {
      this.#checkOpen(`connect ${address.url}`);
      checkDial(address.url, this.options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#dials.connect(address, options.signal).then((peer) => peer.view());
  }

  adopt(socket: Socket, expected?: string): Promise<PeerView> {
    try {
      this.#checkOpen(`adopt a connection with ${socket.peer.address}`);
    } catch (error) {
      socket.destroy();
      return Promise.reject(error);
    }
    const { promise, resolve, reject } = Promise.withResolvers<PeerView>();
    const handover = new Handover(socket);
    const self = this.#self(socket);
    const dialled = expected !== undefined;
    const closed = (error: RemoteError): void => {
      reject(error);
      socket.destroy();
    };
    this.#adopted.add(closed);
    const machine = dialled
      ? new ClientHandshake(self, socket.peer, {
        identity: this.#selfFor(expected),
        expected,
        link: "main",
        association: null,
      })
      : new ServerHandshake(self, socket.peer, (node) => this.#selfFor(node));
    if (dialled) this.#peer(expected).join();
    this.#shake(handover, machine, {
      decide: async (other) => ({ refuse: await this.#decide(other, socket, dialled) }),
      accepted: (other) => {
        this.#adopted.delete(closed);
        this.#link(other, handover, dialled);
        resolve(this.#peer(other.node).view());
      },
      refused: (outcome) => {
        this.#adopted.delete(closed);
        this.#refused(outcome);
        reject(outcome.error);
      },
    });
    return promise;
  }

  async disconnect(node: string): Promise<void> {
    const text = `link with node "${node}": this node has disconnected; connect again if wanted`;
    this.#dials.remove(node, new RemoteError("Disconnected", text));
    await this.#peers.get(node)?.end("disconnected", "disconnected");
  }

  peers(): PeerView[] {
    return [...this.#peers.values()].map((peer) => peer.view());
  }

  subscribe(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  secure(tls: ListenTls): void {
    this.#checkOpen("use another certificate");
    this.#door.secure(tls);
    this.#tls = tls;
  }

  renew(): string {
    this.#checkOpen("renew the incarnation");
    this.#incarnation = this.#newIncarnation();
    for (const peer of this.#peers.values()) void peer.end("closed", "renewed");
    this.#dials.restart();
    return this.#incarnation;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const error = new RemoteError("HubClosed", `links of node "${this.dock.node}" are closed`);
    this.#dials.close(error);
    this.reliable.close();
    for (const closed of [...this.#adopted]) closed(error);
    this.#door.drop();
    const goodbyes = [...this.#peers.values()].map((peer) => peer.end("closed", "closed"));
    await Promise.all([this.#door.close(), this.#partings.wait(), ...goodbyes]);
    this.#listeners.clear();
  }

  #checkOpen(action: string): void {
    if (this.#closing === null) return;
    throw new RemoteError("HubClosed", `${action}: the links of this node are closed`);
  }

  #accept(socket: Socket): void {
    const handover = new Handover(socket);
    const machine = new ServerHandshake(
      this.#self(socket),
      socket.peer,
      (node) => this.#selfFor(node),
    );
    this.#shake(handover, machine, {
      decide: async (other) => ({ refuse: await this.#decide(other, socket, false) }),
      accepted: (other) => this.#link(other, handover, false),
      refused: (outcome) => this.#refused(outcome),
    });
  }

  /** Accepted and adopted sockets; what we dial has its own. */
  #shake(
    handover: Handover,
    machine: ClientHandshake | ServerHandshake,
    events: HandshakeEvents,
  ): void {
    if (this.#closing !== null) return handover.socket.close(CLOSE_CODE.goingAway, "closed");
    const over = (): void => this.#door.shaken(shaking);
    const { handshakeMs, workerStartMs } = this.limits;
    const withinMs = handover.socket.peer.own ? workerStartMs : handshakeMs;
    const shaking: Shaking = new Shaking(handover, machine, this.dock.deadlines, withinMs, {
      decide: events.decide,
      accepted: (other) => {
        over();
        events.accepted(other);
      },
      refused: (outcome) => {
        over();
        this.#partings.add(shaking.ended);
        events.refused(outcome);
      },
    });
    this.#door.shaking(shaking);
    shaking.start();
  }

  async #decide(other: HandshakePeer, socket: Socket, dialled: boolean) {
    const { address } = socket.peer;
    if (other.link === "bulk") return admitBulk(this.#admission, other, address);
    return await admitMain(this.#admission, other, address, dialled);
  }

  #link(other: HandshakePeer, handover: Handover, dialled: boolean): void {
    if (this.#closing !== null) return handover.socket.close(CLOSE_CODE.goingAway, "closed");
    const peer = this.#peer(other.node);
    if (other.link === "bulk") return peer.linkBulk(other, handover);
    this.reliable.relinking(other.node);
    peer.link(other, handover, dialled);
    if (!peer.isUp) return;
    this.#dials.linked(peer);
    this.reliable.linked(other.node);
  }

  #refused({ error, theirs, proved, peer }: Refused): void {
    if (error.code === "Quarantined" && theirs && proved && peer !== null) {
      this.#givenUp(peer.node);
    }
    this.#tellRefused(error, peer?.node ?? null);
  }

  #tellRefused(error: Error & { code: string }, node: string | null): void {
    const peer = node === null ? undefined : this.#peers.get(node);
    if (peer !== undefined) this.#happened(peer, "refused", error.message);
    if (error.code === "Superseded" || !this.#gate.pass(this.dock.deadlines.now())) return;
    const facts = { peer: node, code: error.code, reason: error.message };
    this.env.log.write("warn", "no link", facts);
  }

  #givenUp(node: string): void {
    const peer = this.#peer(node);
    peer.quarantined();
    this.#happened(peer, "quarantined", "the peer has given this node up");
    this.options.onQuarantined?.(peer.view());
  }

  #happened(peer: Peer, kind: PeerEvent["kind"], reason: string): void {
    if (kind === "up" || kind === "down" || kind === "unreachable") {
      const facts = { peer: peer.node, address: peer.address, reason };
      this.env.log.write("info", `link ${kind}`, facts);
    }
    if (this.#listeners.size === 0) return;
    const event = { kind, peer: peer.view(), reason };
    for (const listener of [...this.#listeners]) listener(event);
  }

  #peer(node: string): Peer {
    let peer = this.#peers.get(node);
    if (peer === undefined) this.#peers.set(node, peer = new Peer(this.#host, node));
    return peer;
  }

  #linkedSession(node: string): Session | null {
    const peer = this.#peers.get(node);
    return peer?.isUp === true ? peer.session : null;
  }

  /** Who we are for a node; strangers leave no trace. */
  #selfFor(node: string | null): Identity {
    const known = node === null ? undefined : this.#peers.get(node);
    return known?.self ?? { node: this.dock.node, incarnation: this.#incarnation, renewal: 1 };
  }

  #self(socket: Socket): HandshakeSelf {
    const { token = null, requireCertificate = false } = this.options;
    const { limits } = this;
    const [consensus, message, bulk] = MESSAGE_LANES.map((lane) => ({
      messages: limits[`${lane}WindowMessages`],
      bytes: limits[`${lane}WindowBytes`],
    }));
    const target = { messages: limits.targetWindowMessages, bytes: limits.targetWindowBytes };
    return {
      node: this.dock.node,
      token,
      requireCertificate: requireCertificate || (socket.peer.encrypted && token === null),
      versions: LINK_VERSIONS,
      features: [],
      windows: {
        consensus: consensus!,
        message: message!,
        bulk: bulk!,
        target,
        messageBytes: limits.messageBytes,
      },
      nonce: this.env.random.bytes(NONCE_BYTES).toHex(),
      hash: this.env.hash,
      maxBytes: limits.handshakeBytes,
    };
  }

  #newIncarnation(): string {
    return this.env.random.bytes(INCARNATION_BYTES).toHex();
  }

  #makeHost(): PeerHost {
    return {
      env: this.env,
      dock: this.dock,
      limits: this.limits,
      reliable: this.reliable,
      detector: this.options.detector ?? phiAccrualOfPings(this.limits.pingMs),
      threadDetector: threadDetector(this.limits.threadSilentMs, 2 * this.limits.pingMs),
      quarantine: new Quarantine(this.limits.quarantined),
      identity: () => ({ node: this.dock.node, incarnation: this.#incarnation }),
      happened: (peer, kind, reason) => this.#happened(peer, kind, reason),
      mainLost: (peer: Peer, _cause: EndCause | null) => this.#dials.lost(peer),
      openBulk: (peer) => this.#dials.openBulk(peer),
    };
  }

  #dialWay() {
    return {
      env: this.env,
      deadlines: this.dock.deadlines,
      limits: this.limits,
      tls: () => this.#tls,
      node: this.dock.node,
      self: (socket: Socket) => this.#self(socket),
      selfFor: (node: string | null) => this.#selfFor(node),
      partings: this.#partings,
      decide: (other: HandshakePeer, address: string) =>
        other.link === "bulk"
          ? Promise.resolve(admitBulk(this.#admission, other, address))
          : admitMain(this.#admission, other, address, true),
      link: (other: HandshakePeer, handover: Handover) => this.#link(other, handover, true),
      refused: (error: Error & { code: string }, node: string | null) =>
        this.#tellRefused(error, node),
      givenUp: (node: string) => this.#givenUp(node),
    };
  }
}
