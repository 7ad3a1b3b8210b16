/** A process of ours that carries out one workflow after the other, as an agent of a cluster does. */

import { familyBytes, familyMs } from "./command.ts";

/** The most that a run had at one moment. */
export interface Peaks {
  /** Of the pipelines' buffers. */
  readonly lentBytes: number;
  readonly rssBytes: number;
}

/** See the file's comment. */
export class QuorusAgent {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  constructor() {
    const module = new URL("./quorus_agent_child.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", module],
      ...{ stdin: "piped", stdout: "piped", stderr: "inherit" } as const,
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** CPU time that it and its helpers have used, in ms. */
  get cpuMs(): number {
    return familyMs(this.#child.pid);
  }

  /** Memory that it and its helpers hold. */
  get rssBytes(): number {
    return familyBytes(this.#child.pid);
  }

  /** Carries a workflow out; its state lies in `folder` meanwhile. */
  async run(text: string, folder: string): Promise<Peaks> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify({ text, folder })}\n`));
    let line = "";
    while (!line.endsWith("\n")) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error("Quorus has ended");
      line += value;
    }
    const outcome = JSON.parse(line);
    if (outcome.error !== undefined) throw new Error(`Quorus: ${outcome.error}`);
    return outcome as Peaks;
  }

  async stop(): Promise<void> {
    await this.#input.close();
    await this.#child.status;
    await this.#output.cancel();
  }
}
