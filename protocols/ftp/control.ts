/** The control connection: commands, and the replies that belong to them. */

import { assert } from "../../runtime/base/assert.ts";
import type { Env } from "../../runtime/env/env.ts";
import { Deadline } from "../deadline.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Line, Securing } from "./line.ts";
import { isDone, isPreliminary, type Reply, ReplyParser } from "./replies.ts";

// deno-lint-ignore no-control-regex -- what would end a command, or begin another one
const UNSENDABLE = /[\x00-\x1f\x7f\u2028\u2029]/;

/**
 * One command at a time. A reply that nobody waits for, one that is none, silence and a connection that
 * ends break it for good: nobody could tell any more which reply belongs to which command.
 */
export class Control {
  readonly place: string;
  readonly #line: Line;
  readonly #replyMs: number;
  /** Of the reply that is waited for. */
  readonly #patience: Deadline<ProtocolError>;
  /** Of the silence of a session that is to be kept. */
  readonly #idle: Deadline;
  #parser: ReplyParser;
  /** Replies that came before somebody waited for them. */
  readonly #came: Reply[] = [];
  #waiting: PromiseWithResolvers<Reply> | null = null;
  /** Final replies that the server owes. */
  #owed = 0;
  #error: ProtocolError | null = null;
  #isKept = false;
  #noop: Promise<unknown> = Promise.resolve();
  readonly #pumping: Promise<void>;

  /** `place` names the server in messages; the greeting is owed from the start. */
  constructor(place: string, line: Line, env: Env, replyMs: number) {
    this.place = place;
    this.#line = line;
    this.#replyMs = replyMs;
    this.#patience = new Deadline(env, (error) => this.break(error));
    this.#idle = new Deadline(env, () => this.#sayNoop());
    this.#parser = new ReplyParser(place, protocolLimits.ftpReplyMaxBytes);
    this.#owed = 1;
    this.#pumping = this.#pump();
  }

  /** Where data connections go. */
  get line(): Line {
    return this.#line;
  }

  get isBroken(): boolean {
    return this.#error !== null;
  }

  /** Nothing is asked and nothing is owed. */
  get isIdle(): boolean {
    return this.#owed === 0 && this.#error === null;
  }

