/** `/v1/cluster`: the controllers, changes of who belongs to them, and how a gateway feels. */

import type { Endpoint, ReadOptions } from "./endpoint.ts";
import {
  type ChangeCheck,
  changeCheck,
  type Cluster,
  cluster,
  inspection,
  type Operation,
  operation,
  readiness,
} from "./schemas.ts";
import { type Call, type CallOptions, segment } from "./transport.ts";

/** Whether requests would be answered now. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks?:
    | readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
    | undefined;
}

/** A change of the controllers' group. */
export type ClusterChange =
  | { readonly do: "add"; readonly node: string; readonly witness?: boolean }
  | { readonly do: "promote" | "remove"; readonly node: string }
  | { readonly do: "replace"; readonly node: string; readonly by: string }
  | { readonly do: "transfer"; readonly to?: string | undefined }
  | { readonly do: "maintenance"; readonly node: string; readonly on: boolean };

/**
 * Changes are operations: ask {@link ClusterCalls.operation} how they stand. One that would cost the
 * quorum is refused at once: ClientError `would-lose-quorum`, `not-ready`, `conflict`, `not-found`.
 */
export class ClusterCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** The cluster as one controller sees it. */
  get(options: ReadOptions = {}): Promise<Cluster> {
    return this.#endpoint.get("look at the cluster", "/v1/cluster", cluster, options);
  }

  /** The living tree of actors of a controller. */
  async inspect(options: ReadOptions = {}): Promise<unknown> {
    const action = "inspect a controller";
    return (await this.#endpoint.get(action, "/v1/cluster/inspect", inspection, options)).tree;
  }

  /** Adds a controller, as a learner until it is promoted. */
  add(
    node: string,
    options: CallOptions & { readonly witness?: boolean } = {},
  ): Promise<Operation> {
    return this.change({ do: "add", node, witness: options.witness ?? false }, options);
  }

  /** Lets a learner vote. */
  promote(node: string, options: CallOptions = {}): Promise<Operation> {
    return this.change({ do: "promote", node }, options);
  }

  /** Puts another controller in the place of one. */
  replace(node: string, by: string, options: CallOptions = {}): Promise<Operation> {
    return this.change({ do: "replace", node, by }, options);
  }

  /** Removes one. */
  remove(node: string, options: CallOptions = {}): Promise<Operation> {
    return this.change({ do: "remove", node }, options);
  }

  /** Lets another controller lead; `to` left out: whoever is furthest. */
  transfer(to?: string, options: CallOptions = {}): Promise<Operation> {
    return this.change({ do: "transfer", to }, options);
  }

  /** One in maintenance votes and keeps the log, and does not lead where anybody else can. */
  maintenance(node: string, on: boolean, options: CallOptions = {}): Promise<Operation> {
    return this.change({ do: "maintenance", node, on }, options);
  }

  /** Begins a change. */
  change(change: ClusterChange, options: CallOptions = {}): Promise<Operation> {
    return this.#endpoint.call(callOf(change, {}), operation, options);
  }

  /** What a change would come to, and why it would be refused; nothing is done. */
  check(change: ClusterChange, options: CallOptions = {}): Promise<ChangeCheck> {
    return this.#endpoint.call(callOf(change, { dryRun: true }), changeCheck, options);
  }

  /** How an operation stands; any gateway knows, and the one that began it why it has failed. */
  operation(id: string, options: CallOptions = {}): Promise<Operation> {
    const path = `/v1/operations/${segment(id)}`;
    const call = { action: `look at operation ${id}`, method: "GET", path } as const;
    return this.#endpoint.call(call, operation, options);
  }

  /** Whether a gateway can answer, with its reasons; no error where it cannot. */
  ready(options: CallOptions = {}): Promise<Readiness> {
    const call = {
      action: "ask whether the gateway is ready",
      method: "GET",
      path: "/readyz",
      query: { verbose: "true" },
      accept: [503],
    } as const;
    return this.#endpoint.call(call, readiness, options);
  }

  /** Whether a gateway lives; needs no key. */
  async live(options: CallOptions = {}): Promise<void> {
    const call = {
      action: "ask whether the gateway lives",
      method: "GET",
      path: "/livez",
    } as const;
    await this.#endpoint.raw(call, options);
  }

  /** Metrics of the gateway's node, in the text format of Prometheus. */
  async metrics(options: CallOptions = {}): Promise<string> {
    const call = { action: "read metrics", method: "GET", path: "/metrics" } as const;
    return (await this.#endpoint.raw(call, options)).text;
  }
}

function callOf(change: ClusterChange, query: { readonly dryRun?: true }): Call {
  const members = "/v1/cluster/members";
  const post = (action: string, path: string, body: unknown): Call => ({
    ...{ action, method: "POST", path, query, body: JSON.stringify(body) },
  });
  switch (change.do) {
    case "add": {
      const { node, witness = false } = change;
      return post(`add controller ${node}`, members, { node, witness });
    }
    case "promote": {
      const { node } = change;
      return post(`promote controller ${node}`, `${members}/${segment(node)}/promote`, {});
    }
    case "remove": {
      const path = `${members}/${segment(change.node)}`;
      return { action: `remove controller ${change.node}`, method: "DELETE", path, query };
    }
    case "replace": {
      const { node, by } = change;
      const path = `${members}/${segment(node)}/replace`;
      return post(`replace controller ${node} by ${by}`, path, { by });
    }
    case "transfer": {
      const { to } = change;
      const whom = to === undefined ? "" : ` to ${to}`;
      const body = to === undefined ? {} : { to };
      return post(`transfer the leadership${whom}`, "/v1/cluster/transfer", body);
    }
    case "maintenance": {
      const { node, on } = change;
      const action = `${on ? "begin" : "end"} maintenance of controller ${node}`;
      return post(action, `${members}/${segment(node)}/maintenance`, { on });
    }
  }
}
