/** The app of a gateway in front of three simulated controllers; requests are awaited in virtual time. */

import type { MountableApp } from "../../gateway/api.ts";
import { gatewayApp } from "../../gateway/app.ts";
import { deskDoor, type Door } from "../../gateway/door.ts";
import { deskFeed, type Feed } from "../../gateway/feed.ts";
import type { GatewayLimits } from "../../gateway/limits.ts";
import { sha256Of } from "../../gateway/keys.ts";
import type { PlaceRule } from "../../gateway/submission.ts";
import { sha256 } from "../../runtime/env/sha256.ts";
import { type ClusterOptions, type Life, SimulatedCluster } from "../actors/cluster/cluster.ts";

/** An API key of the tests: its text says whose it is. */
function keyText(name: string): string {
  return `qk_${name}${"0".repeat(43 - name.length)}`;
}

/** Who asks in tests. */
export const KEYS = {
  admin: keyText("admin"),
  viewer: keyText("viewer"),
  acme: keyText("acme"),
  other: keyText("other"),
  both: keyText("both"),
  nobody: keyText("nobody"),
} as const;
/** One of {@link KEYS}. */
export type Who = keyof typeof KEYS;

const PRINCIPALS = {
  admin: { scope: "admin", tenants: null },
  viewer: { scope: "viewer", tenants: null },
  acme: { scope: "operator", tenants: ["acme"] },
  other: { scope: "operator", tenants: ["other"] },
  both: { scope: "operator", tenants: ["acme", "other"] },
} as const;

/** Places of the tests: file, http and memory; nothing on this machine's own addresses. */
export const PLACES: PlaceRule = {
  schemes: ["file", "http", "https", "memory"],
  refuse: (side, uri) => {
    const host = URL.parse(uri)?.hostname ?? "";
    return /^(localhost|127\.|169\.254\.|\[::1\])/.test(host)
      ? `cannot use the ${side} ${uri}: it is on the agent's own machine`
      : null;
  },
};

/** An answer with its body read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any -- tests look into answers that they compare anyway
  readonly json: any;
}

/** What may be said of a request. */
export interface Asking {
  readonly who?: Who | null;
  readonly method?: string;
  readonly body?: BodyInit | null;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** See the head of this file. */
export class GatewayRig {
  private constructor(
    readonly cluster: SimulatedCluster,
    readonly gateway: Life,
    readonly door: Door,
    readonly feed: Feed,
    readonly app: MountableApp,
  ) {}

  static async start(
    limits: Partial<GatewayLimits> = {},
    options: ClusterOptions = {},
  ): Promise<GatewayRig> {
    const bootstrapKeys = Object.entries(PRINCIPALS).map(([name, { scope, tenants }]) => ({
      id: name,
      sha256: sha256Of({ sha256 } as Parameters<typeof sha256Of>[0], KEYS[name as Who]),
      scope,
      tenants: tenants === null ? null : [...tenants],
      label: name,
      expiresMs: null,
    }));
    const cluster = await SimulatedCluster.start({ ...options, bootstrapKeys });
    const gateway = await cluster.join("g1", ["gateway"]);
    const rig = GatewayRig.of(cluster, gateway, limits);
    await rig.until(async () => (await rig.ask("/v1/runs")).status === 200);
    return rig;
  }

  /** Another gateway of the same cluster. */
  static of(cluster: SimulatedCluster, gateway: Life, limits: Partial<GatewayLimits>): GatewayRig {
    const door = deskDoor({ node: gateway.node, controllers: () => cluster.ids, limits });
    const { env } = gateway;
    const feed = deskFeed(gateway.node, () => cluster.ids);
    const app = gatewayApp({ env, node: gateway.id, door, feed, places: PLACES, limits });
    return new GatewayRig(cluster, gateway, door, feed, app);
  }

  /** Sends a request and waits for all of its answer. */
  ask(path: string, asking: Asking = {}): Promise<Answered> {
    return this.cluster.done(this.begin(path, asking));
  }

  /** Sends a request; time has to pass for its answer. */
  async begin(path: string, asking: Asking = {}): Promise<Answered> {
    const { who = "admin", method = "GET", body = null, type, headers = {} } = asking;
    const all: Record<string, string> = { ...headers };
    if (who !== null) all.authorization = `Bearer ${KEYS[who]}`;
    if (type !== undefined) all["content-type"] = type;
    const init = { method, headers: all, ...(body === null ? {} : { body }) };
    const response = await this.app.request(path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }

  /** Sends JSON. */
  post(path: string, body: unknown, asking: Asking = {}): Promise<Answered> {
    const json = { method: "POST", type: "application/json", body: JSON.stringify(body) };
    return this.ask(path, { ...json, ...asking });
  }

  /** Sends YAML. */
  submit(path: string, text: string, asking: Asking = {}): Promise<Answered> {
    return this.ask(path, { method: "POST", type: "application/yaml", body: text, ...asking });
  }

  /** Lets time pass until `holds`. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      if (await holds()) return;
      await this.cluster.world.pass(50);
    }
    throw new Error("in vain");
  }

  async stop(): Promise<void> {
    const closed = this.feed.close();
    await this.cluster.stop();
    await this.cluster.done(closed);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A workflow of one transfer. */
export function transferYaml(more: Readonly<Record<string, string>> = {}): string {
  const { name = "nightly", tenant = "acme", uri = "https://files.example/a.bin" } = more;
  const { path = "/data/a.bin", rest = "" } = more;
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata:
  name: ${name}
  tenant: ${tenant}
  labels:
    tier: gold
spec:
  source:
    uri: ${uri}
  destination:
    path: ${path}
${rest}`;
}
