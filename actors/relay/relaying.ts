/** The relays of one agent: it reads for others, and opens sources that others read for it. */

import type { Node } from "../../runtime/actor/node.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { Source } from "../../protocols/contract.ts";
import type { Controllers } from "../agent/controllers.ts";
import { Fleet, FLEET_PATH } from "../fleet/messages.ts";
import { JobError } from "../job/errors.ts";
import type { Job } from "../job/record.ts";
import type { AttemptTools, RelayedSources } from "../job/tools.ts";
import { relayLost, valueOf } from "./failures.ts";
import type { Inbox } from "./inbox.ts";
import { RelayLinks } from "./links.ts";
import { Reading, Relays, RELAYS_PATH } from "./messages.ts";
import { receiving } from "./receiving.ts";
import { RelayedSource } from "./relayed_source.ts";
import { relays } from "./relays.ts";
import { RelayTally } from "./tally.ts";

/** What an attempt and its agent use of it. */
export interface Relaying extends RelayedSources {
  /** Where this agent accepts links; null: it dials only. */
  readonly url: string | null;
  readonly tally: Pick<RelayTally, "active" | "bytes" | "whenIdle">;
  /** Ends what it reads for others. */
  stop(): Promise<void>;
}

/** What it is started with. */
export interface RelayingOptions {
  readonly node: LinkedNode;
  readonly controllers: Controllers;
  readonly tools: AttemptTools;
  /** Where other agents reach this one; null: nowhere. */
  readonly url: string | null;
}

/** Starts the part of an agent that reads for others. */
export function startRelaying(options: RelayingOptions): Relaying {
  const { node, controllers, tools, url } = options;
  const { limits } = tools;
  const links = new RelayLinks({
    links: node.links,
    timers: node.env.timers,
    isKept: (other) => controllers.has(other),
    lingerMs: limits.relayLingerMs,
  });
  const tally = new RelayTally();
  const args = { tools, controllers, links, tally };
  const door = node.spawn(relays, { name: RELAYS_PATH, restart: "permanent", args });
  return {
    url,
    tally,
    source: (job, signal) => relayedSource({ ...options, links }, job, signal),
    call: (other, place) => links.answer({ node: other, url: place }, limits.relayBeginMs),
    stop: async () => void await node.stopActor(door),
  };
}

type Parts = RelayingOptions & { readonly links: RelayLinks };

async function relayedSource(parts: Parts, job: Job, signal: AbortSignal): Promise<Source> {
  const { node, links, tools: { limits } } = parts;
  const { id: jobId, lease } = job;
  const reader = lease?.reader;
  if (lease === null || reader === undefined) throw new TypeError(`job ${jobId} has no reader`);
  const release = links.hold(reader);
  const inboxes = new Map<number, Inbox>();
  const receiver = node.spawn(receiving, {
    name: `receiving-${jobId}.${lease.index}`,
    restart: "temporary",
    args: { reader, inboxes },
  });
  const end = async () => {
    await node.stopActor(receiver);
    release();
  };
  try {
    await link(parts, job, reader, signal);
    const door = node.ref(Relays, `quorus://${reader}/${RELAYS_PATH}`);
    const body = { jobId, leaseIndex: lease.index, to: receiver.address };
    const answer = await door.ask("begin", body, { withinMs: limits.relayBeginMs, signal });
    const { reading, capabilities } = valueOf(answer, reader);
    const ref = node.ref(Reading, reading);
    watch(node, ref, reader, inboxes);
    const { timers } = node.env;
    return new RelayedSource({
      ...{ reader, reading: ref, capabilities, inboxes, timers, limits, end },
    });
  } catch (thrown) {
    await end();
    signal.throwIfAborted();
    if (thrown instanceof JobError || !isOfLinks(thrown)) throw thrown;
    throw relayLost(reader, messageOf(thrown), thrown);
  }
}

/** Whatever waits for bytes of it hears at once that it is gone. */
function watch(
  node: Node,
  ref: Parameters<Node["ended"]>[0],
  reader: string,
  inboxes: Map<number, Inbox>,
): void {
  void node.ended(ref).then(({ reason }) => {
    const error = relayLost(reader, `its part of the relay has ended (${reason})`);
    for (const inbox of inboxes.values()) inbox.end(error);
  });
}

function isOfLinks(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === "ActorError" || thrown.name === "RemoteError");
}

/** Dials where the reader accepts links; where it does not, or is not reached, it is asked to dial. */
async function link(parts: Parts, job: Job, reader: string, signal: AbortSignal): Promise<void> {
  const { links, url, node: { env: { timers } }, tools: { limits } } = parts;
  if (links.isLinked(reader)) return;
  const theirs = job.relay?.url ?? null;
  let why = "it accepts no links";
  if (theirs !== null) {
    const dial = (inTime: AbortSignal) => links.dial({ node: reader, url: theirs }, inTime);
    const failed = await within(timers, limits.relayLinkMs, signal, dial).then(
      () => null,
      messageOf,
    );
    if (failed === null) return;
    signal.throwIfAborted();
    why = `link with ${theirs}: ${failed}`;
  }
  if (url === null) throw relayLost(reader, `${why}, and this agent accepts none`);
  await summon(parts, job, reader, signal);
  const linked = (inTime: AbortSignal) => links.linked(reader, inTime);
  await within(timers, limits.relayLinkMs, signal, linked).catch((thrown) => {
    signal.throwIfAborted();
    throw relayLost(reader, `${why}; nor has it linked with ${url}`, thrown);
  });
}

/** Has a controller tell the reader where this agent accepts links. */
async function summon(
  { node, controllers, tools: { limits } }: Parts,
  { id: jobId, lease }: Job,
  reader: string,
  signal: AbortSignal,
): Promise<void> {
  const controller = controllers.next();
  const fleet = node.ref(Fleet, `quorus://${controller}/${FLEET_PATH}`);
  const body = { jobId, leaseIndex: lease!.index };
  try {
    const { isTold } = await fleet.ask("summon", body, { withinMs: limits.beatMs, signal });
    if (!isTold) throw relayLost(reader, "the lease is not known to the controllers");
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof JobError) throw thrown;
    controllers.failed(controller);
    throw relayLost(reader, "no controller has told it to link with this agent", thrown);
  }
}

/** Runs work whose signal aborts after `ms`, or with the given one. */
async function within<T>(
  timers: Node["env"]["timers"],
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = timers.after(ms, () => late.abort(new Error(`no link within ${ms} ms`)));
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } finally {
    timer.cancel();
  }
}
