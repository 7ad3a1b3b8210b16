/**
 * Changes that take long, and how they stand. The id of one says what is to come about, so any gateway can
 * tell from the cluster's state whether it has; the gateway that began it knows besides why it has failed.
 */

import { z } from "zod";
import { groupChange } from "../actors/desk/cluster/messages.ts";
import type { ClusterView, GroupChange, Written } from "../actors/desk/messages.ts";
import { errorData } from "../runtime/base/errors.ts";
import type { Env } from "../runtime/env/env.ts";
import { hexOf } from "./keys.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

/** One of them. */
export interface Operation {
  readonly id: string;
  /** What is being done, for people. */
  readonly what: string;
  readonly status: "running" | "succeeded" | "failed";
  /** Why it has failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly startedMs: number;
  /** Null while it runs, and where only its outcome is known. */
  readonly endedMs: number | null;
}

/** What an id says. */
export interface Awaited {
  readonly change: GroupChange;
  readonly startedMs: number;
  /** Who led when it began: a transfer to anybody has been done when another one does. */
  readonly leader: string | null;
}

const PREFIX = "op-";
const NONCE_BYTES = 6;
const VERSION = 1;

/** What the text of an id holds: its version, a nonce that tells equal changes apart, what is awaited. */
const idContent = z.tuple([
  z.literal(VERSION),
  z.string(),
  z.number(),
  z.string().nullable(),
  groupChange,
]);

/** The id of an operation. */
export function operationId({ change, startedMs, leader }: Awaited, nonce: string): string {
  const text = JSON.stringify([VERSION, nonce, startedMs, leader, change]);
  const base64 = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${PREFIX}${base64}`;
}

/** Reads an id; null: no gateway has made it. */
export function awaitedBy(id: string): Awaited | null {
  if (!id.startsWith(PREFIX)) return null;
  try {
    const base64 = id.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
    const [, , startedMs, leader, change] = idContent.parse(JSON.parse(atob(base64)));
    return { change, startedMs, leader };
  } catch {
    return null;
  }
}

/** What a change does, for people. */
export function describeChange(change: GroupChange): string {
  switch (change.type) {
    case "addController":
      return `add controller ${change.node}`;
    case "promoteController":
      return `promote controller ${change.node}`;
    case "removeController":
      return `remove controller ${change.node}`;
    case "replaceController":
      return `replace controller ${change.node} by ${change.by}`;
    case "transferLeadership":
      return `transfer the leadership${change.to === null ? "" : ` to ${change.to}`}`;
    case "setMaintenance":
      return `${change.on ? "begin" : "end"} maintenance of controller ${change.node}`;
  }
}

/** Whether the cluster is as the operation was to make it. */
export function hasComeAbout(
  { change, leader }: Awaited,
  cluster: Pick<ClusterView, "controllers" | "leader">,
): boolean {
  const find = (node: string) => cluster.controllers.find((one) => one.node === node);
  const votes = (node: string) => ["voter", "leader"].includes(find(node)?.role ?? "");
  switch (change.type) {
    case "addController":
      return find(change.node) !== undefined;
    case "promoteController":
      return votes(change.node);
    case "removeController":
      return find(change.node) === undefined;
    case "replaceController":
      return votes(change.by) && find(change.node) === undefined;
    case "transferLeadership":
      if (cluster.leader === null) return false;
      return change.to === null ? cluster.leader !== leader : cluster.leader === change.to;
    case "setMaintenance":
      if (change.on && cluster.leader === change.node) return false;
      return find(change.node)?.maintenance === change.on;
  }
}

/** How an operation stands, from the state of the cluster alone; it may take `withinMs`. */
export function derivedOperation(
  id: string,
  awaited: Awaited,
  cluster: Pick<ClusterView, "controllers" | "leader">,
  nowMs: number,
  withinMs: number,
): Operation {
  const { change, startedMs } = awaited;
  const known = { id, what: describeChange(change), startedMs, endedMs: null };
  if (hasComeAbout(awaited, cluster)) return { ...known, status: "succeeded", error: null };
  if (nowMs - startedMs < withinMs) return { ...known, status: "running", error: null };
  const message = "it has not come about in its time, or was undone since: look at /v1/cluster, " +
    "and at the gateway that began it for the reason";
  return { ...known, status: "failed", error: { code: "notDone", message } };
}

/** Those that this gateway has begun. */
export class Operations {
  readonly #env: Env;
  readonly #limits: Pick<GatewayLimits, "operations">;
  /** Oldest first; with the key that began it. */
  readonly #known = new Map<string, { operation: Operation; keyId: string }>();

  constructor(env: Env, limits: Pick<GatewayLimits, "operations">) {
    this.#env = env;
    this.#limits = limits;
  }

  /** Begins one; Problem `overloaded` where too many run. */
  begin(
    keyId: string,
    { change, leader }: Omit<Awaited, "startedMs">,
    work: () => Promise<Written>,
  ): Operation {
    this.#makeRoom();
    const startedMs = this.#env.clock.now();
    const nonce = hexOf(this.#env.random.bytes(NONCE_BYTES));
    const id = operationId({ change, startedMs, leader }, nonce);
    const operation: Operation = {
      id,
      what: describeChange(change),
      status: "running",
      error: null,
      startedMs,
      endedMs: null,
    };
    this.#known.set(id, { operation, keyId });
    work().then(
      (written) => this.#end(id, written.ok ? null : written),
      (thrown) => this.#end(id, errorData(thrown)),
    );
    return operation;
  }

  /** An operation of this key; `undefined` where it was not begun here, or is forgotten. */
  find(keyId: string, id: string): Operation | undefined {
    const known = this.#known.get(id);
    return known?.keyId === keyId ? known.operation : undefined;
  }

  #end(id: string, refused: { readonly code: string; readonly message: string } | null): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    const error = refused === null ? null : { code: refused.code, message: refused.message };
    const status = error === null ? "succeeded" : "failed";
    const endedMs = this.#env.clock.now();
    this.#known.set(id, { ...known, operation: { ...known.operation, status, error, endedMs } });
  }

  #makeRoom(): void {
    if (this.#known.size < this.#limits.operations) return;
    for (const [id, { operation }] of this.#known) {
      if (operation.status === "running") continue;
      this.#known.delete(id);
      return;
    }
    throw new Problem("overloaded", "too many operations are running; wait until one has ended", {
      retryable: true,
      retryAfterMs: 10_000,
    });
  }
}
