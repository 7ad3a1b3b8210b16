/** The declarative language as zod schemas: what may be written, not yet what it means. */

import { z } from "zod";
import { parseBytes } from "../runtime/base/units.ts";
import { AUTH_FIELDS, AUTH_KINDS, type AuthField } from "./credentials.ts";
import { LIMITS } from "./limits.ts";

export const API_VERSION = "quorus.dev/v1";

const text = z.string().max(65_536);
const flag = z.boolean();

const DURATION_ERROR = "expected a duration such as 500ms, 30s or 1h30m";
const SIZE_ERROR = "expected a size such as 10MB, 8MiB or a number of bytes";

/** A duration such as `500ms`, `30s`, `1h30m`; a plain number counts seconds. */
export const duration = z.union([
  z.string().regex(/^\s*((\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+|\d+(\.\d+)?\s*)$/, DURATION_ERROR),
  z.number().min(0, DURATION_ERROR),
], { error: DURATION_ERROR }).meta({
  description: "500ms, 30s, 5m, 1h30m, 2d; a plain number counts seconds",
});

/** A size such as `10MB` or `8MiB`; a plain number counts bytes. */
export const size = z.union([
  z.string().regex(/^\s*\d+(\.\d+)?(\s*([KkMmGgTt]?[Ii]?[Bb]|[Pp][Bb]))?\s*$/, SIZE_ERROR),
  z.int(SIZE_ERROR).min(0, SIZE_ERROR),
], { error: SIZE_ERROR }).meta({
  description: "10MB (10^6), 8MiB (2^20); a plain number counts bytes",
});

const permissions = z.string({ error: 'expected an octal mode in quotes, such as "640"' })
  .regex(/^0?[0-7]{3}$/, 'expected an octal mode in quotes, such as "640"')
  .meta({ description: "mode bits in octal, quoted" });

const scalar = z.union([text, z.number(), flag], {
  error: "expected text, a number or true/false",
});

/** Names of workflows and transfers: what can stand in an expression and in a file name. */
export const stepName = z.string().max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "expected letters, digits, - and _, no dot or space");

const metadata = z.strictObject({
  name: z.string().max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "expected letters, digits, '.', '-' and '_'"),
  description: text.optional(),
  tenant: text.min(1).optional(),
  namespace: text.min(1).optional(),
  labels: z.record(z.string(), scalar).optional(),
  annotations: z.record(z.string(), scalar).optional(),
});

const authField = text.optional();
const authFields = Object.fromEntries(AUTH_FIELDS.map((field) => [field, authField])) as Record<
  AuthField,
  typeof authField
>;

const authentication = z.strictObject({
  type: text.meta({ description: `carried out: ${Object.keys(AUTH_KINDS).join(", ")}` }),
  ...authFields,
  serviceAccount: text.optional(),
});

const tls = z.strictObject({ ca: text.optional(), cert: text.optional(), key: text.optional() });

const placeName = z.string().max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, "expected letters, digits, '.', '_', ':' and '-'");
const placeNames = z.array(placeName).min(1, "expected at least one name").max(64);

const location = z.strictObject({
  datacenter: placeName.optional(),
  zone: placeName.optional(),
  region: placeName.optional(),
  tags: placeNames.optional(),
}).meta({
  description: "where this end is: agents that say the same of themselves are taken rather; " +
    "a run in one process ignores it",
});

const volume = placeName.meta({
  description: "the id of the volume that a local path lies on: only agents that hold it are taken",
});

const compressionFormat = z.enum(["gzip", "zstd"]);

/** A key in a workflow file would be no secret. */
const keyReference = text.regex(/\$\{/, "expected a reference to the key, such as ${secret:NAME}");

const encryptionKey = z.union([keyReference, z.array(keyReference).min(1).max(8)], {
  error: "expected a reference to a key such as ${secret:NAME}, or a list of them",
}).meta({
  description:
    "32 bytes in base64 or hexadecimal, by reference: the first one seals, any of them opens",
});

/** How an end is reached: the same for both. */
const access = {
  uri: text.min(1).optional(),
  path: text.min(1).optional(),
  protocol: text.optional(),
  authentication: authentication.optional(),
  auth: authentication.optional(),
  headers: z.record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "expected the name of a header"),
    text.regex(/^(?:\t|\P{Cc})*$/u, "a header holds no line ends or control characters"),
  ).optional(),
  timeout: duration.optional(),
  tls: tls.optional(),
  options: z.record(z.string(), scalar).optional(),
};

const globs = z.array(text.min(1)).max(LIMITS.globs);

/** The name of a ledger, as of a workflow. */
const ledgerName = z.string().max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "expected letters, digits, '.', '-' and '_'");

