/**
 * The members of the cluster as this node sees them: who belongs comes from a {@link MemberSource}, how
 * each is doing from the links of this node. Nodes do not tell each other what they see.
 */

import type { Env, TimerHandle } from "../env/env.ts";
import type { Links } from "../remote/hub.ts";
import type { PeerEvent } from "../remote/peer.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import type { Member, MemberSource } from "./member_source.ts";

/**
 * How a member is doing: never linked so far; linked; its link is lost, it may come back and nobody was
 * told that it is gone; given up, watches of its actors have ended; given up, and one of us was told so
 * and needs a new identity before they link again.
 */
export type MemberStatus = "neverSeen" | "up" | "suspect" | "unreachable" | "quarantined";

/** A member as this node sees it. */
export interface MemberView {
  readonly node: string;
  readonly url: string | null;
  readonly roles: readonly string[];
  readonly status: MemberStatus;
  /** What it called itself when it was last linked; `null` before, and for this node. */
  readonly incarnation: string | null;
  /** Since when (monotonic milliseconds of this node) it has this status. */
  readonly sinceMs: number;
  /** What happened last, in words. */
  readonly reason: string;
  readonly isSelf: boolean;
}

/** A member came, left, or changed its status, incarnation or configuration. */
export interface MemberEvent {
  readonly kind: "joined" | "left" | "changed";
  readonly member: MemberView;
  /** Its status before; `null` for one that came. */
  readonly was: MemberStatus | null;
}

/** What membership needs of the links of its node; {@link Links} have it. */
export type MemberLinks = Pick<Links, "connect" | "disconnect" | "peers" | "subscribe">;

/** The status after something has happened to the link; no event but `up` leads back to it. */
export function statusAfter(status: MemberStatus, kind: PeerEvent["kind"]): MemberStatus {
  switch (kind) {
    case "up":
      return "up";
    case "down":
      return status === "up" ? "suspect" : status;
    case "unreachable":
      return status === "neverSeen" || status === "quarantined" ? status : "unreachable";
    case "quarantined":
      return "quarantined";
    case "joining":
    case "refused":
      return status;
  }
}

/** A member that is dialled until it leaves. */
interface Dialling {
  readonly url: string;
  readonly abort: AbortController;
  isTrying: boolean;
  pause: TimerHandle | null;
}

/** See the head of this file. */
export class Membership {
  readonly #env: Pick<Env, "clock" | "timers" | "log">;
  readonly #self: string;
  readonly #links: MemberLinks;
  readonly #limits: ClusterLimits;
  readonly #members = new Map<string, MemberView>();
  readonly #dialling = new Map<string, Dialling>();
  readonly #listeners = new Set<(event: MemberEvent) => void>();
  readonly #releases: readonly (() => void)[];
  #closed = false;

