/** The receiver's side of credit: what is pending, what was processed, and when to say so. */

import { assert } from "../base/assert.ts";
import { laneWindow, type RemoteLimits, targetWindow, type Window } from "./limits.ts";
import { MESSAGE_LANES, type MessageLane, type TargetCount } from "./wire.ts";

/** One actor of this node, on one lane; forgotten when nothing is pending and nothing is owed. */
export class Source {
  pendingMessages = 0;
  pendingBytes = 0;
  owedMessages = 0;
  owedBytes = 0;

  constructor(readonly lane: MessageLane, readonly to: string) {}
}

/** One lane: its sources, their sums, and how much makes credit due. */
class LaneSources {
  readonly sources = new Map<string, Source>();
  pendingMessages = 0;
  pendingBytes = 0;
  owedMessages = 0;
  owedBytes = 0;

  constructor(readonly window: Window, readonly due: Window, readonly dueOfTarget: Window) {}
}

/** The credit of one association, for what this node receives. */
export class ReceiveCredit {
  readonly #lanes: Readonly<Record<MessageLane, LaneSources>>;
  /** Sources to which credit is owed, in the order in which it began to be. */
  #owed: Source[] = [];
  #pendingBytes = 0;

  constructor(limits: RemoteLimits) {
    const part = ({ messages, bytes }: Window): Window => ({
      messages: Math.max(1, Math.floor(messages / limits.creditParts)),
      bytes: Math.max(1, Math.floor(bytes / limits.creditParts)),
    });
    const sources = (lane: MessageLane): LaneSources => {
      const window = laneWindow(limits, lane);
      return new LaneSources(window, part(window), part(targetWindow(limits, lane)));
    };
    this.#lanes = {
      consensus: sources("consensus"),
      message: sources("message"),
      bulk: sources("bulk"),
    };
  }

  /** Something was processed and not said: a credit record must follow within `creditDelayMs`. */
  get isOwing(): boolean {
    return this.#owed.length > 0;
  }

  /** What waits unprocessed on all lanes. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** What waits unprocessed on a lane. */
  pending(lane: MessageLane): Window {
    const { pendingMessages, pendingBytes } = this.#lanes[lane];
    return { messages: pendingMessages, bytes: pendingBytes };
  }

  /** A message has arrived; false if its sender has broken the lane's window. */
  received(lane: MessageLane, to: string, bytes: number): boolean {
    return this.arrived(this.source(lane, to), bytes);
  }

  /** Where messages of a lane to an actor are counted, while something of them is pending. */
  source(lane: MessageLane, to: string): Source {
    const { sources } = this.#lanes[lane];
    let source = sources.get(to);
    if (source === undefined) sources.set(to, source = new Source(lane, to));
    return source;
  }

  /** See {@link received}. */
  arrived(source: Source, bytes: number): boolean {
    const sources = this.#lanes[source.lane];
    this.#pendingBytes += bytes;
    source.pendingMessages += 1;
    source.pendingBytes += bytes;
    sources.pendingMessages += 1;
    sources.pendingBytes += bytes;
    if (sources.pendingMessages === 1) return true;
    const { window } = sources;
    return sources.pendingMessages <= window.messages && sources.pendingBytes <= window.bytes;
  }

  /** A message was processed, or never will be; true if a credit record is due now. */
  processed(lane: MessageLane, to: string, bytes: number): boolean {
    const source = this.#lanes[lane].sources.get(to);
    assert(source !== undefined, "what was processed had arrived");
    return this.settled(source, bytes);
  }

  /** See {@link processed}. */
  settled(source: Source, bytes: number): boolean {
    assert(source.pendingMessages > 0, "what was processed had arrived");
    const sources = this.#lanes[source.lane];
    this.#pendingBytes -= bytes;
    source.pendingMessages -= 1;
    source.pendingBytes -= bytes;
    sources.pendingMessages -= 1;
    sources.pendingBytes -= bytes;
    assert(source.pendingBytes >= 0, "what was processed is as long as what had arrived");
    if (source.owedMessages === 0) this.#owed.push(source);
    source.owedMessages += 1;
    source.owedBytes += bytes;
    sources.owedMessages += 1;
    sources.owedBytes += bytes;
    return reaches(source, sources.dueOfTarget) || reaches(sources, sources.due);
  }

  /**
   * What a credit record for `lanes` says now; nothing of them is owed afterwards. It must travel on the
   * link that carries those lanes: on another one it could overtake that link's `resume` or be overtaken,
   * and then credit would be lost or invented.
   */
  collect(lanes: readonly MessageLane[] = MESSAGE_LANES): TargetCount[] {
    const counts = this.#owed.filter(({ lane }) => lanes.includes(lane)).map((source) => ({
      lane: source.lane,
      to: source.to,
      messages: source.owedMessages,
      bytes: source.owedBytes,
    }));
    this.#settle(lanes);
    return counts;
  }

  /**
   * What a `resume` of `lanes` says now: everything that is pending. Nothing is owed afterwards, as the
   * sender takes all else for lost. Only what has arrived before counts, so ask for it before the new
   * link delivers anything.
   */
  resume(lanes: readonly MessageLane[] = MESSAGE_LANES): TargetCount[] {
    this.#settle(lanes);
    const counts: TargetCount[] = [];
    for (const lane of lanes) {
      for (const { to, pendingMessages, pendingBytes } of this.#lanes[lane].sources.values()) {
        counts.push({ lane, to, messages: pendingMessages, bytes: pendingBytes });
      }
    }
    return counts;
  }

  #settle(lanes: readonly MessageLane[]): void {
    for (const source of this.#owed) {
      if (!lanes.includes(source.lane)) continue;
      source.owedMessages = 0;
      source.owedBytes = 0;
      if (source.pendingMessages === 0) this.#lanes[source.lane].sources.delete(source.to);
    }
    this.#owed = this.#owed.filter(({ lane }) => !lanes.includes(lane));
    for (const lane of lanes) {
      this.#lanes[lane].owedMessages = 0;
      this.#lanes[lane].owedBytes = 0;
    }
  }
}

function reaches(owed: { owedMessages: number; owedBytes: number }, due: Window): boolean {
  return owed.owedMessages >= due.messages || owed.owedBytes >= due.bytes;
}
