/** Peers as processes: started, told what to do, listened to, stopped, killed. */

import { resolve } from "node:path";
import type { Command, PeerArguments, Said } from "./protocol.ts";

const PROGRAM = resolve(import.meta.dirname ?? ".", "peer_program.ts");

/** Something that a peer has said, and when. */
export type Heard = Said & { readonly atMs: number };
type Kind = Said["say"];
type Of<K extends Kind> = Extract<Heard, { say: K }>;

/** A peer's process. */
export class PeerProcess {
  readonly heard: Heard[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #waiting: { check(): void }[] = [];

  constructor(options: PeerArguments, prefix: readonly string[]) {
    const [command, ...args] = [...prefix, Deno.execPath(), "run", "-A", PROGRAM];
    this.#child = new Deno.Command(command!, {
      args: [...args, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  tell(command: Command): void {
    const line = new TextEncoder().encode(JSON.stringify(command) + "\n");
    this.#input.write(line).catch(() => {}); // a dead one hears nothing
  }

  /** All of that kind, so far. */
  all<K extends Kind>(say: K): Of<K>[] {
    return this.heard.filter((one): one is Of<K> => one.say === say);
  }

  /** What is the first that fits, from the `from`th thing heard on; waits for it. */
  hears<K extends Kind>(
    say: K,
    fits: (said: Of<K>) => boolean = () => true,
    { from = 0, withinMs = 30_000 } = {},
  ): Promise<Of<K>> {
    return new Promise((found, failed) => {
      const check = (): void => {
        const one = this.heard.slice(from).find((one) => one.say === say && fits(one as Of<K>));
        if (one === undefined) return;
        clearTimeout(late);
        this.#waiting = this.#waiting.filter((waiter) => waiter !== waiting);
        found(one as Of<K>);
      };
      const late = setTimeout(() => {
        failed(new Error(`nothing like that was heard: ${JSON.stringify(this.heard, null, 1)}`));
      }, withinMs);
      const waiting = { check };
      this.#waiting.push(waiting);
      check();
    });
  }

  /** The first link event of that kind and peer, from the `from`th thing heard on. */
  link(kind: string, peer: string, options: { from?: number } = {}): Promise<Of<"link">> {
    return this.hears("link", (one) => one.kind === kind && one.peer === peer, options);
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Ends the process, in whatever state it is, and waits for it. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown; // it has ended
    }
    await Promise.all([this.#child.status, this.#reading]);
    await this.#input.close().catch(() => {});
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.heard.push({ ...JSON.parse(line), atMs: performance.now() });
      for (const { check } of [...this.#waiting]) check();
    }
  }
}

/** Starts peers for one test and kills those that are left. */
export async function withPeers(
  work: (
    start: (options: PeerArguments, prefix?: readonly string[]) => PeerProcess,
  ) => Promise<void>,
): Promise<void> {
  const started: PeerProcess[] = [];
  try {
    await work((options, prefix = []) => {
      const peer = new PeerProcess(options, prefix);
      started.push(peer);
      return peer;
    });
  } finally {
    await Promise.all(started.map((peer) => peer.kill()));
  }
}

/** So long, and nothing else: the faults of these tests have a length. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
