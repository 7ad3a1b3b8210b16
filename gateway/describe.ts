/** What a route says of itself in `/openapi.json`. */

import { createRoute, type OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import { PROBLEM_CONTENT_TYPE, type ProblemCode, PROBLEMS } from "./problem.ts";
import { problemSchema } from "./schemas.ts";

/** An answer that is no problem. */
export interface DescribedAnswer {
  readonly status: number;
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Default `application/json`. */
  readonly mediaType?: string;
}

/** A body, by media type. */
export interface DescribedBody {
  readonly description: string;
  readonly content: Readonly<Record<string, z.ZodType>>;
  readonly isOptional?: boolean;
}

/** A route as it is documented. */
export interface Described<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly method: "get" | "post" | "put" | "delete";
  /** As OpenAPI writes it: `/v1/jobs/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: P;
  readonly query: Q;
  /** Header parameters beside `Idempotency-Key`. */
  readonly headers?: z.ZodObject;
  readonly body?: DescribedBody;
  readonly answers: readonly DescribedAnswer[];
  /** Beside those that every route has. */
  readonly problems?: readonly ProblemCode[];
}

/** Which every route has. */
const ALWAYS: readonly ProblemCode[] = [
  "malformedRequest",
  "unauthenticated",
  "forbidden",
  "tooMany",
  "internal",
  "noQuorum",
];
/** Which every route with a body has. */
const WITH_BODY: readonly ProblemCode[] = [
  "malformedBody",
  "requestInFlight",
  "bodyTooLarge",
  "unsupportedMediaType",
  "invalidBody",
  "keyReused",
  "unknownOutcome",
];

/** Registers the route in the document. */
export function describe<P extends z.ZodObject, Q extends z.ZodObject>(
  registry: OpenAPIHono["openAPIRegistry"],
  route: Described<P, Q>,
): void {
  const { method, path, operationId, tag, summary, description, body } = route;
  const request: RouteConfig["request"] = {
    params: route.params,
    query: route.query,
    ...(route.headers === undefined ? {} : { headers: route.headers }),
    ...(body === undefined ? {} : {
      body: {
        description: body.description,
        required: body.isOptional !== true,
        content: Object.fromEntries(
          Object.entries(body.content).map(([type, schema]) => [type, { schema }]),
        ),
      },
    }),
  };
  registry.registerPath(createRoute({
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: [{ apiKey: [] }],
    request,
    responses: responsesOf(route),
  }));
}

function responsesOf<P extends z.ZodObject, Q extends z.ZodObject>(
  { method, answers, problems = [] }: Described<P, Q>,
): RouteConfig["responses"] {
  const responses: Record<string, RouteConfig["responses"][string]> = {};
  for (const { status, description, schema, mediaType = "application/json" } of answers) {
    responses[status] = {
      description,
      ...(schema === undefined ? {} : { content: { [mediaType]: { schema } } }),
    };
  }
  const all = new Set([...ALWAYS, ...(method === "get" ? [] : WITH_BODY), ...problems]);
  const statuses = new Set([...all].map((code) => PROBLEMS[code].status));
  for (const status of [...statuses].sort((a, b) => a - b)) {
    responses[status] = { $ref: `#/components/responses/${problemName(status)}` };
  }
  return responses;
}

function problemName(status: number): string {
  return `Problem${status}`;
}

/** Registers one response for each status that problems have. */
export function describeProblems(registry: OpenAPIHono["openAPIRegistry"]): void {
  registry.register("Problem", problemSchema);
  const schema = { $ref: "#/components/schemas/Problem" };
  const titles = new Map<number, string[]>();
  for (const { status, title, slug } of Object.values(PROBLEMS)) {
    titles.set(status, [...titles.get(status) ?? [], `${title} (${slug})`]);
  }
  for (const [status, all] of titles) {
    registry.registerComponent("responses", problemName(status), {
      description: all.join("; or: "),
      content: { [PROBLEM_CONTENT_TYPE]: { schema } },
    });
  }
}
