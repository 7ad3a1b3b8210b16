/** One member of the key-value store of `examples/13_kv`, as a process. */

import { resolve } from "node:path";
import { findProgram } from "../require.ts";
import { askOnce } from "./ask_once.ts";
import { type Place, textOf } from "./connection.ts";

const ROOT = resolve(import.meta.dirname ?? ".", "../../..");
const PROGRAM = `${ROOT}/examples/13_kv/main.ts`;
const KEPT_LINES = 500;
const STATUS_WITHIN_MS = 1_000;
const TOKEN = "a token of these tests, no secret";

/** How a member is started. */
export interface MemberPlan {
  readonly id: string;
  readonly http: Place;
  /** The links of all members, this one's too: `a=10.0.0.1:4200`. */
  readonly links: readonly string[];
  readonly dataFolder: string;
  /** Before the command; where it is not empty, links leave the loopback. */
  readonly prefix?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Waits to be added to a group that is there. */
  readonly isJoining?: boolean;
  /** For `deno run`, before the program. */
  readonly runtimeFlags?: readonly string[];
}

/** What of `GET /status` these tests look at. */
export interface MemberStatus {
  readonly id: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
  readonly commit: number;
  readonly applied: number;
  readonly isDiskFull: boolean;
  readonly snapshotIndex: number;
  readonly peers: readonly {
    readonly id: string;
    readonly state: string;
    readonly match: number;
    readonly lagEntries: number;
  }[];
}

/** See the head of this file. */
export class Member {
  readonly plan: MemberPlan;
  /** The last lines it printed, through all its lives. */
  readonly lines: string[] = [];
  #child: Deno.ChildProcess | null = null;
  #reading: Promise<unknown> = Promise.resolve();
  #isPaused = false;

  constructor(plan: MemberPlan) {
    this.plan = plan;
  }

  get id(): string {
    return this.plan.id;
  }
  get isRunning(): boolean {
    return this.#child !== null;
  }
  /** Running and not stopped by SIGSTOP. */
  get isAnswering(): boolean {
    return this.#child !== null && !this.#isPaused;
  }
  get processId(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts it with the folder it had before. */
  start(): void {
    if (this.#child !== null) throw new Error(`start ${this.id}: it is running`);
    const { prefix = [], environment = {} } = this.plan;
    const [command, ...args] = [...diesWithUs(), ...prefix, Deno.execPath(), ...this.#arguments()];
    const child = new Deno.Command(command!, {
      args,
      cwd: ROOT,
      env: { ...environment, ...(prefix.length === 0 ? {} : { KV_TOKEN: TOKEN }) },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#isPaused = false;
    this.#reading = Promise.all([this.#read(child.stdout), this.#read(child.stderr)]);
    void child.status.then(({ code, signal }) => {
      this.#say(`ended: ${signal ?? code}`);
      if (this.#child === child) this.#child = null;
    });
  }

  /** Resolves when the process has ended by itself. */
  async ended(): Promise<void> {
    await this.#child?.status;
  }

  /** Ends it at once, as a power cut of this process would. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === null) return await void this.#reading;
    child.kill(signal);
    await Promise.all([child.status, this.#reading]);
    this.#child = null;
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
    this.#isPaused = true;
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
    this.#isPaused = false;
  }

  /** AskError where it does not answer. */
  async status(withinMs: number = STATUS_WITHIN_MS): Promise<MemberStatus> {
    const question = { method: "GET", path: "/status" };
    const status = JSON.parse(textOf(await askOnce(this.plan.http, question, withinMs)));
    return { ...status, id: this.id };
  }

  #arguments(): string[] {
    const { id, http, links, dataFolder, prefix = [], isJoining = false } = this.plan;
    const far = prefix.length === 0 ? [] : [`--host=${http.hostname}`, "--plain"];
    const join = isJoining ? ["--join"] : [];
    const flags = [...permissions(this.plan), ...(this.plan.runtimeFlags ?? [])];
    const program = [PROGRAM, id, String(http.port), ...links];
    return ["run", ...flags, ...program, `--data=${dataFolder}`, ...far, ...join];
  }

  async #read(stream: Deno.ChildProcess["stdout"]): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#say(line);
    }
    if (rest !== "") this.#say(rest);
  }

  #say(line: string): void {
    this.lines.push(`${new Date().toISOString().slice(11, 23)} ${this.id} ${line}`);
    if (this.lines.length > KEPT_LINES) this.lines.shift();
  }
}

/** Before a command: a test that is killed leaves no processes behind (Linux). */
export function diesWithUs(): readonly string[] {
  const setpriv = findProgram("setpriv");
  return setpriv === undefined ? [] : [setpriv, "--pdeathsig", "SIGKILL"];
}

/** What a member needs, and nothing more: its folder, its two ports, those of the others. */
function permissions({ http, links, dataFolder }: MemberPlan): string[] {
  const addresses = links.map((link) => link.slice(link.indexOf("=") + 1))
    .map((address) => address.includes(":") ? address : `127.0.0.1:${address}`);
  return [
    "--no-prompt",
    "--cached-only",
    `--allow-net=${http.hostname}:${http.port},${addresses.join(",")}`,
    `--allow-read=${dataFolder}`,
    `--allow-write=${dataFolder}`,
    "--allow-env=KV_TOKEN,WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE",
  ];
}
