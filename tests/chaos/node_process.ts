/** One node as a process: started with the least permissions of its role, hurt, found again. */

import { resolve } from "node:path";
import { permissionFlags } from "../../cli/roles/permissions.ts";
import { diesWithUs } from "../real/raft/member.ts";
import type { NodePlace, NodeRole } from "./places.ts";

const ROOT = resolve(import.meta.dirname ?? ".", "../..");
const READY_POLL_MS = 50;
const READY_WITHIN_MS = 90_000;

/** What a process needs to be started. */
export interface ProcessPlan extends NodePlace {
  readonly config: string;
  readonly data: string;
  readonly log: string;
  /** Its configuration and secrets. */
  readonly reads: readonly string[];
  /** All places where nodes listen. */
  readonly net: readonly string[];
  /** Where agents write. */
  readonly volume: string;
}

/** One life that ended although nobody asked for it, or other than it should. */
export interface BadEnd {
  readonly node: string;
  readonly how: string;
}

/** See the head of this file. */
export class NodeProcess {
  readonly plan: ProcessPlan;
  readonly badEnds: BadEnd[] = [];
  #child: Deno.ChildProcess | null = null;
  #reading: Promise<unknown> = Promise.resolve();
  #isPaused = false;
  /** The signal that may end it. */
  #expected: Deno.Signal | null = null;

  constructor(plan: ProcessPlan) {
    this.plan = plan;
  }

  get id(): string {
    return this.plan.id;
  }
  get role(): NodeRole {
    return this.plan.role;
  }
  get isRunning(): boolean {
    return this.#child !== null;
  }
  /** Running and not stopped. */
  get isWell(): boolean {
    return this.#child !== null && !this.#isPaused;
  }

  /** Starts it with the folder it had before. */
  start(): void {
    if (this.#child !== null) throw new Error(`start ${this.id}: it is running`);
    const { prefix } = this.plan;
    const [command, ...args] = [...diesWithUs(), ...prefix, Deno.execPath(), ...this.#arguments()];
    const options = { args, cwd: ROOT, stdout: "piped", stderr: "piped" } as const;
    const child = new Deno.Command(command!, options).spawn();
    this.#child = child;
    this.#isPaused = false;
    this.#expected = null;
    this.#say(`--- started, pid ${child.pid}`);
    this.#reading = Promise.all([this.#keep(child.stdout), this.#keep(child.stderr)]);
    void child.status.then((status) => this.#ended(child, status));
  }

  /** Resolves once the node says that it is ready; Error with the end of its log where it never does. */
  async ready(withinMs = READY_WITHIN_MS): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (performance.now() < endMs && this.#child !== null) {
      if (this.#readyPid() === this.#child.pid) return;
      await new Promise((done) => setTimeout(done, READY_POLL_MS));
    }
    const why = this.#child === null ? "its process has ended" : `not ready in ${withinMs} ms`;
    throw new Error(`start ${this.id}: ${why}; the end of ${this.plan.log}:\n${this.logEnd()}`);
  }

  /** Ends it: `SIGKILL` at once, `SIGTERM` in order. Resolves when the process is gone. */
  async end(signal: "SIGKILL" | "SIGTERM", withinMs = 60_000): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#expected = signal;
    this.#say(`--- ${signal}`);
    child.kill(signal);
    if (this.#isPaused) child.kill("SIGCONT");
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, withinMs);
    await Promise.all([child.status, this.#reading]);
    clearTimeout(timer);
    if (late) this.#bad(`it did not end within ${withinMs} ms after ${signal}`);
  }

  pause(): void {
    this.#say("--- SIGSTOP");
    this.#child?.kill("SIGSTOP");
    this.#isPaused = true;
  }

  resume(): void {
    this.#say("--- SIGCONT");
    this.#child?.kill("SIGCONT");
    this.#isPaused = false;
  }

  /** The last lines that it wrote. */
  logEnd(lines = 30): string {
    const text = Deno.readTextFileSync(this.plan.log);
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  #ended(child: Deno.ChildProcess, { code, signal }: Deno.CommandStatus): void {
    if (this.#child === child) this.#child = null;
    this.#say(`--- ended: ${signal ?? code}`);
    if (this.#expected === "SIGKILL" && signal === "SIGKILL") return;
    if (this.#expected === "SIGTERM" && code === 0) return;
    const asked = this.#expected === null ? "nobody asked it to" : `after ${this.#expected}`;
    this.#bad(`its process ended with ${signal ?? `status ${code}`}, ${asked}`);
  }

  #bad(how: string): void {
    this.badEnds.push({ node: this.id, how });
  }

  #readyPid(): number | null {
    try {
      return JSON.parse(Deno.readTextFileSync(`${this.plan.data}/ready.json`)).pid;
    } catch {
      return null; // absent, or being written
    }
  }

  #arguments(): string[] {
    const { role, config, data, reads, net, volume } = this.plan;
    const needs = { data, reads, net, files: [volume], program: ROOT };
    const flags = permissionFlags(role, needs);
    return ["run", "--cached-only", ...flags, `${ROOT}/cli.ts`, role, "--config", config, "--json"];
  }

  async #keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const bytes of stream) Deno.writeFileSync(this.plan.log, bytes, { append: true });
  }

  #say(text: string): void {
    const line = `${new Date().toISOString()} ${text}\n`;
    Deno.writeTextFileSync(this.plan.log, line, { append: true });
  }
}
