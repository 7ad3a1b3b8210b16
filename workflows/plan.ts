/** The plan of a run: plain JSON, so that it can be printed, stored, hashed and replicated. */

import type { AuthField, AuthType } from "./credentials.ts";
import type {
  AccessSpec,
  AtRestSpec,
  DestinationSpec,
  PipelineSpec,
  RetrySpec,
  SchedulingSpec,
  SealedPart,
  SetSpec,
  ValidationSpec,
} from "./spec.ts";

/** In which order transfers start; dependencies hold in all of them. */
export type Strategy = "sequential" | "parallel" | "mixed";

/** The facts of an earlier transfer that expressions may name. */
export type StepField =
  | "success"
  | "state"
  | "result.checksum"
  | "result.bytes"
  | "result.uri"
  | "result.durationMs"
  | "error.message";

/** The facts of a failure that an `onFailure` text may name. */
export type ErrorField = "message" | "code" | "transfer";

/** What only becomes known while the run is going on. */
export type LatePart =
  | { readonly step: string; readonly field: StepField }
  | { readonly error: ErrorField };

/** Text with holes that earlier results fill. */
export type Template = readonly (string | LatePart)[];

/** Sealed text with holes that earlier results fill. */
export type SealedTemplate = readonly (SealedPart | LatePart)[];

/** Credentials as in `AuthSpec`, with holes. */
export type AuthTemplate =
  & { readonly type: AuthType }
  & { readonly [field in AuthField]?: SealedTemplate };

/** How the files of an end look at rest, with holes. */
export interface AtRestTemplate extends Omit<AtRestSpec, "keys"> {
  readonly keys: readonly SealedTemplate[];
}

/** How an end is reached, with holes. */
export interface AccessTemplate extends Omit<AccessSpec, "headers" | "auth" | "atRest"> {
  readonly atRest?: AtRestTemplate;
  readonly headers: Readonly<Record<string, SealedTemplate>>;
  readonly auth: AuthTemplate | null;
}

/** A place as declared: a path becomes a `file:` URI once it is complete. */
export interface LocationTemplate {
  readonly form: "uri" | "path";
  readonly text: Template;
  /** Where relative paths start, an absolute path; `null` for URIs. */
  readonly base: string | null;
  /** What variables added must stay below this text (in the form of `text`); `null` where none did. */
  readonly root: string | null;
  /** The `protocol:` that was declared next to it. */
  readonly protocol: string | null;
  /** It names a directory and ends in `/`. */
  readonly directory?: true;
}

/** What of a directory is wanted, with the place of `after.move` unresolved. */
export interface SetTemplate extends Omit<SetSpec, "after"> {
  readonly after: "delete" | { readonly move: LocationTemplate } | null;
}

/** A transfer's spec with its late parts unresolved. */
export interface TransferTemplate {
  readonly source: AccessTemplate & { readonly location: LocationTemplate };
  readonly destination: Omit<DestinationSpec, "uri" | "root" | "access"> & {
    readonly location: LocationTemplate;
    readonly access?: AccessTemplate;
  };
  readonly validation: Omit<ValidationSpec, "checksum"> & {
    readonly checksum:
      | {
        readonly algorithm: "sha256";
        readonly valueHex: Template | null;
        readonly required: boolean;
      }
      | null;
  };
  readonly retry: RetrySpec;
  readonly pipeline: PipelineSpec;
  readonly timeoutMs: number | null;
  readonly scheduling?: SchedulingSpec;
  readonly set?: SetTemplate;
}

/** A condition as data: CEL, the names it asks for, and the way back to the declared text. */
export interface CompiledCondition {
  /** As declared. */
  readonly text: string;
  /** CEL over `steps` and `values`. */
  readonly cel: string;
  /** `[offset in cel, offset in text]`, ascending: the pieces the expression was put together from. */
  readonly offsets: readonly (readonly [number, number])[];
  /** The transfers whose outcome it asks for; it decides about their failure instead of the strategy. */
  readonly refersTo: readonly string[];
  /** Variables that were resolved when the plan was made, by their expression. */
  readonly values: Readonly<Record<string, string>>;
}

/** One transfer of a plan. */
export interface PlannedTransfer {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly condition: CompiledCondition | null;
  readonly template: TransferTemplate;
}

/** What is done when the run has ended. */
export type Action =
  | { readonly type: "notify"; readonly target: Template; readonly message: Template }
  | { readonly type: "cleanup"; readonly target: Template; readonly retentionDays: number }
  | { readonly type: "rollback"; readonly strategy: "deletePartial" };

/** A resolved workflow: everything but the results of its own transfers is known. */
export interface Plan {
  readonly version: 1;
  readonly kind: "Transfer" | "TransferGroup";
  readonly name: string;
  readonly description: string | null;
  readonly tenant: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The moment that `${date:...}` shows. */
  readonly nowMs: number;
  readonly strategy: Strategy;
  readonly maxConcurrency: number;
  readonly timeoutMs: number | null;
  readonly continueOnError: boolean;
  /** In declared order. */
  readonly transfers: readonly PlannedTransfer[];
  /** Names by level of the dependency graph, each in declared order. */
  readonly levels: readonly (readonly string[])[];
  readonly onSuccess: readonly Action[];
  readonly onFailure: readonly Action[];
  /** The group's variables as far as they are text; references are written `${secret:NAME}`. */
  readonly variables: Readonly<Record<string, string>>;
}

/** How a transfer stands within its run. */
export type StepState = "waiting" | "running" | "succeeded" | "failed" | "skipped" | "cancelled";

/** What later transfers, conditions and actions may know of an ended transfer. */
export interface StepResult {
  readonly state: Exclude<StepState, "waiting" | "running">;
  /** The whole file's SHA-256 in hex. */
  readonly checksum: string | null;
  readonly bytes: number | null;
  /** Where the file was published. */
  readonly uri: string | null;
  readonly durationMs: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The results so far, by transfer. */
export type StepResults = Readonly<Record<string, StepResult>>;
