/**
 * One `smbclient` in use: a line goes in, its messages come out at standard error, bytes of files and a
 * prompt at standard output. Where an answer ends is told twice, and neither can be forged by a server:
 * by the prompt, and by what smbclient says of a made-up command that nobody but us knows.
 */

import type { Env, TimerHandle } from "../../runtime/env/env.ts";
import type { RunningProgram } from "../../runtime/env/programs.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Session } from "../sessions.ts";
import { SmbRefusal, statusIn, unexpected } from "./status.ts";

/** What smbclient writes when it waits for a line; it never leaves the top of the share. */
const PROMPT = new TextEncoder().encode("smb: \\> ");
const READ_BYTES = 65_536;
const ERRORS_READ_BYTES = 16_384;
/**
 * What C's library takes from a pipe at once (glibc; others take a part of it): a line of this length leaves
 * nothing of the next one in a buffer that smbclient does not look into before more comes.
 */
const BUFFER_BYTES = 4_096;

/** How long a session waits. */
export interface SessionTimes {
  readonly connectMs: number;
  readonly idleMs: number;
}

/** A session in use; one call at a time. */
export class SmbSession implements Session {
  /** For messages: `smb://host/share`. */
  readonly place: string;
  readonly env: Env;
  readonly #program: RunningProgram;
  readonly #idleMs: number;
  readonly #decoder = new TextDecoder();
  readonly #outputBuffer = new Uint8Array(READ_BYTES);
  readonly #errorsBuffer = new Uint8Array(ERRORS_READ_BYTES);
  #output = new Uint8Array(0);
  #heard = "";
  #failure: ProtocolError | null = null;
  /** Two lines can be sent at once, which spares a turn for each command. */
  #isPaired = false;
  /** Of the file that is being read; `null` where it has not been sent yet. */
  #marker: string | null = null;
  #ending: Promise<void> | null = null;
  #isAnswering = false;

  private constructor(place: string, env: Env, program: RunningProgram, idleMs: number) {
    this.place = place;
    this.env = env;
    this.#program = program;
    this.#idleMs = idleMs;
  }

  /** Waits until the share is open; fails as connecting or authenticating did. */
  static async open(
    place: string,
    env: Env,
    program: RunningProgram,
    { connectMs, idleMs }: SessionTimes,
  ): Promise<SmbSession> {
    const session = new SmbSession(place, env, program, idleMs);
    const deadline = env.timers.after(
      connectMs,
      () => session.#giveUp("open a session", connectMs),
    );
    try {
      await session.#prompt("open a session");
      await session.#tryPair("open a session");
      return session;
    } catch (thrown) {
      const said = await session.#rest();
      await session.end();
      throw session.#failure ?? openingFailure(place, said, thrown);
    } finally {
      deadline.cancel();
    }
  }

  get isBroken(): boolean {
    return this.#failure !== null || this.#ending !== null || this.#isAnswering;
  }

  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Ends it as broken: nothing that comes from it is believed. */
  fail(error: ProtocolError): ProtocolError {
    this.#failure ??= error;
    void this.end();
    return error;
  }

