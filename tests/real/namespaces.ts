/** Two network namespaces with a cable between them: machines of one test, for those who may (root). */

import { findProgram, requirePrograms } from "./require.ts";

/**
 * What to spread into `Deno.test({...})`: skipped where no namespace can be made. Strict runs
 * (QUORUS_REQUIRE_ALL=1) want the programs, but need not be root.
 */
export function requireNamespaces(): { readonly ignore: boolean } {
  const programs = requirePrograms(["ip", "iptables"]);
  if (programs.ignore) return programs;
  const can = Deno.uid() === 0 && namespacesWork();
  if (!can) {
    console.warn("Cannot run a test: network namespaces need root (the test is skipped)");
  }
  return { ignore: !can };
}

/** One of the two machines. */
export interface Machine {
  readonly hostname: string;
  /** Before a command, runs it there. */
  readonly prefix: readonly string[];
  /** Drops every packet that comes in, until it is healed. */
  deaf(): void;
  heal(): void;
}

/** Makes two machines that reach each other, for as long as `work` takes. */
export async function withMachines(work: (a: Machine, b: Machine) => Promise<void>): Promise<void> {
  const names = ["a", "b"].map((name) => `quorus-${Deno.pid}-${name}`);
  const [a, b] = names as [string, string];
  // Names of interfaces have at most 15 characters, and are in use until their namespace is gone.
  const [left, right] = [`qa${Deno.pid % 1e6}`, `qb${Deno.pid % 1e6}`];
  try {
    for (const name of names) run("ip", "netns", "add", name);
    run("ip", "link", "add", left, "netns", a, "type", "veth", "peer", "name", right, "netns", b);
    plug(a, left, "10.99.0.1");
    plug(b, right, "10.99.0.2");
    await work(machine(a, "10.99.0.1"), machine(b, "10.99.0.2"));
  } finally {
    for (const name of names) runs("ip", "netns", "del", name);
  }
}

function plug(namespace: string, link: string, address: string): void {
  run("ip", "-n", namespace, "addr", "add", `${address}/24`, "dev", link);
  for (const name of ["lo", link]) run("ip", "-n", namespace, "link", "set", name, "up");
}

function machine(namespace: string, hostname: string): Machine {
  const prefix = [findProgram("ip")!, "netns", "exec", namespace];
  const iptables = (...args: string[]): void =>
    run("ip", "netns", "exec", namespace, findProgram("iptables")!, "-w", ...args);
  return {
    hostname,
    prefix,
    deaf: () => iptables("-A", "INPUT", "-j", "DROP"),
    heal: () => iptables("-F", "INPUT"),
  };
}

/** Containers may have root without the right to make a network. */
function namespacesWork(): boolean {
  const name = `quorus-${Deno.pid}-try`;
  if (!runs("ip", "netns", "add", name)) return false;
  const works = runs("ip", "netns", "exec", name, findProgram("iptables")!, "-L", "-n");
  runs("ip", "netns", "del", name);
  return works;
}

function run(name: string, ...args: string[]): void {
  if (!runs(name, ...args)) throw new Error(`${name} ${args.join(" ")} failed`);
}

function runs(name: string, ...args: string[]): boolean {
  const command = findProgram(name)!;
  return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
}
