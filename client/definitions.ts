/** `/v1/definitions`: workflows that are kept by name. */

import type { Endpoint, ListOptions, Page, ReadOptions } from "./endpoint.ts";
import type { StartedRun } from "./runs.ts";
import { type Definition, definition, keptDefinition, startedRuns } from "./schemas.ts";
import type { Bindings } from "./submission.ts";
import { type CallOptions, segment } from "./transport.ts";

/** Whose definition. */
export interface TenantOptions {
  /** Default: the key's only one, or `default`. */
  readonly tenant?: string | undefined;
}

/** A change that is made only in the version that is known. */
export interface VersionOptions extends CallOptions, TenantOptions {
  /** 0: only if there is none yet. */
  readonly ifVersion?: number | undefined;
}

/** A definition that was kept. */
export interface KeptDefinition {
  readonly tenant: string;
  readonly name: string;
  readonly version: number;
  readonly href: string;
}

/** See the file's comment. */
export class DefinitionCalls {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  get(name: string, options: ReadOptions & TenantOptions = {}): Promise<Definition> {
    const { consistency, tenant } = options;
    const action = `get definition ${name}`;
    const path = `/v1/definitions/${segment(name)}`;
    const query = { consistency, tenant };
    return this.#endpoint.call({ action, method: "GET", path, query }, definition, options);
  }

  /** One page. */
  page(options: ListOptions = {}): Promise<Page<Definition>> {
    return this.#endpoint.page(LISTING, options);
  }

  /** All definitions, page after page. */
  list(options: ListOptions = {}): AsyncGenerator<Definition, void, void> {
    return this.#endpoint.each(LISTING, options);
  }

  /** Keeps a workflow under the name in its metadata; `conflict` where there is one. */
  create(text: string, options: CallOptions & TenantOptions = {}): Promise<KeptDefinition> {
    const call = {
      action: "keep a definition",
      method: "POST",
      path: "/v1/definitions",
      query: { tenant: options.tenant },
      body: JSON.stringify({ text }),
    } as const;
    return this.#endpoint.call(call, keptDefinition, options);
  }

  /** Keeps or replaces it; `precondition-failed` where it has another version. */
  put(name: string, text: string, options: VersionOptions = {}): Promise<KeptDefinition> {
    const call = {
      action: `keep definition ${name}`,
      method: "PUT",
      path: `/v1/definitions/${segment(name)}`,
      query: { tenant: options.tenant },
      headers: condition(options),
      body: JSON.stringify({ text }),
    } as const;
    return this.#endpoint.call(call, keptDefinition, options);
  }

  /** Forgets it; its runs go on. */
  async delete(name: string, options: VersionOptions = {}): Promise<void> {
    await this.#endpoint.raw({
      action: `delete definition ${name}`,
      method: "DELETE",
      path: `/v1/definitions/${segment(name)}`,
      query: { tenant: options.tenant },
      headers: condition(options),
    }, options);
  }

  /** Starts its workflows. */
  async run(
    name: string,
    bindings: Bindings = {},
    options: CallOptions & TenantOptions = {},
  ): Promise<readonly StartedRun[]> {
    const call = {
      action: `run definition ${name}`,
      method: "POST",
      path: `/v1/definitions/${segment(name)}/runs`,
      query: { tenant: options.tenant },
      body: JSON.stringify(bindings),
    } as const;
    return (await this.#endpoint.call(call, startedRuns, options)).runs;
  }
}

const LISTING = { action: "list definitions", path: "/v1/definitions", item: definition };

function condition({ ifVersion }: VersionOptions): Record<string, string> {
  if (ifVersion === undefined) return {};
  return ifVersion === 0 ? { "if-none-match": "*" } : { "if-match": `"${ifVersion}"` };
}
