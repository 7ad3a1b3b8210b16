/** A source that another agent reads, as the attempt on this one sees it: a source like any other. */

import type { Ref } from "../../runtime/actor/ref.ts";
import { ActorError } from "../../runtime/actor/errors.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Timers } from "../../runtime/env/env.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import { relayLost, valueOf } from "./failures.ts";
import { Inbox } from "./inbox.ts";
import type { Failure, Reading } from "./messages.ts";

/** What a relayed source is made of. */
export interface RelayedParts {
  /** The agent that reads. */
  readonly reader: string;
  readonly reading: Ref<typeof Reading>;
  readonly capabilities: SourceCapabilities;
  /** Where the bytes of ranges arrive, by their numbers. */
  readonly inboxes: Map<number, Inbox>;
  readonly timers: Timers;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
  /** Ends the reading, and frees the link. */
  readonly end: () => Promise<void>;
}

/** See the file's comment. */
export class RelayedSource implements Source {
  readonly capabilities: SourceCapabilities;
  readonly #parts: RelayedParts;
  #ranges = 0;

  constructor(parts: RelayedParts) {
    this.capabilities = parts.capabilities;
    this.#parts = parts;
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    const { reading, limits } = this.#parts;
    const withinMs = limits.relayAnswerMs;
    return await this.#answered(reading.ask("stat", {}, { withinMs, signal }), signal);
  }

  async open(
    { start, end }: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const { reading, inboxes, timers, limits, reader: agent } = this.#parts;
    const reader = this.#ranges += 1;
    const creditBytes = limits.relayWindowBytes;
    let takenBytes = 0;
    const inbox = new Inbox({
      ...{ at: start, timers, idleMs: limits.relayIdleMs },
      taken: (bytes) => {
        takenBytes += bytes;
        // Told in parts of the window: a message for each read would cost more than it brings.
        if (takenBytes < creditBytes / 4) return;
        reading.tell("credit", { reader, bytes: takenBytes });
        takenBytes = 0;
      },
      lost: (why) => relayLost(agent, why),
    });
    inboxes.set(reader, inbox);
    const abort = () => inbox.end(abortedBy(signal));
    signal.addEventListener("abort", abort, { once: true });
    const shut = () => {
      signal.removeEventListener("abort", abort);
      if (inboxes.delete(reader)) reading.tell("shut", { reader });
      inbox.end(relayLost(agent, "the range was closed"));
    };
    try {
      const body = { reader, start, end, expected, creditBytes };
      const withinMs = limits.relayAnswerMs;
      const facts = await this.#answered(reading.ask("open", body, { withinMs, signal }), signal);
      return {
        facts,
        read: (into) => inbox.read(into),
        confirm: () => this.#answered(reading.ask("confirm", { reader }, { withinMs }), null),
        close: () => Promise.resolve(shut()),
      };
    } catch (thrown) {
      shut();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await this.#parts.end();
  }

  /** What the other agent says; that it does not answer is no failure of the source. */
  async #answered<T>(
    asked: Promise<{ readonly value: T } | Failure>,
    signal: AbortSignal | null,
  ): Promise<T> {
    const { reader } = this.#parts;
    const answer = await asked.catch((thrown) => {
      if (signal?.aborted === true) throw abortedBy(signal);
      const isOurs = thrown instanceof ActorError;
      throw isOurs ? relayLost(reader, thrown.message, thrown) : thrown;
    });
    return valueOf(answer, reader);
  }
}

function abortedBy(signal: AbortSignal): ProtocolError {
  return new ProtocolError("aborted", "read: it was given up", { cause: signal.reason });
}