const select = z.strictObject({
  include: globs.optional().meta({
    description: "globs of which one has to match; without a slash for the name at any depth",
  }),
  exclude: globs.optional().meta({ description: "globs of what is left out; a/ is a directory" }),
  recursive: flag.optional().meta({ description: "false: only the directory itself" }),
  minAge: duration.optional(),
  maxAge: duration.optional(),
  minSize: size.optional(),
  maxSize: size.optional(),
  stable: z.union([
    z.strictObject({
      observations: z.int().min(2).max(LIMITS.stableObservations),
      every: duration.optional(),
    }),
    z.strictObject({
      marker: text.regex(/^[^/*]*\*[^/*]*$/, "expected the file's name as *, such as *.done"),
    }),
  ], { error: "expected {observations, every} or {marker}" }).optional().meta({
    description:
      "equal looks that a file must pass, or the name of a file that says it is complete",
  }),
  onlyNew: z.union([
    z.literal(false),
    ledgerName,
    z.strictObject({ ledger: ledgerName, keep: duration.optional() }),
  ], { error: "expected the name of a ledger, or {ledger, keep}" }).optional().meta({
    description: "copies only versions of files that this ledger does not have yet",
  }),
  order: z.enum(["none", "name", "oldest"]).optional().meta({
    description:
      "in which files of one directory begin; others than none hold 10,000 names at most",
  }),
}).meta({ description: "which files of a directory are meant" });

const after = z.union([
  z.literal("delete"),
  z.strictObject({ move: text.min(1) }),
], { error: "expected delete or {move: DIRECTORY}" }).meta({
  description: "what happens to a source file once its receipt is committed",
});

const mirror = z.strictObject({
  delete: flag,
  maxDeletePercent: z.number().min(0).max(100).optional().meta({
    description: "nothing is deleted if more than this share of the destination would be; 50",
  }),
}).meta({ description: "deletes files of the destination that the source has not" });

const source = z.strictObject({
  ...access,
  compression: z.union([
    compressionFormat,
    z.strictObject({ format: compressionFormat, maxRatio: z.number().min(1).optional() }),
  ], { error: "expected gzip, zstd or {format, maxRatio}" }).optional().meta({
    description: "the file is compressed there, and decompressed on its way; maxRatio: 250",
  }),
  encryption: z.strictObject({ enabled: flag.optional(), key: encryptionKey }).optional().meta({
    description: "the file was sealed by Quorus, and is opened on its way",
  }),
  select: select.optional(),
  after: after.optional(),
  networkOptimization: z.strictObject({
    useInternalRouting: flag.optional(),
    preferredDataCenter: placeName.optional().meta({
      description: "as location.datacenter, where no location is declared",
    }),
  }).optional(),
  location: location.optional(),
  volume: volume.optional(),
});

const destination = z.strictObject({
  ...access,
  createDirectories: flag.optional(),
  permissions: permissions.optional(),
  conflict: z.enum(["overwrite", "fail", "skip", "skip-if-same", "rename"]).optional(),
  preserveMtime: flag.optional(),
  compare: z.enum(["mtime", "size", "hash", "none"]).optional().meta({
    description: "of sets: what tells that a file is there already; mtime means size and mtime",
  }),
  mirror: mirror.optional(),
  compression: compressionFormat.optional().meta({
    description: "the file is compressed on its way, and lies there so",
  }),
  encryption: z.strictObject({
    enabled: flag.optional(),
    key: encryptionKey.optional(),
    algorithm: text.optional(),
    keySource: text.optional(),
    keyId: text.optional(),
  }).optional(),
  location: location.optional(),
  volume: volume.optional(),
});

const validation = z.strictObject({
  expectedSize: z.union(
    [size, z.strictObject({ min: size.optional(), max: size.optional() })],
    { error: "expected a size such as 10MB, or {min, max}" },
  ).optional(),
  checksum: z.strictObject({
    algorithm: text.optional(),
    value: text.optional(),
    required: flag.optional(),
  }).optional(),
  level: z.enum(["none", "size", "source", "reread"]).optional(),
  dataQuality: z.strictObject({
    validateSchema: flag.optional(),
    schemaVersion: text.optional(),
    rejectOnValidationFailure: flag.optional(),
  }).optional(),
});

const retry = z.strictObject({
  maxAttempts: z.int().min(1).max(1_000).optional(),
  backoff: z.enum(["exponential", "linear", "fixed"]).optional(),
  initialDelay: duration.optional(),
  maxDelay: duration.optional(),
  multiplier: z.number().min(1).max(100).optional(),
});

const monitoring = z.strictObject({
  enabled: flag.optional(),
  progressReporting: flag.optional(),
  metricsEnabled: flag.optional(),
  alertOnFailure: flag.optional(),
  integrations: z.record(z.string(), flag).optional(),
  tags: z.record(z.string(), scalar).optional(),
});

const rate = text.regex(
  /^\s*\d+(?:\.\d+)?\s*(?:[KMGT]i?)?B\/s\s*$/i,
  "expected a rate such as 20MB/s or 512KiB/s",
).refine(
  (told) => (parseBytes(told.replace(/\/s\s*$/i, "")) ?? 0) >= 1_024,
  "expected at least 1KiB/s: below it a transfer would run into its timeouts",
);

const pipeline = z.strictObject({
  chunkSize: size.optional(),
  window: size.optional(),
  parallelRanges: z.int().min(1).max(64).optional(),
  concurrentFiles: z.int().min(1).max(LIMITS.concurrentFiles).optional().meta({
    description: "of sets: files at the same time",
  }),
  adaptive: flag.optional().meta({
    description:
      "parallelRanges and concurrentFiles are upper bounds, and what the way bears is found out (true " +
      "unless said); false: always as many",
  }),
  maxFailures: z.int().min(0).max(1_000_000).optional().meta({
    description: "of sets: files that may fail before the others are given up",
  }),
  bandwidth: rate.optional().meta({ description: "the most that is moved, such as 20MB/s" }),
  hash: flag.optional().meta({
    description: "false: the bytes are moved and counted only, without SHA-256 and checkpoint",
  }),
  serverCopy: z.enum(["auto", "never", "require"]).optional().meta({
    description: "auto: where both ends are one service that copies by itself and the validation " +
      "can be kept, no byte passes through an agent, and the receipt has no SHA-256 unless the " +
      "copy was read back; never: the bytes stream; require: fails where they would",
  }),
});

const priority = z.enum(["low", "medium", "high", "critical"]).meta({
  description: "which of the transfers that wait goes first (medium unless said); who waits rises",
});

const affinity = z.strictObject({
  agents: placeNames.optional().meta({ description: "only agents of these names" }),
  tags: placeNames.optional().meta({ description: "only agents that have all of these tags" }),
  antiAffinity: z.strictObject({
    agents: placeNames.optional().meta({ description: "never agents of these names" }),
    tags: placeNames.optional().meta({ description: "never agents with any of these tags" }),
  }).optional(),
  run: z.enum(["together", "apart"]).optional().meta({
    description: "rather the agents that work on the same run already, or rather others",
  }),
  near: z.enum(["source", "destination", "both"]).optional().meta({
    description: "which of the declared locations counts; both unless said",
  }),
}).meta({ description: "which agents of a cluster carry it out; a run in one process ignores it" });

const shared = {
  priority: priority.optional(),
  affinity: affinity.optional(),
  validation: validation.optional(),
  retry: retry.optional(),
  monitoring: monitoring.optional(),
  transfer: pipeline.optional(),
  timeout: duration.optional(),
};

const variables = z.record(
  z.string().regex(
    /^[A-Za-z_][A-Za-z0-9_-]*$/,
    "expected letters, digits, - and _, no dot or space",
  ),
  z.union([scalar, z.null()]),
).meta({ description: "a variable without a value must be given with --var" });

const action = z.discriminatedUnion("action", [
  z.strictObject({ action: z.literal("notify"), target: text.min(1), message: text }),
  z.strictObject({
    action: z.literal("cleanup"),
    target: text.min(1),
    retentionDays: z.number().min(0).max(36_500),
  }),
  z.strictObject({ action: z.literal("rollback"), strategy: z.enum(["deletePartial"]) }),
]);

const actions = { onSuccess: z.array(action).optional(), onFailure: z.array(action).optional() };

/** Kind `Transfer`: one source to one destination. */
export const transferDocument = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Transfer"),
  metadata,
  spec: z.strictObject({
    source,
    destination,
    ...shared,
    variables: variables.optional(),
    ...actions,
  }),
});

const groupTransfer = z.strictObject({
  name: stepName,
  description: text.optional(),
  source,
  destination,
  ...shared,
  dependsOn: z.array(text).optional(),
  condition: z.string().optional(),
});

/** Kind `TransferGroup`: transfers that depend on each other. */
export const groupDocument = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("TransferGroup"),
  metadata,
  spec: z.strictObject({
    execution: z.strictObject({
      strategy: z.enum(["sequential", "parallel", "mixed"]).optional(),
      maxConcurrency: z.int().min(1).max(1_000).optional(),
      timeout: duration.optional(),
      continueOnError: flag.optional(),
    }).optional(),
    defaults: z.strictObject({
      ...shared,
      source: source.omit({ uri: true, path: true, protocol: true }).optional(),
      destination: destination.omit({ uri: true, path: true, protocol: true }).optional(),
    }).optional(),
    variables: variables.optional(),
    transfers: z.array(groupTransfer).min(1),
    ...actions,
  }),
});

export type TransferDocument = z.infer<typeof transferDocument>;
export type GroupDocument = z.infer<typeof groupDocument>;
export type DeclaredTransfer = Omit<z.infer<typeof groupTransfer>, "name">;
export type DeclaredAction = z.infer<typeof action>;
export type Metadata = z.infer<typeof metadata>;

/** Kinds of the language that a later version carries out. */
export const LATER_KINDS: readonly string[] = ["TransferWorkflow", "TenantConfiguration"];

/** The kinds that are carried out, by name. */
export const KINDS = { Transfer: transferDocument, TransferGroup: groupDocument } as const;

/** The published JSON Schema: a union by `kind`, for editors and other checkers. */
export function toJSONSchema(): Record<string, unknown> {
  const options = { target: "draft-2020-12", io: "input" } as const;
  const generated = z.toJSONSchema(z.union([transferDocument, groupDocument]), options);
  return {
    ...generated,
    $id: "https://quorus.dev/schema/v1/quorus.schema.json",
    title: "Quorus workflow (kinds Transfer and TransferGroup)",
  };
}
