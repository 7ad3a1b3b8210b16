/** What can be done to a job or a run by a word: one shape of route for all of them. */

import type { WriteRequest } from "../../actors/desk/messages.ts";
import { json, write } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { acceptedSchema, idParameter, none, reasonBody } from "../schemas.ts";

/** One action: `POST /v1/{noun}s/{id}/{action}`. */
export interface Action {
  readonly noun: "job" | "run";
  readonly tag: string;
  readonly action: string;
  readonly summary: string;
}

/** Adds the route of an action; `request` is what it asks of the controllers. */
export function addAction(
  api: Api,
  gateway: Gateway,
  { noun, tag, action, summary }: Action,
  request: (id: string, why: string) => WriteRequest,
): void {
  const place = `/v1/${noun}s`;
  api.add({
    ...actionRoute({ noun, tag, action, summary }),
    handle: async (call) => {
      const { why } = jsonBody(call.request, call.text, reasonBody, { isOptional: true });
      const { id } = call.params;
      const index = await write(gateway, call, request(id, why ?? reasonOf(action, call)));
      return accepted(index, `${place}/${id}`);
    },
  });
}

/** What the routes of all actions have in common. */
export function actionRoute({ noun, tag, action, summary }: Action) {
  return {
    method: "post",
    path: `/v1/${noun}s/{id}/${action}`,
    operationId: `${action}${noun === "job" ? "Job" : "Run"}`,
    tag,
    summary,
    scope: "operator",
    params: idParameter,
    query: none,
    body: {
      description: "The reason, for people.",
      content: { "application/json": reasonBody },
      isOptional: true,
    },
    answers: [{ status: 202, description: "It will be done.", schema: acceptedSchema }],
    problems: ["notFound", "conflict"],
  } as const;
}

/** Why something was done, where nobody said: who has asked. */
export function reasonOf<P, Q>(action: string, { principal }: Call<P, Q>): string {
  return `${action} by the API key ${principal.keyId}`;
}

/** The answer to what is decided and takes its time. */
export function accepted(index: number, href: string | null): Response {
  return json({ index, href }, 202, href === null ? {} : { location: href });
}
