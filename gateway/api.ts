/**
 * One way for all routes: key, rate, scope, parameters, body, idempotency, answer, in this order; and what
 * a route declares here is what `/openapi.json` says of it.
 */

import type { Context, Hono } from "hono";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { z } from "zod";
import type { Principal } from "../actors/desk/messages.ts";
import { traceIdOf } from "../runtime/actor/trace.ts";
import { QuorusError } from "../runtime/base/errors.ts";
import { demandAllTenants, demandScope, keyOf, type Scope, unauthenticated } from "./access.ts";
import { describe, type Described } from "./describe.ts";
import type { Gateway, GatewayBindings } from "./gateway.ts";
import type { Keyed } from "./idempotency.ts";
import { parameterReader, type Parameters } from "./parameters.ts";
import { Problem, problemResponse } from "./problem.ts";
import { Reply } from "./reply.ts";
import { traceRequest } from "./request_trace.ts";
import { readText } from "./body.ts";

/** The environment of the app, as Hono types it. */
export interface AppEnv {
  Bindings: GatewayBindings;
}

/** A request that has passed the gate. */
export interface Call<Parameters, Query> {
  readonly request: Request;
  readonly requestId: string;
  readonly principal: Principal;
  readonly params: Parameters;
  readonly query: Query;
  /** Empty for methods without a body. */
  readonly text: string;
  /** The request under its idempotency key, for writes. */
  readonly keyed: Keyed;
  /** The `traceparent` that came with it. */
  readonly trace: string | undefined;
  readonly connection: GatewayBindings["connection"];
}

/** What a route may answer with. */
export type Answered = Response | Reply;