  /** Throws what broke it. */
  assertSound(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** Sends a command whose replies are taken by {@link Control.next}. */
  async send(command: string): Promise<void> {
    this.#idle.disarm();
    await this.#noop;
    await this.#sent([command]);
  }

  /** The next reply to the command, preliminary or final; `timeout` breaks the session. */
  async next(withinMs = this.#replyMs): Promise<Reply> {
    const came = this.#came.shift();
    if (came !== undefined) return came;
    if (this.#error !== null) throw this.#error;
    assert(this.#waiting === null, "one waits for a reply at a time");
    this.#waiting = Promise.withResolvers<Reply>();
    this.#patience.arm(withinMs, () => this.#silent(withinMs));
    try {
      return await this.#waiting.promise;
    } finally {
      this.#patience.disarm();
      this.#waiting = null;
    }
  }

  /** The reply that ends the command, whatever it says. */
  async final(withinMs = this.#replyMs): Promise<Reply> {
    for (let preliminary = 0;; preliminary += 1) {
      const reply = await this.next(withinMs);
      if (!isPreliminary(reply)) return reply;
      if (preliminary < protocolLimits.ftpPreliminaryMax) continue;
      this.break(this.#unlike("it announces replies without end"));
    }
  }

  /** Sends a command and gives its final reply, whatever it says. */
  async ask(command: string, withinMs = this.#replyMs): Promise<Reply> {
    await this.send(command);
    return await this.final(withinMs);
  }

  /**
   * Asks for several things, and gives their final replies, at the least up to the first refusal. They go
   * out together where the connection is encrypted: firewalls that read along in clear may take that for
   * an attack, and servers answer in order.
   */
  async askAll(commands: readonly string[]): Promise<Reply[]> {
    const replies: Reply[] = [];
    if (this.#line.certificate === null) {
      for (const command of commands) {
        const reply = await this.ask(command);
        replies.push(reply);
        if (!isDone(reply)) break;
      }
      return replies;
    }
    this.#idle.disarm();
    await this.#noop;
    await this.#sent(commands);
    for (const _ of commands) replies.push(await this.final());
    return replies;
  }

  /** Goes on in TLS; `insecure` if more than the reply that permits it has come. */
  async secure(securing: Securing): Promise<void> {
    if (!this.#parser.isEmpty || this.#came.length > 0) {
      const message = `cannot trust ${this.place}: it says more before TLS than was asked; ` +
        "somebody may stand in between";
      const error = new ProtocolError("insecure", message);
      this.break(error);
      throw error;
    }
    await this.#line.secure(securing);
  }

  /** Says NOOP every so often while nothing else is asked, until {@link Control.rest} is called. */
  keepAlive(): void {
    this.#isKept = true;
    this.#arm();
  }

  /** Nothing is said any more without being asked. */
  rest(): void {
    this.#isKept = false;
    this.#idle.disarm();
  }

  /** Nothing more can be asked; whoever waits gets `error`. */
  break(error: ProtocolError): void {
    this.#error ??= error;
    this.#isKept = false;
    this.#idle.stop();
    this.#patience.stop();
    this.#waiting?.reject(this.#error);
    void this.#line.end();
  }

  /** Ends it at once, and resolves when nothing of it is left; idempotent, and it never fails. */
  async end(): Promise<void> {
    this.break(new ProtocolError("aborted", `the session with ${this.place} was ended`));
    await this.#line.end();
    await this.#pumping;
  }

  async #sent(commands: readonly string[]): Promise<void> {
    if (this.#error !== null) throw this.#error;
    assert(this.#owed === 0, "a command follows the final reply to the one before");
    if (commands.some((command) => UNSENDABLE.test(command))) {
      const message =
        `cannot ask ${this.place}: a control character in a name or an account cannot ` +
        "be sent; choose another one";
      throw new ProtocolError("nameRefused", message);
    }
    this.#owed = commands.length;
    await this.#line.write(new TextEncoder().encode(`${commands.join("\r\n")}\r\n`));
  }

  #arm(): void {
    if (!this.#isKept) return;
    this.#idle.arm(protocolLimits.ftpKeepAliveMs, () => new Error("nothing was asked for long"));
  }

  #sayNoop(): void {
    if (!this.isIdle) return;
    this.#noop = this.#sent(["NOOP"]).then(() => this.final()).catch(() => {});
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#line.read();
        if (bytes === null) throw this.#lost();
        for (const reply of this.#parser.push(bytes)) this.#deliver(reply);
        if (this.#error !== null) return;
      }
    } catch (thrown) {
      this.break(thrown instanceof ProtocolError ? thrown : this.#lost(thrown));
    }
  }

  #deliver(reply: Reply): void {
    if (reply.code === 421) {
      // The server ends the session, whatever was asked; who waits is told in its own words.
      this.#hand(reply);
      return this.break(this.#lost(new Error(`421 ${reply.lines.join(" ").slice(0, 200)}`)));
    }
    if (this.#owed === 0) throw this.#unlike(`it says ${reply.code} without being asked`);
    if (!isPreliminary(reply)) {
      this.#owed -= 1;
      if (this.#owed === 0) this.#arm();
    }
    if (this.#came.length >= protocolLimits.ftpPreliminaryMax) {
      throw this.#unlike("it answers more than it was asked");
    }
    this.#hand(reply);
  }

  #hand(reply: Reply): void {
    if (this.#waiting === null) this.#came.push(reply);
    else this.#waiting.resolve(reply);
    this.#waiting = null;
  }

  #silent(withinMs: number): ProtocolError {
    const message = `cannot go on with ${this.place}: it did not answer within ${withinMs} ms`;
    return new ProtocolError("timeout", message, { definite: false });
  }

  #lost(cause?: unknown): ProtocolError {
    const message = `cannot go on with ${this.place}: the control connection has ended`;
    return new ProtocolError("unreachable", message, { cause, definite: false });
  }

  #unlike(reason: string): ProtocolError {
    const message = `cannot understand ${this.place}: ${reason}`;
    return new ProtocolError("badResponse", message, { definite: false });
  }
}
