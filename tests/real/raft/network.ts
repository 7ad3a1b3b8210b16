/** Hosts on one switch: network namespaces whose cables can be cut, one direction at a time (root). */

import { findProgram } from "../require.ts";

/** A host of a network. */
export interface Host {
  readonly hostname: string;
  /** Before a command, runs it there. */
  readonly prefix: readonly string[];
}

/** The port of the switch that belongs to us, so that clients reach every host whatever is cut. */
const OUR_NUMBER = 254;

/** Hosts that reach each other and are reached from here. */
export class Network implements Disposable {
  readonly hosts: readonly Host[];
  readonly #bridge = `qbr${Deno.pid % 1e6}`;
  readonly #subnet = `10.98.${Deno.pid % 250}`;

  constructor(count: number) {
    removeLeftovers();
    try {
      run("ip", "link", "add", this.#bridge, "type", "bridge");
      run("ip", "addr", "add", `${this.#subnet}.${OUR_NUMBER}/24`, "dev", this.#bridge);
      run("ip", "link", "set", this.#bridge, "up");
      this.hosts = Array.from({ length: count }, (_, index) => this.#plug(index));
    } catch (error) {
      this.#remove(count);
      throw error;
    }
  }

  /** Drops what comes from host `from` to host `to`. */
  cut(from: number, to: number): void {
    this.#iptables(to, "-A", "INPUT", "-s", this.#address(from), "-j", "DROP");
  }

  /** Cuts every cable between hosts of different sides, in both directions. */
  partition(...sides: readonly (readonly number[])[]): void {
    for (const side of sides) {
      const others = sides.filter((other) => other !== side).flat();
      for (const to of side) for (const from of others) this.cut(from, to);
    }
  }

  heal(): void {
    for (let index = 0; index < this.hosts.length; index += 1) this.#iptables(index, "-F", "INPUT");
  }

  [Symbol.dispose](): void {
    this.#remove(this.hosts.length);
  }

  #plug(index: number): Host {
    const [namespace, inside, outside] = this.#names(index);
    run("ip", "netns", "add", namespace);
    run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", namespace);
    run("ip", "link", "set", outside, "master", this.#bridge, "up");
    run("ip", "-n", namespace, "addr", "add", `${this.#address(index)}/24`, "dev", inside);
    for (const name of ["lo", inside]) run("ip", "-n", namespace, "link", "set", name, "up");
    const prefix = [findProgram("ip")!, "netns", "exec", namespace];
    return { hostname: this.#address(index), prefix };
  }

  /** Names of interfaces have at most 15 characters. */
  #names(index: number): [namespace: string, inside: string, outside: string] {
    const number = Deno.pid % 1e6;
    return [`quorus-${Deno.pid}-${index}`, `qi${number}x${index}`, `qo${number}x${index}`];
  }

  #address(index: number): string {
    return `${this.#subnet}.${index + 1}`;
  }

  #iptables(index: number, ...args: string[]): void {
    const [namespace] = this.#names(index);
    run("ip", "netns", "exec", namespace, findProgram("iptables")!, "-w", ...args);
  }

  #remove(count: number): void {
    for (let index = 0; index < count; index += 1) {
      // The namespace lives on while a dying process holds it; without its cable it harms nobody.
      const [namespace, , outside] = this.#names(index);
      runs("ip", "link", "del", outside);
      runs("ip", "netns", "del", namespace);
    }
    runs("ip", "link", "del", this.#bridge);
  }
}

/** What processes that were killed have left: their addresses would be ours one day. */
function removeLeftovers(): void {
  const { stdout } = new Deno.Command(findProgram("ip")!, { args: ["-br", "link"] }).outputSync();
  for (const [, name, owner] of new TextDecoder().decode(stdout).matchAll(LINK)) {
    if (!isRunning(owner!)) runs("ip", "link", "del", name!);
  }
  const listed = new Deno.Command(findProgram("ip")!, { args: ["netns", "list"] }).outputSync();
  for (const [name, owner] of new TextDecoder().decode(listed.stdout).matchAll(NAMESPACE)) {
    if (!isRunning(owner!)) runs("ip", "netns", "del", name);
  }
}

/** Bridges and cables of ours, and the process that made them. */
const LINK = /^(q(?:br|o)(\d+)(?:x\d+)?)\b/gm;
const NAMESPACE = /^quorus-(\d+)-\d+/gm;

function isRunning(processId: string): boolean {
  try {
    return Deno.statSync(`/proc/${processId}`).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function run(name: string, ...args: string[]): void {
  if (!runs(name, ...args)) throw new Error(`${name} ${args.join(" ")} failed`);
}

function runs(name: string, ...args: string[]): boolean {
  const command = findProgram(name)!;
  return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
}
