/**
 * From what a client sends to plans: parsed, checked and planned here, by the same pure functions as in
 * `quorus run`. What a submitter must not reach is refused with its place: the environment and files of
 * our machines, places that no agent would open.
 */

import type { Principal } from "../actors/desk/messages.ts";
import { messageOf } from "../runtime/base/errors.ts";
import type { Hashing } from "../runtime/env/env.ts";
import { type Definition, stepsOf } from "../workflows/definition.ts";
import { type Diagnostic, hasErrors } from "../workflows/diagnostic.ts";
import { resolveLocation } from "../workflows/location.ts";
import { parseDocuments } from "../workflows/parse.ts";
import { withOpenValues } from "../workflows/open_values.ts";
import type { LocationTemplate, Plan } from "../workflows/plan.ts";
import { planGroup } from "../workflows/planner.ts";
import type { ValuePath } from "../workflows/source.ts";
import { unsupported } from "../workflows/unsupported.ts";
import { maySee, tenantOf } from "./access.ts";
import { sha256Of } from "./keys.ts";
import { outsideReferences, sealedReferences } from "./outside.ts";
import { pointerOf, Problem, type ProblemPart } from "./problem.ts";

/** Which places may be named. Whoever wires a gateway gives the rule of its transfer protocols. */
export interface PlaceRule {
  /** Schemes of URIs that agents can carry out. */
  readonly schemes: readonly string[];
  /** Those of them whose directories can be listed: the sources of sets. Any, if left out. */
  readonly directories?: readonly string[];
  /** Why this place is refused, whoever would open it; `null` where it is not. */
  refuse(side: "source" | "destination", uri: string): string | null;
}

/** What was sent. */
export interface Submission {
  /** YAML, of which JSON is a part. */
  readonly text: string;
  /** Where the workflow stands in a JSON body: `/workflow`; empty where the body is the workflow. */
  readonly pointer: string;
  /** How it stands there: its own text, so that lines mean something, or JSON of which we made a text. */
  readonly form: "text" | "json";
  readonly values: Readonly<Record<string, string>>;
  /** Values for `${env:...}` and `${file:...}`: the submitter's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  /** For workflows that name no tenant. */
  readonly tenant: string | undefined;
  /** Where relative paths start, on the agents' machines: an absolute path; `null`: they are refused. */
  readonly base: string | null;
}

/** What planning needs beside the submission. */
export interface PlanningContext {
  readonly principal: Principal;
  readonly places: PlaceRule;
  readonly nowMs: number;
}

const FILE = "workflow";
const NAME_CHARACTERS = 48;
const DIGEST_CHARACTERS = 16;

/** The sound definitions of a text; Problem `invalidWorkflow` with every finding. */
export function readDefinitions(submission: Submission): readonly Definition[] {
  const { text, values } = submission;
  const { definitions, diagnostics } = parseDocuments(text, {
    file: FILE,
    given: Object.keys(values),
  });
  if (hasErrors(diagnostics)) throw invalid(diagnostics, submission);
  return definitions;
}

/** The plans of all documents, or a Problem with all that is wrong with the first one that is not sound. */
export function plansOf(submission: Submission, context: PlanningContext): Plan[] {
  return readDefinitions(submission).map((definition) => planOf(definition, submission, context));
}

/** The plan of one document. */
export function planOf(
  definition: Definition,
  submission: Submission,
  context: PlanningContext,
): Plan {
  const tenant = checkedTenant(definition, submission, context.principal);
  refuseUnsupported(definition, submission, context.places);
  const found = outsideReferences(definition, submission);
  if (found.length > 0) throw refusedParts(found, submission);
  const { plan, diagnostics } = planGroup(definition, {
    nowMs: context.nowMs,
    env: submission.environment,
    files: submission.files,
    values: submission.values,
    tenant: { id: tenant, name: tenant },
    pathBase: submission.base,
  });
  if (plan === null) throw invalid(diagnostics, submission);
  refusePlaces(plan, definition, submission, context.places);
  const filled = withOpenValues(plan, definition, submission);
  const sealed = sealedReferences(definition, filled, submission);
  if (sealed.length > 0) throw refusedParts(sealed, submission);
  return { ...filled, tenant };
}

