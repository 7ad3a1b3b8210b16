/**
 * The way to the controllers, as the routes see it. Behind it: any controller that is up. A read goes
 * round among those that answer; a write stays with the one that works, and is repeated under its key
 * elsewhere when its answer is lost or the leader changes, so that it is done exactly once.
 */

import {
  type Answer,
  Desk,
  DESK_PATH,
  type LiveEvent,
  type LookedUp,
  type Lookups,
  type Principal,
  type Query,
  type RefusalCode,
  type WriteRequest,
  type Written,
} from "../actors/desk/messages.ts";
import type { Node } from "../runtime/actor/node.ts";
import { messageOf, QuorusError } from "../runtime/base/errors.ts";
import type { Env } from "../runtime/env/env.ts";
import { BrokenLinks, type LinkNews } from "./broken_links.ts";
import { Controllers } from "./controllers.ts";
import { type GatewayLimits, gatewayLimits } from "./limits.ts";
import { GatheredLookups, type Look, type Looked } from "./lookups.ts";

/** How fresh an answer has to be. */
export type Consistency = "linearizable" | "stale";

/** What may be said beside a write. */
export interface WriteOptions {
  /** SHA-256 of what was asked: another one under the same key is `keyReused`. */
  readonly fingerprint?: string;
  /** A change of membership: it may take minutes. */
  readonly isLong?: boolean;
  /** A `traceparent` (W3C) that travels with it. */
  readonly trace?: string;
  /** The id of the client's request: what is written keeps it, for logs. */
  readonly requestId?: string;
}

/** What may be said beside a read. */
export type ReadOptions = Pick<WriteOptions, "trace">;

/** A page of what has happened. */
export interface EventPage {
  readonly events: readonly LiveEvent[];
  readonly last: string;
  readonly missed: boolean;
}

/** See the file's comment. Nothing here rejects for what a controller says: refusals are answers. */
export interface Door {
  write(
    principal: Principal,
    key: string,
    request: WriteRequest,
    options?: WriteOptions,
  ): Promise<Written>;
  read(
    principal: Principal,
    consistency: Consistency,
    query: Query,
    options?: ReadOptions,
  ): Promise<Answer>;
  /** Looks at one thing, together with what others look at in this moment. Never rejects. */
  look(principal: Principal, consistency: Consistency, look: Look): Promise<Looked>;
  /** Who has the key with this hash, or nobody; DoorError `noQuorum` where no controller answers. */
  authenticate(sha256: string): Promise<Principal | null>;
  /** What came after an event; waits a while where there is nothing. DoorError `noQuorum`. */
  events(after: string | null, limit: number): Promise<EventPage>;
}

/** No controller has answered. */
export class DoorError extends QuorusError<"noQuorum"> {
  override readonly name = "DoorError";
}

/** What a door needs. */
export interface DoorOptions {
  /** With links it is noticed at once when one to a controller breaks. */
  readonly node: Pick<Node, "ref" | "env" | "traced"> & { readonly links?: LinkNews };
  /** The ids of the controllers' nodes as they are known now. */
  readonly controllers: () => readonly string[];
  readonly limits?: Partial<GatewayLimits>;
}

/** A refusal, wherever it stands in an answer. */
interface Refused {
  readonly code: RefusalCode;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** What one try came to: an answer, or why there is none. */
type Tried<T> = { readonly answer: T } | { readonly refused: Refused };

interface AskOptions {
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

interface Trying<T> {
  readonly withinMs: number;
  readonly tryMs: number;
  readonly trace: string | undefined;
  /** Sticks to the controller that worked last. */
  readonly sticky: boolean;
  ask(controller: string, options: AskOptions): Promise<T>;
  /** The refusal in an answer; `null` where it is one to pass on. */
  refusal(answer: T): Refused | null;
}

/** Only these are worth another try: the rest is an answer. */
const AGAIN: ReadonlySet<RefusalCode> = new Set(["noQuorum", "unknownOutcome"]);

/** A door over the desks of the controllers. */
export function deskDoor(options: DoorOptions): Door {
  return new DeskDoor(options);
}

class DeskDoor implements Door {
  readonly #node: DoorOptions["node"];
  readonly #env: Env;
  readonly #limits: GatewayLimits;
  readonly #controllers: Controllers;
  readonly #links: BrokenLinks;
  readonly #lookups: GatheredLookups;

