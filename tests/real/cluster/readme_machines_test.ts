/**
 * The story of README, "Three machines, then a fourth", with its own commands and settings: each machine is
 * a folder and an address of loopback.
 */

import assert from "node:assert/strict";
import { inFolder } from "../../cli/folder.ts";
import type { Ran } from "./cluster_processes.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const NETWORK = "127.77.0.";

/** The blocks of code of the section, in order. */
function story(): { readonly language: string; readonly text: string }[] {
  const readme = Deno.readTextFileSync(`${ROOT}README.md`);
  const section = readme.split("### Three machines, then a fourth\n")[1]!.split("\n## ")[0]!;
  return [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .map(([, language = "", text = ""]) => ({ language, text }));
}

/** The commands of a block, without what is said beside them. */
function commands(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** One of the four, and the processes that it runs. */
class Machine {
  readonly folder: string;
  readonly #running: Deno.ChildProcess[] = [];
  environment: Record<string, string> = {};

  constructor(cwd: string, readonly number: number) {
    this.folder = `${cwd}/m${number}`;
    Deno.mkdirSync(`${this.folder}/files`, { recursive: true });
  }

  /** As the text stands in README: for the first machine. */
  of(text: string): string {
    return text.replace(/\bm1\b/g, `m${this.number}`)
      .replace(/10\.0\.0\.1:(4100|8080)/g, `${NETWORK}${this.number}:$1`)
      .replaceAll("10.0.0.", NETWORK)
      .replaceAll("127.0.0.1:8080", `${NETWORK}${this.number}:8080`);
  }

  /** Runs a command of README to its end. */
  async run(command: string): Promise<Ran> {
    const [line = "", file] = command.split(" > ");
    const { code, stdout, stderr } = await this.#command(line).output();
    const out = new TextDecoder().decode(stdout);
    const err = new TextDecoder().decode(stderr);
    assert.equal(code, 0, `${command}: ${err}${out}`);
    if (file !== undefined) Deno.writeTextFileSync(`${this.folder}/${file}`, out);
    return { code, out, err };
  }

  /** Starts a command that goes on, and waits until its first line. */
  async begin(command: string): Promise<void> {
    const child = this.#command(command.replace(/ &$/, "")).spawn();
    this.#running.push(child);
    const reader = child.stdout.getReader();
    const { done } = await reader.read();
    if (done) {
      const err = await new Response(child.stderr).text();
      throw new Error(`m${this.number}: ${command} has ended: ${err}`);
    }
    reader.releaseLock();
    void child.stderr.pipeTo(new WritableStream()).catch(() => {});
    void child.stdout.pipeTo(new WritableStream()).catch(() => {});
  }

  async stop(): Promise<void> {
    for (const child of this.#running) {
      try {
        child.kill("SIGTERM");
      } catch { /* it has ended */ }
      await child.status;
    }
  }

  /** `deno task NAME` with the flags of that task; its folder is this one and not the clone. */
  #command(line: string): Deno.Command {
    const [, , task = "", ...args] = line.split(" ");
    const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
    const flags = String(tasks[task].command).split(" ").slice(2)
      .map((flag) => flag === "cli.ts" ? `${ROOT}cli.ts` : flag)
      .map((flag) => flag === "--allow-read=." ? `--allow-read=.,${ROOT}` : flag);
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", ...flags, ...args],
      cwd: this.folder,
      env: { NO_COLOR: "1", ...this.environment },
      stdout: "piped",
      stderr: "piped",
    });
  }
}

Deno.test("three machines become a cluster, a fourth joins and the first one leaves, as README says", () =>
  inFolder(async (cwd) => {
    const [authority, each, settings, later] = story();
    assert.deepEqual([authority, each, settings, later].map((one) => one?.language), [
      "sh",
      "sh",
      "yaml",
      "sh",
    ]);
    const machines = [1, 2, 3, 4].map((number) => new Machine(cwd, number));
    const [first, second, third, fourth] = machines as [Machine, Machine, Machine, Machine];
    try {
      const [init, serve, token, key] = commands(authority!.text) as [
        string,
        string,
        string,
        string,
      ];
      await first.run(first.of(init));
      await first.begin(first.of(serve));
      const entry = (await first.run(first.of(key))).out;
      const sha256 = /sha256: ?"?([0-9a-f]{64})/.exec(entry)![1]!;
      const [join, start] = commands(each!.text) as [string, string];
      const enter = async (machine: Machine, change: (text: string) => string) => {
        const { number, folder } = machine;
        await first.run(first.of(token).replace(/\bm1\b/g, `m${number}`));
        if (machine !== first) {
          Deno.copyFileSync(`${first.folder}/m${number}.token`, `${folder}/m${number}.token`);
        }
        await machine.run(machine.of(join));
        const text = settings!.text
          .replace("node: m1", `node: m${number}`)
          .replace("listen: 10.0.0.1", `listen: 10.0.0.${number}`)
          .replaceAll("tls/m1", `tls/m${number}`)
          .replace("sha256: ...", `sha256: "${sha256}"`)
          .replaceAll("10.0.0.", NETWORK);
        // Each machine has its own 127.0.0.1; here they share one.
        const http = `http: ${NETWORK}${number}:8080\n`;
        Deno.writeTextFileSync(`${folder}/start.yaml`, change(text) + http);
        await machine.begin(`${machine.of(start)} --json`);
      };
      await Promise.all([first, second, third].map((machine) => enter(machine, (text) => text)));
      await enter(
        fourth,
        (text) => text.replace(" }", `, m4: "wss://${NETWORK}4:4100" }`) + "join: true\n",
      );
      Deno.copyFileSync(`${first.folder}/admin.key`, `${second.folder}/admin.key`);
      const [exporting, ...rest] = commands(later!.text) as [string, ...string[]];
      for (const [, name = "", value = ""] of second.of(exporting).matchAll(/(\w+)=(\S+)/g)) {
        second.environment[name] = value;
      }
      await second.run("deno task quorus get runs");
      const [add, remove, status] = rest as [string, string, string];
      await second.run(add);
      await second.run(remove);
      const shown = (await second.run(status)).out;
      for (const node of ["m2", "m3", "m4"]) {
        assert.match(shown, new RegExp(`\n${node} +(leader|voter)`));
      }
      assert.doesNotMatch(shown, /\nm1 +(leader|voter)/);
    } finally {
      await Promise.all(machines.map((machine) => machine.stop()));
    }
  }));