/** A route. */
export interface Route<P extends z.ZodObject, Q extends z.ZodObject> extends Described<P, Q> {
  /** What the key must allow. */
  readonly scope: Scope;
  /** Only for keys of all tenants. */
  readonly isClusterWide?: boolean;
  /** Bytes of a body at most; default `bodyBytes`. */
  readonly bodyBytes?: number;
  /** The answer is not one to keep for a repeated request. */
  readonly isNotKept?: boolean;
  handle(call: Call<z.infer<P>, z.infer<Q>>): Promise<Answered> | Answered;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const NO_KEY: Keyed = { key: "", fingerprint: "" };

/** The routes of one gateway, and the app that they make. */
export class Api {
  readonly app = new OpenAPIHono<AppEnv>();
  readonly #gateway: Gateway;
  /** By the path as Hono writes it: the methods that it has. */
  readonly #methods = new Map<string, string[]>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.app.onError((error, c) => {
      const id = requestIdOf(gateway, c.req.raw.headers);
      return this.#failed(error, id);
    });
    this.app.notFound((c) => this.#nothingHere(c));
  }

  /** Adds a route, and describes it. */
  add<P extends z.ZodObject, Q extends z.ZodObject>(route: Route<P, Q>): void {
    describe(this.app.openAPIRegistry, route);
    const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
    this.#methods.set(path, [...this.#methods.get(path) ?? [], route.method.toUpperCase()]);
    const meter = this.#gateway.meter.route(route.method.toUpperCase(), route.path);
    const { env: { clock, tracing }, limits } = this.#gateway;
    const parameters = parameterReader(route, limits.queriesKept);
    const method = route.method.toUpperCase();
    this.app.on(method, path, async (c) => {
      const startMs = clock.monotonic();
      const { traceparent, ended } = traceRequest(tracing, method, route.path, c.req.raw.headers);
      const serve = (requestId: string) =>
        this.#serve(route, c, requestId, traceparent, parameters);
      const response = await this.#guarded(c, serve, traceparent);
      meter.ended(response.status, clock.monotonic() - startMs);
      ended(response.status, response.headers.get("x-request-id"));
      return response;
    });
  }

  /** Adds a route that anybody may ask; it must neither cost nor tell anything. */
  addOpen(method: string, path: string, handle: (c: Context<AppEnv>) => Response): void {
    this.#methods.set(path, [...this.#methods.get(path) ?? [], method]);
    this.app.on(method, path, handle);
  }

  /** Answers at the gate as a route would, for handlers with an answer of their own kind. */
  async guard(
    c: Context<AppEnv>,
    scope: Scope,
    handle: (principal: Principal, requestId: string) => Promise<Response> | Response,
  ): Promise<Response> {
    return await this.#guarded(c, async (requestId) => {
      const principal = await this.#principal(c);
      demandScope(principal, scope);
      return await handle(principal, requestId);
    });
  }

  async #guarded(
    c: Context<AppEnv>,
    work: (requestId: string) => Promise<Answered>,
    traceparent?: string,
  ): Promise<Response> {
    const response = await this.#answer(c, work, traceparent);
    if (traceparent !== undefined && response.status !== 101) {
      response.headers.set("traceparent", traceparent);
    }
    return response;
  }

  async #answer(
    c: Context<AppEnv>,
    work: (requestId: string) => Promise<Answered>,
    traceparent: string | undefined,
  ): Promise<Response> {
    const { meter, limits } = this.#gateway;
    const requestId = requestIdOf(this.#gateway, c.req.raw.headers);
    if (meter.inFlight >= limits.requestsInFlight) {
      return this.#failed(
        new Problem("overloaded", "too many requests are being worked on; try again", {
          retryable: true,
          retryAfterMs: limits.retryAfterMs,
        }),
        requestId,
        traceparent,
      );
    }
    meter.inFlight += 1;
    try {
      const answered = await work(requestId);
      if (answered instanceof Reply) return answered.response(requestId);
      const response = answered;
      if (response.status !== 101) response.headers.set("x-request-id", requestId);
      return response;
    } catch (thrown) {
      return this.#failed(thrown, requestId, traceparent);
    } finally {
      meter.inFlight -= 1;
    }
  }

  async #serve<P extends z.ZodObject, Q extends z.ZodObject>(
    route: Route<P, Q>,
    c: Context<AppEnv>,
    requestId: string,
    trace: string | undefined,
    parameters: (c: Context<AppEnv>) => Parameters<P, Q>,
  ): Promise<Answered> {
    const identified = this.#principal(c);
    const principal = identified instanceof Promise ? await identified : identified;
    demandScope(principal, route.scope);
    if (route.isClusterWide === true) demandAllTenants(principal);
    const request = c.req.raw;
    const { params, query } = parameters(c);
    const call = {
      request,
      requestId,
      principal,
      params,
      query,
      text: "",
      keyed: NO_KEY,
      trace,
      connection: c.env?.connection,
    };
    if (route.method === "get") return await route.handle(call);
    return await this.#write(route, c, call);
  }

  async #write<P extends z.ZodObject, Q extends z.ZodObject>(
    route: Route<P, Q>,
    c: Context<AppEnv>,
    call: Call<z.infer<P>, z.infer<Q>>,
  ): Promise<Response> {
    const { limits, env, idempotency } = this.#gateway;
    const { headers, method, url } = call.request;
    const bounds = { bytes: route.bodyBytes ?? limits.bodyBytes, ms: limits.bodyMs };
    const text = await readText(call.request, bounds, env.timers);
    const conditions = `${headers.get("if-match") ?? ""}\n${headers.get("if-none-match") ?? ""}`;
    const path = `${c.req.path}${url.includes("?") ? url.slice(url.indexOf("?")) : ""}`;
    const keyed = idempotency.keyed({
      keyId: call.principal.keyId,
      header: headers.get("idempotency-key"),
      method,
      path,
      conditions,
      body: text,
    });
    const work = async () => {
      const answered = await route.handle({ ...call, text, keyed });
      return answered instanceof Reply ? answered.response(call.requestId) : answered;
    };
    const hasKey = headers.has("idempotency-key") && route.isNotKept !== true;
    const response = hasKey ? await idempotency.once(keyed, work) : await work();
    env.log.write("info", "request", {
      requestId: call.requestId,
      ...(call.trace === undefined ? {} : { traceId: traceIdOf(call.trace) }),
      keyId: call.principal.keyId,
      method,
      path: c.req.path,
      status: response.status,
    });
    return response;
  }

  /** Who asks; a promise only where that has to be looked up. */
  #principal(c: Context<AppEnv>): Promise<Principal> | Principal {
    const key = keyOf(c.req.raw.headers);
    const found = key === null ? null : this.#gateway.keys.principalOf(key);
    if (!(found instanceof Promise)) return this.#admitted(c, found);
    return found.then((principal) => this.#admitted(c, principal));
  }

  #admitted(c: Context<AppEnv>, principal: Principal | null): Principal {
    const { keyRate, refusedRate } = this.#gateway;
    if (principal === null) {
      const waitMs = refusedRate.take(hostOf(c.env?.connection?.remoteAddress));
      if (waitMs > 0) throw tooMany("without a valid API key", waitMs);
      throw unauthenticated(c.req.raw.headers);
    }
    const waitMs = keyRate.take(principal.keyId);
    if (waitMs > 0) throw tooMany(`with the API key ${principal.keyId}`, waitMs);
    return principal;
  }

  /** 404 and 405 too are for those who may ask. */
  #nothingHere(c: Context<AppEnv>): Promise<Response> {
    return this.guard(c, "viewer", () => {
      const { method, path } = c.req;
      const methods = [...this.#methods].find(([known]) => matches(known, path))?.[1];
      if (methods === undefined) {
        throw new Problem("notFound", `there is no ${path}; /openapi.json lists what there is`);
      }
      throw new Problem("methodNotAllowed", `${path} has no ${method}`, {
        headers: { allow: methods.join(", ") },
      });
    });
  }

  #failed(thrown: unknown, requestId: string, traceparent?: string): Response {
    const problem = problemOf(thrown);
    this.#gateway.meter.failed(problem.code);
    if (problem.code === "internal") {
      this.#gateway.env.log.write("error", "a request has failed", {
        requestId,
        ...(traceparent === undefined ? {} : { traceId: traceIdOf(traceparent) }),
        error: String((thrown as Error)?.stack ?? thrown),
      });
    }
    const response = problemResponse(problem, requestId, traceIdOf(traceparent));
    response.headers.set("x-request-id", requestId);
    return response;
  }
}

/** The app without the document's types, to be mounted. */
export type MountableApp = Hono<AppEnv>;

function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof QuorusError && thrown.code === "noQuorum") {
    return new Problem("noQuorum", thrown.message, {
      retryable: true,
      retryAfterMs: thrown.retryAfterMs ?? 1_000,
      cause: thrown,
    });
  }
  return new Problem("internal", "the gateway has failed; its log has the reason by the instance", {
    definite: false,
    cause: thrown,
  });
}

function tooMany(who: string, retryAfterMs: number): Problem {
  return new Problem("tooMany", `too many requests ${who}; slow down`, {
    retryable: true,
    retryAfterMs,
  });
}

function requestIdOf(gateway: Gateway, headers: Headers): string {
  const given = headers.get("x-request-id");
  if (given !== null && REQUEST_ID.test(given)) return given;
  return gateway.newRequestId();
}

/** The host of `host:port`; one name for all where nobody knows. */
function hostOf(address: string | undefined): string {
  return address?.replace(/:\d+$/, "") ?? "unknown";
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  return wanted.length === given.length &&
    wanted.every((part, index) => part.startsWith(":") || part === given[index]);
}