  constructor(
    env: Pick<Env, "clock" | "timers" | "log">,
    self: string,
    links: MemberLinks,
    source: MemberSource,
    overrides: Partial<ClusterLimits> = {},
  ) {
    this.#env = env;
    this.#self = self;
    this.#links = links;
    this.#limits = clusterLimits(overrides);
    this.#releases = [
      links.subscribe((event) => this.#heard(event)),
      source.subscribe((members) => this.#take(members)),
    ];
    this.#take(source.current());
  }

  /** All members, this node too if it is one, by name. */
  members(): MemberView[] {
    return [...this.#members.values()].sort((a, b) => a.node < b.node ? -1 : 1);
  }

  /** One member; `null` if it does not belong. */
  member(node: string): MemberView | null {
    return this.#members.get(node) ?? null;
  }

  /** Tells what happens to members, in order; the returned function ends that. */
  subscribe(listener: (event: MemberEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Dials nobody any more and tells nothing; links stay as they are. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const release of this.#releases) release();
    for (const node of [...this.#dialling.keys()]) this.#hangUp(node);
    this.#listeners.clear();
  }

  #take(members: readonly Member[]): void {
    const wanted = new Set(members.map(({ node }) => node));
    for (const node of [...this.#members.keys()]) if (!wanted.has(node)) this.#leave(node);
    for (const member of members) this.#put(member);
  }

  #put(configured: Member): void {
    const { node, roles = [] } = configured;
    const url = configured.url ?? null;
    const known = this.#members.get(node);
    if (known === undefined) {
      const view = this.#firstView(node, url, roles);
      this.#members.set(node, view);
      this.#tell({ kind: "joined", member: view, was: null });
    } else if (known.url !== url || known.roles.join(" ") !== roles.join(" ")) {
      this.#change({ ...known, url, roles: [...roles] });
    }
    if (this.#dialling.get(node)?.url !== url) this.#hangUp(node);
    if (url !== null && node !== this.#self) this.#dial(node, url);
  }

  #firstView(node: string, url: string | null, roles: readonly string[]): MemberView {
    const isSelf = node === this.#self;
    const peer = this.#links.peers().find((one) => one.node === node);
    const isUp = isSelf || peer?.state === "up";
    return {
      node,
      url,
      roles: [...roles],
      status: isUp ? "up" : "neverSeen",
      incarnation: peer?.incarnation ?? null,
      sinceMs: this.#env.clock.monotonic(),
      reason: isSelf ? "it is this node" : isUp ? "it was linked already" : "not linked yet",
      isSelf,
    };
  }

  #leave(node: string): void {
    const member = this.#members.get(node)!;
    this.#members.delete(node);
    this.#hangUp(node);
    this.#tell({ kind: "left", member, was: member.status });
    if (member.isSelf) return;
    const failed = (error: unknown): void =>
      this.#env.log.write("warn", "a former member was not disconnected", { node, error });
    this.#links.disconnect(node).catch(failed);
  }

  #heard({ kind, peer, reason }: PeerEvent): void {
    const known = this.#members.get(peer.node);
    if (known === undefined || known.isSelf) return;
    const status = statusAfter(known.status, kind);
    const incarnation = kind === "up" ? peer.incarnation : known.incarnation;
    const isNews = status !== known.status || incarnation !== known.incarnation;
    const sinceMs = isNews ? this.#env.clock.monotonic() : known.sinceMs;
    const next = { ...known, status, incarnation, sinceMs, reason };
    if (kind !== "up" && kind !== "joining") this.#later(peer.node);
    // A link that came back is news even where status and incarnation are as before.
    if (isNews || kind === "up") this.#change(next);
    else this.#members.set(peer.node, next);
  }

  #change(member: MemberView): void {
    const was = this.#members.get(member.node)!.status;
    this.#members.set(member.node, member);
    this.#tell({ kind: "changed", member, was });
  }

  #tell(event: MemberEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #dial(node: string, url: string): void {
    if (this.#closed || this.#dialling.has(node)) return;
    const abort = new AbortController();
    const dialling: Dialling = { url, abort, isTrying: false, pause: null };
    this.#dialling.set(node, dialling);
    this.#attempt(node, dialling);
  }

  /** The links dial on by themselves; but not after a refusal that is final, which may be mended. */
  #attempt(node: string, dialling: Dialling): void {
    dialling.pause = null;
    if (dialling.isTrying) return;
    dialling.isTrying = true;
    const { url, abort: { signal } } = dialling;
    const failed = (error: unknown): void => {
      if (signal.aborted) return;
      this.#env.log.write("warn", "a member was not linked, it is dialled again", { node, error });
      this.#later(node);
    };
    this.#links.connect({ node, url }, { signal }).catch(failed).finally(() => {
      dialling.isTrying = false;
    });
  }

  #later(node: string): void {
    const dialling = this.#dialling.get(node);
    if (dialling === undefined || dialling.pause !== null) return;
    const again = (): void => this.#attempt(node, dialling);
    dialling.pause = this.#env.timers.after(this.#limits.memberDialMs, again);
  }

  #hangUp(node: string): void {
    const dialling = this.#dialling.get(node);
    this.#dialling.delete(node);
    dialling?.pause?.cancel();
    dialling?.abort.abort();
  }
}
