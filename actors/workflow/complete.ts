/** Whether a planned transfer can be resolved from its plan alone. */

import type { TransferTemplate } from "../../workflows/plan.ts";
import { isLate } from "../../workflows/plan_transfer.ts";

/** Nothing in it waits for the result of an earlier transfer. */
export function isComplete({ source, destination, validation }: TransferTemplate): boolean {
  return source.location.text.every(isText) && destination.location.text.every(isText) &&
    (validation.checksum?.valueHex ?? []).every(isText) && !hasLateSecret(source);
}

function isText(part: unknown): boolean {
  return typeof part === "string";
}

function hasLateSecret({ headers, auth }: TransferTemplate["source"]): boolean {
  for (const name in headers) if (headers[name]?.some(isLate)) return true;
  if (auth === null) return false;
  return auth.type === "bearer"
    ? auth.token.some(isLate)
    : auth.username.some(isLate) || auth.password.some(isLate);
}
