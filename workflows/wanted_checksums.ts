/**
 * Whose checksum a workflow goes by. A file that its service copies by itself has none in its receipt, so
 * the bytes of such a transfer stream.
 */

import type { Action, PlannedTransfer } from "./plan.ts";

/** The transfers, with `serverCopy: never` where another place of the workflow names their checksum. */
export function keepingChecksums(
  transfers: readonly PlannedTransfer[],
  actions: readonly Action[],
): readonly PlannedTransfer[] {
  const wanted = new Set<string>();
  for (const { template, condition } of transfers) {
    addNamed(template, wanted);
    if (condition !== null && /\bchecksum\b/.test(condition.cel)) {
      for (const step of condition.refersTo) wanted.add(step);
    }
  }
  addNamed(actions, wanted);
  if (wanted.size === 0) return transfers;
  return transfers.map((transfer) => wanted.has(transfer.name) ? streaming(transfer) : transfer);
}

/** Who declares `require` is told by the attempt what cannot be had. */
function streaming(transfer: PlannedTransfer): PlannedTransfer {
  const { template } = transfer;
  if (template.pipeline.serverCopy === "require") return transfer;
  const pipeline = { ...template.pipeline, serverCopy: "never" } as const;
  return { ...transfer, template: { ...template, pipeline } };
}

/** Adds the steps whose checksum stands somewhere in a value. */
function addNamed(value: unknown, into: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  if ("step" in value && "field" in value && value.field === "result.checksum") {
    into.add(String(value.step));
  }
  for (const part of Object.values(value)) addNamed(part, into);
}
