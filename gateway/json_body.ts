/** Bodies in JSON, checked by the schemas that document them. */

import type { z } from "zod";
import { mediaType } from "./body.ts";
import { pointerOf, Problem, type ProblemPart } from "./problem.ts";

/** The value of a body; Problem with a pointer to each thing that is wrong. */
export function jsonBody<T extends z.ZodType>(
  request: Request,
  text: string,
  schema: T,
  options: { readonly isOptional?: boolean } = {},
): z.infer<T> {
  if (text === "" && options.isOptional === true) return checked(schema, {});
  if (mediaType(request.headers) !== "application/json") {
    throw unsupportedMediaType(request.headers, ["application/json"]);
  }
  return checked(schema, parsedJson(text));
}

/** Problem `unsupportedMediaType`. */
export function unsupportedMediaType(headers: Headers, taken: readonly string[]): Problem {
  const given = mediaType(headers);
  const said = given === "" ? "the request has no Content-Type" : `${given} is not taken`;
  return new Problem("unsupportedMediaType", `${said}; send ${taken.join(" or ")}`, {
    headers: { accept: taken.join(", ") },
  });
}

/** A JSON text; Problem `malformedBody`. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("malformedBody", `the body is no JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A value that a schema takes; Problem `invalidBody`. */
export function checked<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap(partsOf);
  const text = errors.map(({ pointer, detail }) => `${pointer || "the body"}: ${detail}`).join(
    "; ",
  );
  throw new Problem("invalidBody", text, { errors });
}

function partsOf(issue: z.core.$ZodIssue): ProblemPart[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      pointer: pointerOf([...issue.path, key]),
      detail: "there is no such key",
    }));
  }
  return [{ pointer: pointerOf(issue.path), detail: issue.message }];
}
