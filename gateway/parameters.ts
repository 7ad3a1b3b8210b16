/** Path and query parameters, checked by the schemas that document them. */

import type { Context } from "hono";
import type { z } from "zod";
import type { AppEnv } from "./api.ts";
import type { Described } from "./describe.ts";
import { Problem, type ProblemPart } from "./problem.ts";

/** Parameters of a request that are valid. */
export interface Parameters<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly params: z.infer<P>;
  readonly query: z.infer<Q>;
}

/** Longer query strings are not often sent again. */
const KEPT_CHARACTERS = 64;

/**
 * Reads the parameters of a route; Problem `malformedRequest` names each that is wrong. What `most` query
 * strings mean is remembered.
 */
export function parameterReader<P extends z.ZodObject, Q extends z.ZodObject>(
  route: Described<P, Q>,
  most: number,
): (c: Context<AppEnv>) => Parameters<P, Q> {
  const queries = new Map<string, z.infer<Q>>();
  return (c) => {
    const { url } = c.req;
    const at = url.indexOf("?");
    const text = at < 0 ? "" : url.slice(at);
    const known = queries.get(text);
    if (known !== undefined) {
      const params = route.params.safeParse(c.req.param());
      if (params.success) return { params: params.data, query: known };
    }
    const parsed = parseParameters(route, c);
    if (text.length <= KEPT_CHARACTERS) {
      if (queries.size >= most) queries.clear();
      queries.set(text, parsed.query);
    }
    return parsed;
  };
}

function parseParameters<P extends z.ZodObject, Q extends z.ZodObject>(
  route: Described<P, Q>,
  c: Context<AppEnv>,
): Parameters<P, Q> {
  const params = route.params.safeParse(c.req.param());
  const query = route.query.safeParse(queryOf(c));
  if (params.success && query.success) return { params: params.data, query: query.data };
  const issues = [...params.error?.issues ?? [], ...query.error?.issues ?? []];
  const errors = issues.flatMap(partsOf);
  throw new Problem(
    "malformedRequest",
    errors.map(({ parameter, detail }) => `${parameter}: ${detail}`).join("; "),
    { errors },
  );
}

/** A parameter that comes once is a text, one that comes again a list. */
function queryOf(c: Context<AppEnv>): Record<string, string | string[]> {
  if (!c.req.url.includes("?")) return {};
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? values[0]! : values,
    ]),
  );
}

function partsOf(issue: z.core.$ZodIssue): ProblemPart[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((parameter) => ({ parameter, detail: "there is no such parameter" }));
  }
  return [{ parameter: String(issue.path[0] ?? ""), detail: issue.message }];
}
