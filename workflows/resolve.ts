/** Fills the holes of a plan with what earlier transfers have brought. */

import { AUTH_FIELDS, type AuthField } from "./credentials.ts";
import { WorkflowError } from "./errors.ts";
import { type Location, resolveLocation } from "./location.ts";
import type {
  AccessTemplate,
  Action,
  AuthTemplate,
  LatePart,
  PlannedTransfer,
  SealedTemplate,
  SetTemplate,
  StepResult,
  StepResults,
  Template,
  TransferTemplate,
} from "./plan.ts";
import { isLate } from "./plan_transfer.ts";
import type { AccessSpec, AuthSpec, Sealed, SealedPart, SetSpec, TransferSpec } from "./spec.ts";

/** Why a run failed, for `onFailure` texts. */
export interface RunFailure {
  readonly message: string;
  readonly code: string;
  /** The transfer that failed first. */
  readonly transfer: string;
}

/** An action with its texts complete. */
export type ResolvedAction =
  | { readonly type: "notify"; readonly target: string; readonly message: string }
  | { readonly type: "cleanup"; readonly target: string; readonly retentionDays: number }
  | { readonly type: "rollback"; readonly strategy: "deletePartial" };

/**
 * What a planned transfer has to do, now that its dependencies have ended. Throws {@link WorkflowError}:
 * `missingResult`, `pathEscapes`, `pathInvalid`, `badUri`, `badChecksum`, `protocolContradiction`.
 */
export function resolveTransfer(planned: PlannedTransfer, results: StepResults): TransferSpec {
  const { name, template } = planned;
  const fill = (text: Template) => fillText(text, results, null, name);
  const seal = (text: SealedTemplate) => fillSealed(text, results, name);
  const { location: from, ...reached } = template.source;
  const { location: to, access, ...destination } = template.destination;
  const sourceAt = resolveLocation(from, fill(from.text), `source of ${name}`);
  const target: Location = resolveLocation(to, fill(to.text), `destination of ${name}`);
  return {
    name,
    source: { ...sealAccess(reached, seal), uri: sourceAt.uri },
    destination: {
      ...destination,
      uri: target.uri,
      root: target.root,
      ...(access === undefined ? {} : { access: sealAccess(access, seal) }),
    },
    validation: resolveValidation(template, fill, name),
    retry: template.retry,
    pipeline: template.pipeline,
    timeoutMs: template.timeoutMs,
    ...(template.scheduling === undefined ? {} : { scheduling: template.scheduling }),
    ...(template.set === undefined ? {} : { set: resolveSet(template.set, fill, name) }),
  };
}

function resolveSet(
  { after, ...set }: SetTemplate,
  fill: (text: Template) => string,
  name: string,
): SetSpec {
  if (after === null || after === "delete") return { ...set, after };
  const { uri } = resolveLocation(after.move, fill(after.move.text), `source.after of ${name}`);
  return { ...set, after: { move: uri } };
}

/** An action's texts with the results of the run, and on failure the reason. */
export function resolveAction(
  action: Action,
  results: StepResults,
  failure: RunFailure | null = null,
): ResolvedAction {
  const fill = (text: Template) => fillText(text, results, failure, `the ${action.type} action`);
  switch (action.type) {
    case "notify":
      return {
        type: "notify",
        target: fill(action.target),
        message: fillMessage(action.message, results, failure),
      };
    case "cleanup":
      return { ...action, target: fill(action.target) };
    case "rollback":
      return action;
  }
}

function sealAccess(
  { headers, auth, atRest, ...access }: AccessTemplate,
  seal: (text: SealedTemplate) => Sealed,
): AccessSpec {
  return {
    ...access,
    ...(atRest === undefined ? {} : { atRest: { ...atRest, keys: atRest.keys.map(seal) } }),
    headers: Object.fromEntries(
      Object.entries(headers).map(([header, text]) => [header, seal(text)]),
    ),
    auth: auth === null ? null : sealAuth(auth, seal),
  };
}

function sealAuth(auth: AuthTemplate, seal: (text: SealedTemplate) => Sealed): AuthSpec {
  const fields: Partial<Record<AuthField, Sealed>> = {};
  for (const field of AUTH_FIELDS) {
    const text = auth[field];
    if (text !== undefined) fields[field] = seal(text);
  }
  return { type: auth.type, ...fields };
}

function resolveValidation(
  template: TransferTemplate,
  fill: (text: Template) => string,
  name: string,
): TransferSpec["validation"] {
  const { checksum, ...sizes } = template.validation;
  if (checksum === null || checksum.valueHex === null) {
    return { ...sizes, checksum: checksum === null ? null : { ...checksum, valueHex: null } };
  }
  const valueHex = fill(checksum.valueHex).trim().toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(valueHex)) {
    const message = `cannot verify ${name}: the expected checksum "${valueHex.slice(0, 80)}" ` +
      "is not a SHA-256 of 64 hexadecimal digits";
    throw new WorkflowError("badChecksum", message);
  }
  return { ...sizes, checksum: { ...checksum, valueHex } };
}

function fillText(
  text: Template,
  results: StepResults,
  failure: RunFailure | null,
  what: string,
): string {
  if (text.length === 1 && typeof text[0] === "string") return text[0];
  return text.map((part) => typeof part === "string" ? part : fact(part, results, failure, what))
    .join("");
}

/** A message must arrive even when what it wanted to tell never came to be. */
function fillMessage(text: Template, results: StepResults, failure: RunFailure | null): string {
  return text.map((part) => {
    if (typeof part === "string") return part;
    if ("error" in part) return failure?.[part.error] ?? "(unknown)";
    const result = Object.hasOwn(results, part.step) ? results[part.step] : undefined;
    return (result === undefined ? null : factOf(result, part.field)) ?? "(unknown)";
  }).join("");
}

function fillSealed(text: SealedTemplate, results: StepResults, what: string): Sealed {
  return text.map((part): SealedPart => isLate(part) ? fact(part, results, null, what) : part);
}

function fact(
  part: LatePart,
  results: StepResults,
  failure: RunFailure | null,
  what: string,
): string {
  if ("error" in part) return failure === null ? "" : failure[part.error];
  const result = Object.hasOwn(results, part.step) ? results[part.step] : undefined;
  const value = result === undefined ? null : factOf(result, part.field);
  if (value !== null) return value;
  const message = `cannot prepare ${what}: \${${part.step}.${part.field}} is not known, ` +
    (result === undefined ? `"${part.step}" has not ended` : `"${part.step}" ${result.state}`);
  throw new WorkflowError("missingResult", message);
}

function factOf(
  result: StepResult,
  field: Extract<LatePart, { step: string }>["field"],
): string | null {
  switch (field) {
    case "success":
      return String(result.state === "succeeded");
    case "state":
      return result.state;
    case "error.message":
      return result.error?.message ?? "";
    case "result.checksum":
      return result.checksum;
    case "result.uri":
      return result.uri;
    case "result.bytes":
      return result.bytes === null ? null : String(result.bytes);
    case "result.durationMs":
      return result.durationMs === null ? null : String(result.durationMs);
  }
}