  constructor({ node, controllers, limits }: DoorOptions) {
    this.#node = node;
    this.#env = node.env;
    this.#limits = gatewayLimits(limits);
    this.#links = new BrokenLinks(node.links);
    this.#controllers = new Controllers(controllers, node.env.clock, this.#limits.avoidMs);
    this.#lookups = new GatheredLookups(
      node.env.timers,
      this.#limits.looksPerMessage,
      (lookups) => this.#lookUp(lookups),
    );
  }

  async write(
    principal: Principal,
    key: string,
    request: WriteRequest,
    options: WriteOptions = {},
  ): Promise<Written> {
    const { fingerprint, isLong = false, trace, requestId } = options;
    const { writeMs, tryMs, operationMs, operationTryMs } = this.#limits;
    const body = {
      ...{ key, principal, request },
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...(requestId === undefined ? {} : { origin: originOf(requestId, trace) }),
    };
    const tried = await this.#tries<Written>({
      withinMs: isLong ? operationMs : writeMs,
      tryMs: isLong ? operationTryMs : tryMs,
      trace,
      sticky: true,
      ask: (controller, options) => this.#desk(controller).ask("write", body, options),
      refusal: (written) => written.ok || !AGAIN.has(written.code) ? null : written,
    });
    return "answer" in tried ? tried.answer : { ok: false, ...tried.refused };
  }

  async read(
    principal: Principal,
    consistency: Consistency,
    query: Query,
    { trace }: ReadOptions = {},
  ): Promise<Answer> {
    const tried = await this.#tries<Answer>({
      withinMs: this.#limits.readMs,
      tryMs: this.#limits.readTryMs,
      trace,
      sticky: false,
      ask: (controller, options) =>
        this.#desk(controller).ask("read", { principal, consistency, query }, options),
      refusal: ({ found }) => found.type !== "none" || !AGAIN.has(found.code) ? null : found,
    });
    if ("answer" in tried) return tried.answer;
    // A read has no outcome that could be unknown: whatever it was, nobody could answer.
    const { message, retryAfterMs } = tried.refused;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    const found = { type: "none", code: "noQuorum", message, ...wait } as const;
    return { found, node: "", appliedIndex: 0, appliedAtMs: 0 };
  }

  look(principal: Principal, consistency: Consistency, look: Look): Promise<Looked> {
    return this.#lookups.look(principal, consistency, look);
  }

  async #lookUp(lookups: Lookups): Promise<LookedUp> {
    const tried = await this.#tries<LookedUp>({
      withinMs: this.#limits.readMs,
      tryMs: this.#limits.readTryMs,
      trace: undefined,
      sticky: false,
      ask: (controller, options) => this.#desk(controller).ask("lookUp", lookups, options),
      refusal: ({ refused }) => refused === null || !AGAIN.has(refused.code) ? null : refused,
    });
    if ("answer" in tried) return tried.answer;
    const refused = { ...tried.refused, code: "noQuorum" } as const;
    return { looked: [], refused, node: "", appliedIndex: 0, appliedAtMs: 0 };
  }

  async authenticate(sha256: string): Promise<Principal | null> {
    let answered = "";
    const tried = await this.#tries<Principal | null>({
      ...this.#asking(),
      ask: (controller, options) => {
        answered = controller;
        return this.#authenticate(controller, sha256, options);
      },
    });
    if (!("answer" in tried)) throw doorError("look up an API key", tried.refused);
    return tried.answer ?? await this.#elsewhere(sha256, answered);
  }

  /** A controller that is behind does not know the newest keys: nobody is nobody once all say so. */
  async #elsewhere(sha256: string, answered: string): Promise<Principal | null> {
    const others = this.#controllers.all().filter((id) => id !== answered);
    const { lookupTryMs } = this.#limits;
    const settled = await Promise.allSettled(
      others.map((id) => this.#authenticate(id, sha256, { withinMs: lookupTryMs })),
    );
    for (const one of settled) {
      if (one.status === "fulfilled" && one.value !== null) return one.value;
    }
    return null;
  }

  #authenticate(
    controller: string,
    sha256: string,
    options: Pick<AskOptions, "withinMs"> & Partial<AskOptions>,
  ): Promise<Principal | null> {
    return this.#desk(controller).ask("authenticate", { sha256 }, options);
  }

  async events(after: string | null, limit: number): Promise<EventPage> {
    const tried = await this.#tries<EventPage>({
      ...this.#asking(),
      tryMs: this.#limits.writeMs,
      ask: (controller, options) => this.#desk(controller).ask("events", { after, limit }, options),
    });
    if ("answer" in tried) return tried.answer;
    throw doorError("follow events", tried.refused);
  }

  #asking(): Omit<Trying<unknown>, "ask"> {
    const { readMs, lookupTryMs } = this.#limits;
    return {
      withinMs: readMs,
      tryMs: lookupTryMs,
      trace: undefined,
      sticky: false,
      refusal: () => null,
    };
  }

  #desk(controller: string) {
    return this.#node.ref(Desk, `quorus://${controller}/${DESK_PATH}`);
  }

  /** Asks one controller after the other until one answers or the time is over. */
  async #tries<T>(trying: Trying<T>): Promise<Tried<T>> {
    const { clock } = this.#env;
    const endMs = clock.monotonic() + trying.withinMs;
    let last: Refused = { code: "noQuorum", message: "no controller is configured" };
    let isDefinite = true;
    let againMs = this.#limits.againMs;
    for (;;) {
      const tried = await this.#once(trying, Math.max(1, endMs - clock.monotonic()));
      if ("answer" in tried) return tried;
      last = tried.refused;
      isDefinite &&= last.code === "noQuorum";
      const waitMs = Math.max(againMs, Math.min(last.retryAfterMs ?? 0, this.#limits.againMostMs));
      if (clock.monotonic() + waitMs >= endMs) break;
      await this.#wait(waitMs);
      againMs = Math.min(2 * againMs, this.#limits.againMostMs);
    }
    const retryAfterMs = last.retryAfterMs ?? this.#limits.retryAfterMs;
    return {
      refused: { ...last, code: isDefinite ? "noQuorum" : "unknownOutcome", retryAfterMs },
    };
  }

  async #once<T>(trying: Trying<T>, leftMs: number): Promise<Tried<T>> {
    const controller = this.#controllers.choose(trying.sticky);
    if (controller === null) {
      return { refused: { code: "noQuorum", message: "no controller is configured" } };
    }
    const withinMs = Math.min(trying.tryMs, leftMs);
    const ask = () =>
      this.#links.during(controller, (signal) => trying.ask(controller, { withinMs, signal }));
    try {
      const { trace } = trying;
      const answer = await (trace === undefined ? ask() : this.#node.traced(trace, ask));
      const refused = trying.refusal(answer);
      if (refused === null) {
        this.#controllers.worked(controller);
        return { answer };
      }
      this.#controllers.failed(controller);
      const { code, message, retryAfterMs } = refused;
      return { refused: { code, message, retryAfterMs } };
    } catch (thrown) {
      this.#controllers.failed(controller);
      const isDefinite = thrown instanceof QuorusError && thrown.definite;
      const code = isDefinite ? "noQuorum" : "unknownOutcome";
      return { refused: { code, message: messageOf(thrown) } };
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#env.timers.after(ms, resolve));
  }
}

function originOf(requestId: string, traceparent: string | undefined) {
  return traceparent === undefined ? { requestId } : { requestId, traceparent };
}

function doorError(action: string, refused: Refused): DoorError {
  const { message, retryAfterMs } = refused;
  return new DoorError("noQuorum", `${action}: no controller answers: ${message}`, {
    retryable: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
