/** Debian's etcd-server as a cluster of processes: the peer of the benchmark, and a store to try clients on. */

import { findProgram } from "../require.ts";
import { askOnce } from "./ask_once.ts";
import { freePorts } from "../free_ports.ts";
import { pause } from "./cluster.ts";
import { type Place, textOf } from "./connection.ts";
import { diesWithUs } from "./member.ts";

const READY_WITHIN_MS = 20_000;

/** One etcd process. */
export class EtcdMember {
  readonly name: string;
  readonly http: Place;
  readonly folder: string;
  readonly #args: readonly string[];
  #child: Deno.ChildProcess | null = null;

  constructor(name: string, http: Place, folder: string, args: readonly string[]) {
    this.name = name;
    this.http = http;
    this.folder = folder;
    this.#args = args;
  }

  get processId(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    const [command, ...args] = [...diesWithUs(), findProgram("etcd")!, ...this.#args];
    this.#child = new Deno.Command(command!, {
      args,
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    try {
      child.kill("SIGKILL");
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown; // it has ended
    }
    await child.status;
  }

  /** Whether it leads; null where it does not answer or knows no leader. */
  async leads(): Promise<boolean | null> {
    try {
      const question = { method: "POST", path: "/v3/maintenance/status", body: "{}" };
      const answer = JSON.parse(textOf(await askOnce(this.http, question, 1_000)));
      const id = answer.header?.member_id;
      return answer.leader === undefined || answer.leader === "0" ? null : answer.leader === id;
    } catch {
      return null;
    }
  }
}

/** See the head of this file. */
export class Etcd {
  readonly members: readonly EtcdMember[];

  constructor(members: readonly EtcdMember[]) {
    this.members = members;
  }

  /** The member that leads. */
  async leader(among: readonly EtcdMember[] = this.members): Promise<EtcdMember> {
    const untilMs = performance.now() + READY_WITHIN_MS;
    while (performance.now() < untilMs) {
      const known = await Promise.all(among.map((member) => member.leads()));
      const leader = among[known.indexOf(true)];
      if (leader !== undefined) return leader;
      await pause(25);
    }
    throw new Error(`etcd has no leader within ${READY_WITHIN_MS} ms`);
  }
}

/** Runs three members with etcd's own settings: fsync, heartbeats of 100 ms, elections after 1,000 ms. */
export async function withEtcd<T>(
  work: (etcd: Etcd) => Promise<T>,
  parentFolder = "/var/tmp",
): Promise<T> {
  const folder = await Deno.makeTempDir({ dir: parentFolder, prefix: "quorus-etcd-" });
  const etcd = new Etcd(membersIn(folder));
  try {
    for (const member of etcd.members) member.start();
    await etcd.leader();
    return await work(etcd);
  } finally {
    await Promise.all(etcd.members.map((member) => member.kill()));
    await Deno.remove(folder, { recursive: true });
  }
}

function membersIn(folder: string): EtcdMember[] {
  const names = ["a", "b", "c"];
  const ports = freePorts(6);
  const peerUrl = (index: number) => `http://127.0.0.1:${ports[index]}`;
  const all = names.map((name, index) => `${name}=${peerUrl(index)}`).join(",");
  return names.map((name, index) => {
    const http = { hostname: "127.0.0.1", port: ports[3 + index]! };
    const url = `http://${http.hostname}:${http.port}`;
    const args = [
      ...["--name", name, "--data-dir", `${folder}/${name}`, "--initial-cluster", all],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peerUrl(index), "--initial-advertise-peer-urls", peerUrl(index)],
      ...["--logger", "zap", "--log-level", "error", "--quota-backend-bytes", String(8 * 2 ** 30)],
    ];
    return new EtcdMember(name, http, `${folder}/${name}`, args);
  });
}