  /** What it means that it ended in the middle of something. */
  lost(action: string): ProtocolError {
    return this.fail(this.#gone(action, ""));
  }

  /** Everything that smbclient says about one command; `action` is its verb and object. */
  async run(action: string, line: string): Promise<string> {
    return (await this.runAll(action, [line]))[0]!;
  }

  /**
   * The same of several, sent together where that spares turns: a later one is done whatever became of
   * those before it.
   */
  async runAll(action: string, lines: readonly string[]): Promise<string[]> {
    const said: string[] = [];
    const isTogether = this.#isPaired && lines.every((line) => padded(line) !== null);
    if (!isTogether) {
      for (const line of lines) said.push(await this.#gathered(action, this.answer(action, line)));
      return said;
    }
    this.#assertUsable(action);
    this.#isAnswering = true;
    let isWhole = false;
    try {
      const asked = lines.map((line) => [line, this.#newMarker()] as const);
      await this.#send(together(asked.flat()));
      await this.#prompts(action, asked.length * 2);
      for (const [, marker] of asked) {
        said.push(await this.#gathered(action, this.#until(action, marker)));
      }
      isWhole = true;
      return said;
    } finally {
      this.#isAnswering = false;
      if (!isWhole) await this.end();
    }
  }

  /** The same as it comes; who stops listening before the end ends the session. */
  async *answer(action: string, line: string): AsyncGenerator<string, void> {
    this.#assertUsable(action);
    this.#isAnswering = true;
    const marker = this.#newMarker();
    const conversation = this.#converse(action, line, marker);
    conversation.catch(() => {});
    let isWhole = false;
    try {
      yield* this.#until(action, marker);
      await conversation;
      isWhole = true;
    } finally {
      this.#isAnswering = false;
      if (!isWhole) await this.end();
    }
  }

  /** Sends a command whose answer begins with bytes of a file; {@link endBytes} ends it. */
  async begin(action: string, line: string): Promise<void> {
    this.#assertUsable(action);
    this.#isAnswering = true;
    const marker = this.#newMarker();
    const pair = this.#isPaired ? paired(line, marker) : null;
    this.#marker = pair === null ? null : marker;
    await this.#send(pair ?? line);
  }

  /** Another command before that one, sent with it: everything that is said about the other one. */
  async beginAfter(action: string, first: string, line: string): Promise<string> {
    if (!this.#isPaired || padded(first) === null || padded(line) === null) {
      const text = await this.run(action, first);
      await this.begin(action, line);
      return text;
    }
    this.#assertUsable(action);
    this.#isAnswering = true;
    const [between, last] = [this.#newMarker(), this.#newMarker()];
    this.#marker = last;
    await this.#send(together([first, between, line, last]));
    await this.#prompts(action, 2);
    return await this.#gathered(action, this.#until(action, between));
  }

  /** Bytes of standard output, 0 where there are no more of them at all. */
  async bytes(action: string, into: Uint8Array): Promise<number> {
    if (this.#output.length === 0) await this.#more(action);
    const count = Math.min(into.length, this.#output.length);
    into.set(this.#output.subarray(0, count));
    this.#output = this.#output.subarray(count);
    return count;
  }

  /** The next line that smbclient says, or the last part of one. */
  async said(action: string): Promise<string> {
    while (!this.#heard.includes("\n")) {
      const part = await this.#errors(action, null);
      if (part === null) break;
      this.#heard += part;
      if (this.#heard.length > protocolLimits.smbAnswerMaxBytes) {
        throw this.fail(unexpected(action, this.place, this.#heard.slice(0, 200)));
      }
    }
    const end = this.#heard.indexOf("\n") + 1;
    const line = end === 0 ? this.#heard : this.#heard.slice(0, end);
    this.#heard = this.#heard.slice(line.length);
    return line;
  }

  /** The prompt behind the last byte of a file, and whatever else was said. */
  async endBytes(action: string): Promise<string> {
    await this.#prompt(action);
    const marker = this.#marker ?? this.#newMarker();
    if (this.#marker === null) await this.#send(marker);
    this.#marker = null;
    let text = "";
    for await (const part of this.#until(action, marker)) text += part;
    await this.#prompt(action);
    this.#isAnswering = false;
    return text;
  }

  /** Waits for work that depends on the server; one that is silent for too long is given up. */
  patiently<T>(action: string, work: Promise<T>): Promise<T> {
    return this.#watched(action, this.#idleMs, work);
  }

  /** Finds out whether a second line is looked at that was sent together with a first one. */
  async #tryPair(action: string): Promise<void> {
    const [first, second] = [this.#newMarker(), this.#newMarker()];
    let isLate = false;
    await this.#send(paired(first, second)!);
    await this.#prompt(action);
    const timer = this.env.timers.after(protocolLimits.smbPairMs, () => {
      isLate = true;
      // Any line brings out the one that waits.
      void this.#send("");
    });
    for await (const _ of this.#until(action, second));
    await this.#prompt(action);
    timer.cancel();
    if (isLate) await this.#prompt(action);
    this.#isPaired = !isLate;
  }

  async #converse(action: string, line: string, marker: string): Promise<void> {
    const pair = this.#isPaired ? paired(line, marker) : null;
    await this.#send(pair ?? line);
    await this.#prompt(action);
    if (pair === null) await this.#send(marker);
    await this.#prompt(action);
  }

  /**
   * So many prompts, before anything is heard: what was said is there by then, in one piece. A session that
   * ends meanwhile is told by what it said.
   */
  async #prompts(action: string, count: number): Promise<void> {
    try {
      for (let seen = 0; seen < count; seen++) await this.#prompt(action);
    } catch (thrown) {
      if (this.#failure !== null) throw this.#failure;
      throw thrown instanceof ProtocolError && thrown.code === "unreachable"
        ? this.fail(this.#gone(action, this.#heard + await this.#rest()))
        : thrown;
    }
  }

  /** A whole answer, which has an end. */
  async #gathered(action: string, parts: AsyncIterable<string>): Promise<string> {
    let text = "";
    for await (const part of parts) {
      text += part;
      if (text.length <= protocolLimits.smbAnswerMaxBytes) continue;
      throw this.fail(unexpected(action, this.place, text.slice(0, 200)));
    }
    return text;
  }

  /** What is said before the answer to a marker. */
  async *#until(action: string, marker: string): AsyncGenerator<string, void> {
    const end = `${marker}: command not found\n`;
    for (;;) {
      // Looked for in what was not given away yet; behind it may stand what is said of the next command.
      const at = this.#heard.indexOf(end);
      if (at >= 0) {
        const last = this.#heard.slice(0, at);
        this.#heard = this.#heard.slice(at + end.length);
        if (last !== "") yield last;
        return;
      }
      // What may be the beginning of the end is kept back.
      const ready = this.#heard.length - end.length;
      if (ready > 0) {
        const text = this.#heard.slice(0, ready);
        this.#heard = this.#heard.slice(ready);
        yield text;
      }
      const part = await this.#errors(action, this.#idleMs);
      if (part === null) throw this.fail(this.#gone(action, this.#heard));
      this.#heard += part;
    }
  }

  /** Letters and digits that begin no command and that no server has seen. */
  #newMarker(): string {
    const hex = [...this.env.random.bytes(16)].map((byte) => byte.toString(16).padStart(2, "0"));
    return `q${hex.join("")}`;
  }

  async #send(line: string): Promise<void> {
    try {
      await this.#program.write(new TextEncoder().encode(`${line}\n`));
    } catch {
      // It has ended; whoever waits for its answer is told how.
    }
  }

  async #prompt(action: string): Promise<void> {
    while (this.#output.length < PROMPT.length) {
      if (!await this.#more(action)) throw this.#gone(action, "");
    }
    const seen = this.#output.subarray(0, PROMPT.length);
    if (!seen.every((byte, index) => byte === PROMPT[index])) {
      const message = `cannot ${action} on ${this.place}: bytes came where none were expected`;
      throw this.fail(new ProtocolError("tooLong", message));
    }
    this.#output = this.#output.subarray(PROMPT.length);
  }

  /** Reads more of standard output; `false` at its end. */
  async #more(action: string): Promise<boolean> {
    // What is left moves to the front: less than a prompt, so there is always room.
    const left = this.#output.length;
    this.#outputBuffer.set(this.#output);
    const room = this.#outputBuffer.subarray(left);
    const count = await this.#watched(action, this.#idleMs, this.#program.read(room));
    this.#output = this.#outputBuffer.subarray(0, left + count);
    return count > 0;
  }

  /** Some of standard error, `null` at its end. */
  async #errors(action: string, withinMs: number | null): Promise<string | null> {
    const buffer = this.#errorsBuffer;
    const count = await this.#watched(action, withinMs, this.#program.readErrors(buffer));
    return count === 0 ? null : this.#decoder.decode(buffer.subarray(0, count), { stream: true });
  }

  /** Waits for bytes; a server that sends none for too long is given up. */
  async #watched<T>(action: string, withinMs: number | null, work: Promise<T>): Promise<T> {
    let timer: TimerHandle | null = null;
    if (withinMs !== null) {
      timer = this.env.timers.after(withinMs, () => this.#giveUp(action, withinMs));
    }
    try {
      const value = await work;
      if (this.#failure !== null) throw this.#failure;
      return value;
    } finally {
      timer?.cancel();
    }
  }

  #giveUp(action: string, afterMs: number): void {
    const message = `cannot ${action} on ${this.place}: nothing came for ${afterMs} ms`;
    this.fail(new ProtocolError("timeout", message, { definite: false }));
  }

  #gone(action: string, said: string): ProtocolError {
    if (this.#failure !== null) return this.#failure;
    const status = statusIn(said);
    const why = status === null ? "smbclient ended" : `smbclient ended with ${status}`;
    const message = `cannot ${action} on ${this.place}: the connection was lost (${why})`;
    return new ProtocolError("unreachable", message, { definite: false });
  }

  #assertUsable(action: string): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#ending === null && !this.#isAnswering) return;
    throw new ProtocolError("unreachable", `cannot ${action} on ${this.place}: its session ended`);
  }

  /** What was said before the end, bounded. */
  async #rest(): Promise<string> {
    let text = "";
    while (text.length < protocolLimits.smbAnswerMaxBytes) {
      const part = await this.#errors("open", this.#idleMs).catch(() => null);
      if (part === null) break;
      text += part;
    }
    return text;
  }

  async #end(): Promise<void> {
    this.#program.kill();
    await this.#program.ended;
    const buffer = new Uint8Array(READ_BYTES);
    // Nobody reads them any more, and they are not to be kept open.
    while (await this.#program.read(buffer).catch(() => 0) > 0);
    while (await this.#program.readErrors(buffer).catch(() => 0) > 0);
  }
}

/** A line and the next one, so that the second is left in the pipe; `null` where the first is too long. */
function paired(line: string, next: string): string | null {
  const first = padded(line);
  return first === null ? null : `${first}\n${next}`;
}

/** A line that leaves nothing of the next one in the buffer; `null` where it is too long for that. */
function padded(line: string): string | null {
  const padding = BUFFER_BYTES - 1 - new TextEncoder().encode(line).length;
  return padding < 0 ? null : line + " ".repeat(padding);
}

/** Several lines of which none is too long. */
function together(lines: readonly string[]): string {
  return lines.map((line, index) => index === lines.length - 1 ? line : padded(line)!).join("\n");
}

/** What a share that was not opened means. */
export function openingFailure(place: string, said: string, cause: unknown): ProtocolError {
  const action = "open a session";
  const ticket = ticketFailure(place, said);
  if (ticket !== null) return ticket;
  const status = statusIn(said);
  if (status === null) {
    const error = said.trim() === "" ? null : unexpected(action, place, said.slice(-300));
    return error ?? (cause as ProtocolError);
  }
  if (status === "INVALID_PARAMETER" || status === "INVALID_PARAMETER_MIX") {
    const message = `cannot open ${place}: the server and smbclient agree on no version of SMB; ` +
      "look at smbVersion, signing and encryption";
    return new ProtocolError("unsupported", message, { definite: true });
  }
  return new SmbRefusal(action, place, status);
}

/** Kerberos that ended before the server was asked: the status behind it says something else. */
function ticketFailure(place: string, said: string): ProtocolError | null {
  if (/^Kerberos auth with .* not possible$/m.test(said)) {
    const message = `cannot open ${place}: Kerberos knows hosts by their names; ` +
      "write the name, and not an address or localhost";
    return new ProtocolError("unsupported", message, { definite: true });
  }
  const isUnmade = /^gensec_spnego_client_negTokenInit_step: .*NEG_TOKEN_INIT/m.test(said);
  if (!isUnmade) return null;
  const message = `cannot open ${place}: there is no ticket for it, or it has expired; ` +
    "look at the credential cache (klist), and at krb5.conf";
  return new ProtocolError("unauthenticated", message, { definite: true });
}
