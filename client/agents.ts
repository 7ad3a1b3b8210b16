/** `/v1/agents`: who carries out transfers. */

import {
  type ActionOptions,
  type Endpoint,
  type ListOptions,
  type Page,
  type ReadOptions,
  reason,
} from "./endpoint.ts";
import { type Accepted, accepted, type Agent, agent } from "./schemas.ts";
import { segment } from "./transport.ts";

/** A maintenance window. */
export interface DrainOptions extends ActionOptions {
  /** Its end, ISO 8601: then the agent takes jobs again by itself. */
  readonly until?: string | undefined;
}

/** See the file's comment. */
export class AgentCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  get(id: string, options: ReadOptions = {}): Promise<Agent> {
    return this.#endpoint.get(`get agent ${id}`, `/v1/agents/${segment(id)}`, agent, options);
  }

  /** One page. */
  page(options: ListOptions = {}): Promise<Page<Agent>> {
    return this.#endpoint.page(LISTING, options);
  }

  /** All agents, page after page. */
  list(options: ListOptions = {}): AsyncGenerator<Agent, void, void> {
    return this.#endpoint.each(LISTING, options);
  }

  /** Gives it no new jobs. */
  drain(id: string, options: DrainOptions = {}): Promise<Accepted> {
    const { until } = options;
    return this.#act("drain", id, until === undefined ? {} : { until }, options);
  }

  /** Lets a draining one take jobs again. */
  resume(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("resume", id, {}, options);
  }

  /** Takes it out of the cluster; its jobs go to others. */
  deregister(id: string, options: ActionOptions = {}): Promise<Accepted> {
    return this.#act("deregister", id, {}, options);
  }

  #act(
    action: string,
    id: string,
    more: Readonly<Record<string, string>>,
    options: ActionOptions,
  ): Promise<Accepted> {
    const body = { ...reason(options), ...more };
    const path = `/v1/agents/${segment(id)}/${action}`;
    return this.#endpoint.post(`${action} agent ${id}`, path, body, accepted, options);
  }
}

const LISTING = { action: "list agents", path: "/v1/agents", item: agent };