/** What a run is called: the name for people, and of its key what tells runs apart. */
export function runIdOf(
  hash: Hashing,
  plan: Pick<Plan, "name">,
  key: string,
  number: number,
): string {
  const name = plan.name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, NAME_CHARACTERS);
  const digest = sha256Of(hash, JSON.stringify(["run", key, number]));
  return `${name}-${digest.slice(0, DIGEST_CHARACTERS)}`;
}

function checkedTenant(
  definition: Definition,
  submission: Submission,
  principal: Principal,
): string {
  const declared = definition.model.metadata.tenant;
  const tenant = tenantOf(principal, declared ?? submission.tenant);
  if (maySee(principal, tenant)) return tenant;
  const message = `the API key is not for the tenant "${tenant}"`;
  const finding = definition.document.finding("invalidValue", message, ["metadata", "tenant"]);
  throw new Problem("forbidden", message, { errors: [partOf(finding, submission)] });
}

function refuseUnsupported(
  definition: Definition,
  submission: Submission,
  places: PlaceRule,
): void {
  const { schemes: protocols, directories } = places;
  const offered = directories === undefined ? { protocols } : { protocols, directories };
  const refused = unsupported(definition, offered)
    .filter(({ severity }) => severity === "refused");
  if (refused.length === 0) return;
  const errors = refused.map(({ path, line, reason }): ProblemPart => ({
    detail: reason,
    code: "unsupported",
    ...placed(stepsIn(path), submission),
    ...(submission.form === "text" ? { line } : {}),
  }));
  throw new Problem("refusedWorkflow", errors[0]!.detail, { errors });
}

function refusePlaces(
  plan: Plan,
  definition: Definition,
  submission: Submission,
  places: PlaceRule,
): void {
  const found: Diagnostic[] = [];
  const steps = stepsOf(definition);
  for (const [index, { template }] of plan.transfers.entries()) {
    for (const side of ["source", "destination"] as const) {
      const { location } = template[side];
      const uri = knownUri(location, side);
      const reason = uri === null ? null : places.refuse(side, uri);
      if (reason === null) continue;
      const path = [...steps[index]!.path, side, location.form];
      found.push(definition.document.finding("pathInvalid", reason, path));
    }
    // Files are moved there: it is a place as any other.
    const after = template.set?.after ?? null;
    const uri = after === null || after === "delete" ? null : knownUri(after.move, "source");
    const reason = uri === null ? null : places.refuse("source", uri);
    if (reason === null) continue;
    const path = [...steps[index]!.path, "source", "after", "move"];
    found.push(definition.document.finding("pathInvalid", reason, path));
  }
  if (found.length > 0) throw refusedParts(found, submission);
}

/** The URI where it is known now; what earlier results fill is checked by the agent. */
function knownUri(location: LocationTemplate, side: string): string | null {
  if (location.text.some((part) => typeof part !== "string")) return null;
  try {
    return resolveLocation({ ...location, protocol: null }, location.text.join(""), side).uri;
  } catch (thrown) {
    throw new Problem("invalidWorkflow", messageOf(thrown), { cause: thrown });
  }
}

function refusedParts(found: readonly Diagnostic[], submission: Submission): Problem {
  return new Problem("refusedWorkflow", found[0]!.message, {
    errors: found.map((finding) => partOf(finding, submission)),
  });
}

function invalid(diagnostics: readonly Diagnostic[], submission: Submission): Problem {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const first = errors[0]!;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new Problem("invalidWorkflow", `${first.message}${more}`, {
    errors: errors.map((finding) => partOf(finding, submission)),
  });
}

/** A finding as a part of a problem. */
function partOf(finding: Diagnostic, submission: Submission): ProblemPart {
  const { message, code, line, column, suggestion, path } = finding;
  return {
    detail: message,
    code,
    ...placed(path ?? [], submission),
    ...(submission.form === "text" ? { line, column } : {}),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function placed(
  path: ValuePath,
  { pointer, form }: Submission,
): Pick<ProblemPart, "pointer" | "documentPointer"> {
  const inDocument = pointerOf(path);
  if (pointer === "" || form === "json") return { pointer: `${pointer}${inDocument}` };
  return { pointer, documentPointer: inDocument };
}

/** `spec.transfers[2].source` as a path. */
function stepsIn(text: string): ValuePath {
  return [...text.matchAll(/\[(\d+)\]|([^.[\]]+)/g)]
    .map(([, index, name]) => index === undefined ? name! : Number(index));
}
