/** Whether a planned transfer can be resolved from its plan alone. */

import type { AccessTemplate, SealedTemplate, TransferTemplate } from "../../workflows/plan.ts";
import { isLate } from "../../workflows/plan_transfer.ts";

/** Nothing in it waits for the result of an earlier transfer. */
export function isComplete({ source, destination, validation, set }: TransferTemplate): boolean {
  const after = set?.after ?? null;
  const archive = after === null || after === "delete" ? [] : after.move.text;
  return archive.every(isText) && source.location.text.every(isText) &&
    destination.location.text.every(isText) &&
    (validation.checksum?.valueHex ?? []).every(isText) && !hasLateSecret(source) &&
    (destination.access === undefined || !hasLateSecret(destination.access));
}

function isText(part: unknown): boolean {
  return typeof part === "string";
}

function hasLateSecret({ headers, auth }: AccessTemplate): boolean {
  for (const name in headers) if (headers[name]?.some(isLate)) return true;
  if (auth === null) return false;
  const { type: _, ...fields } = auth;
  return Object.values<SealedTemplate>(fields).some((sealed) => sealed.some(isLate));
}
