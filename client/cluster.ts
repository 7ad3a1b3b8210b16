/** `/v1/cluster`: the controllers, changes of who belongs to them, and how a gateway feels. */

import type { Endpoint, ReadOptions } from "./endpoint.ts";
import {
  type Cluster,
  cluster,
  inspection,
  type Operation,
  operation,
  readiness,
} from "./schemas.ts";
import { type CallOptions, segment } from "./transport.ts";

/** Whether requests would be answered now. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks?:
    | readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
    | undefined;
}

/** Changes of membership are operations: ask {@link ClusterCalls.operation} how they stand. */
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
    const body = { node, witness: options.witness ?? false };
    return this.#change(`add controller ${node}`, "/v1/cluster/members", body, options);
  }

  /** Lets a learner vote. */
  promote(node: string, options: CallOptions = {}): Promise<Operation> {
    const path = `/v1/cluster/members/${segment(node)}/promote`;
    return this.#change(`promote controller ${node}`, path, {}, options);
  }

  /** Puts another controller in the place of one. */
  replace(node: string, by: string, options: CallOptions = {}): Promise<Operation> {
    const path = `/v1/cluster/members/${segment(node)}/replace`;
    return this.#change(`replace controller ${node}`, path, { by }, options);
  }

  /** Removes one; the operation fails where it would cost the quorum. */
  remove(node: string, options: CallOptions = {}): Promise<Operation> {
    const call = {
      action: `remove controller ${node}`,
      method: "DELETE",
      path: `/v1/cluster/members/${segment(node)}`,
    } as const;
    return this.#endpoint.call(call, operation, options);
  }

  /** Lets another controller lead; `to` left out: whoever is furthest. */
  transfer(to?: string, options: CallOptions = {}): Promise<Operation> {
    const body = to === undefined ? {} : { to };
    return this.#change("transfer the leadership", "/v1/cluster/transfer", body, options);
  }

  /** How an operation stands, as the gateway knows that began it. */
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

  #change(
    action: string,
    path: string,
    body: unknown,
    options: CallOptions,
  ): Promise<Operation> {
    return this.#endpoint.post(action, path, body, operation, options);
  }
}
