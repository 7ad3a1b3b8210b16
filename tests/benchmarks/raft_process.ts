/** A member's process: told by lines of JSON, it answers each by one. */

import { diesWithUs } from "../real/raft/member.ts";

/** See the head of this file. */
export class LineProcess<Order> {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  /** `plan` is the program's only argument, as JSON. */
  constructor(program: string, plan: unknown) {
    const deno = [Deno.execPath(), "run", "-A", program, JSON.stringify(plan)];
    const [command, ...args] = [...diesWithUs(), ...deno];
    this.#child = new Deno.Command(command!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  get processId(): number {
    return this.#child.pid;
  }

  async ask<Says>(order: Order): Promise<Says> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("a member of the benchmark ended early");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  async end(): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}

/** The orders that were told to this process, one after the other. */
export async function* ordersOf<Order>(): AsyncGenerator<Order> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
}
