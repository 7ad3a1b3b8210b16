/** A process of a benchmark's own: says what it is in one line, and ends with its input. */

import process from "node:process";
import { cpuOf } from "./cluster_nodes.ts";

/** A process that runs. */
export class BenchChild<Said> {
  readonly said: Said;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, said: Said) {
    this.#child = child;
    this.said = said;
  }

  /** Starts a module beside this one; resolves once it has said its line. */
  static async start<Said>(file: string, ...args: string[]): Promise<BenchChild<Said>> {
    const module = new URL(file, import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", module, ...args],
      ...{ stdin: "piped", stdout: "piped", stderr: "inherit" } as const,
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`start ${file}: it has ended before it was ready`);
      text += value;
    }
    reader.releaseLock();
    return new BenchChild(child, JSON.parse(text.slice(0, text.indexOf("\n"))) as Said);
  }

  /** CPU time that it has used, in ms. */
  get cpuMs(): number {
    return cpuOf(this.#child.pid);
  }

  async stop(): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

/** Called by such a process: says its line, and does `stop` when its input ends. */
export function serveBench(said: unknown, stop: () => Promise<void>): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
  process.stdin.once("end", () => stop().then(() => process.exit(0)));
  process.stdin.resume();
}
