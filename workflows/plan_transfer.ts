/** From a declared transfer to its template: units become numbers, texts become parts. */

import { assert } from "../runtime/base/assert.ts";
import { MIB, parseBytes, parseDurationMs } from "../runtime/base/units.ts";
import type {
  AccessTemplate,
  AtRestTemplate,
  AuthTemplate,
  LatePart,
  LocationTemplate,
  SealedTemplate,
  TransferTemplate,
} from "./plan.ts";
import { declaredRoot, isLeading } from "./location.ts";
import { AUTH_FIELDS, isAuthType } from "./credentials.ts";
import { isTlsPath } from "./needs.ts";
import { type Piece, type Resolver, templateOf } from "./resolver.ts";
import type { DeclaredTransfer } from "./schema.ts";
import { planScheduling } from "./plan_scheduling.ts";
import { withSet } from "./plan_set.ts";
import type { ValuePath } from "./source.ts";
import type { PipelineSpec, RetrySpec, Sealed, TlsSpec } from "./spec.ts";

type DeclaredSource = DeclaredTransfer["source"];
type DeclaredAccess = DeclaredSource | DeclaredDestination;
type DeclaredDestination = DeclaredTransfer["destination"];

/** What says how an end is reached, beside its place. */
export const ACCESS_KEYS = [
  "auth",
  "authentication",
  "headers",
  "tls",
  "timeout",
  "options",
  "compression",
  "encryption",
] as const;

/** The template of one transfer, defaults already filled in; problems go to the resolver. */
export function planTransfer(
  resolver: Resolver,
  body: DeclaredTransfer,
  path: ValuePath,
): TransferTemplate {
  const template: TransferTemplate = {
    source: {
      ...planAccess(resolver, body.source, [...path, "source"]),
      location: planLocation(resolver, body.source, [...path, "source"]),
    },
    destination: planDestination(resolver, body.destination, [...path, "destination"]),
    validation: planValidation(resolver, body, [...path, "validation"]),
    retry: planRetry(body),
    pipeline: planPipeline(body),
    timeoutMs: milliseconds(body.timeout),
    ...planScheduling(body),
  };
  return withSet(resolver, body, template, path, (place, at) => planLocation(resolver, place, at));
}

function planAccess(
  resolver: Resolver,
  end: DeclaredAccess,
  path: ValuePath,
): AccessTemplate {
  const headers: Record<string, SealedTemplate> = {};
  for (const [name, text] of Object.entries(end.headers ?? {})) {
    headers[name] = resolver.sealed(text, [...path, "headers", name]);
  }
  const key = end.auth === undefined ? "authentication" : "auth";
  const declared = end[key];
  if (declared?.type === "header") {
    const { header = "", value = "" } = declared;
    headers[header] = resolver.sealed(value, [...path, key, "value"]);
  }
  return {
    headers,
    auth: planAuth(resolver, declared, [...path, key]),
    timeoutMs: milliseconds(end.timeout),
    tls: planTls(resolver, end.tls, [...path, "tls"]),
    options: planOptions(resolver, end.options ?? {}, [...path, "options"]),
    ...planAtRest(resolver, end, path),
  };
}

/** What is declared of the files at rest; nothing where nothing is. */
function planAtRest(
  resolver: Resolver,
  { compression, encryption }: DeclaredAccess,
  path: ValuePath,
): { atRest?: AtRestTemplate } {
  const at = [...path, "encryption", "key"];
  const declared = encryption?.enabled === false ? [] : encryption?.key ?? [];
  const keys = typeof declared === "string"
    ? [resolver.sealed(declared, at)]
    : declared.map((text, index) => resolver.sealed(text, [...at, index]));
  if (compression === undefined && keys.length === 0) return {};
  const { format = null, maxRatio = null } = typeof compression === "string"
    ? { format: compression }
    : compression ?? {};
  return { atRest: { compression: format, maxRatio, keys } };
}

function planOptions(
  resolver: Resolver,
  declared: NonNullable<DeclaredSource["options"]>,
  path: ValuePath,
): Record<string, string | number | boolean> {
  const options: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(declared)) {
    const parts = typeof value === "string" ? resolver.template(value, [...path, name]) : [];
    if (parts.some((part) => typeof part !== "string")) {
      resolver.report("notADependency", "an earlier result cannot be an option", [...path, name]);
    }
    options[name] = typeof value === "string" ? parts.join("") : value;
  }
  return options;
}

function planAuth(
  resolver: Resolver,
  declared: DeclaredSource["authentication"],
  path: ValuePath,
): AuthTemplate | null {
  if (declared === undefined || declared.type === "header" || !isAuthType(declared.type)) {
    return null;
  }
  const fields: Partial<Record<typeof AUTH_FIELDS[number], SealedTemplate>> = {};
  for (const field of AUTH_FIELDS) {
    const text = declared[field];
    if (text === undefined) continue;
    fields[field] = field === "privateKey" && isTlsPath(text)
      ? [{ file: text }]
      : resolver.sealed(text, [...path, field]);
  }
  return { type: declared.type, ...fields };
}

function planTls(
  resolver: Resolver,
  tls: DeclaredAccess["tls"],
  path: ValuePath,
): TlsSpec | null {
  if (tls === undefined) return null;
  const pem = (field: "ca" | "cert" | "key"): Sealed | null => {
    const text = tls[field];
    if (text === undefined) return null;
    if (isTlsPath(text)) return [{ file: text }];
    const parts = resolver.sealed(text, [...path, field]);
    if (parts.some(isLate)) {
      resolver.report("notADependency", "an earlier result cannot be a certificate", [
        ...path,
        field,
      ]);
    }
    return parts.filter((part) => !isLate(part)) as Sealed;
  };
  return { ca: pem("ca"), cert: pem("cert"), key: pem("key") };
}

/** Whether a part of a template is a hole. */
export function isLate(part: SealedTemplate[number]): part is LatePart {
  return typeof part === "object" && ("step" in part || "error" in part);
}

function planDestination(
  resolver: Resolver,
  destination: DeclaredDestination,
  path: ValuePath,
): TransferTemplate["destination"] {
  const { createDirectories, permissions, conflict, preserveMtime } = destination;
  const isReachedBy = ACCESS_KEYS.some((key) => destination[key] !== undefined);
  return {
    location: planLocation(resolver, destination, path),
    createDirectories: createDirectories ?? true,
    permissions: permissions === undefined ? null : Number.parseInt(permissions, 8),
    conflict: conflict === "skip-if-same" ? "skip" : conflict ?? "overwrite",
    preserveMtime: preserveMtime ?? false,
    ...(isReachedBy ? { access: planAccess(resolver, destination, path) } : {}),
  };
}

function planLocation(
  resolver: Resolver,
  place: Pick<DeclaredSource, "uri" | "path" | "protocol">,
  path: ValuePath,
): LocationTemplate {
  const form = place.path === undefined ? "uri" : "path";
  // What is moved where stands in one value, which is no map.
  const at = path.at(-1) === "move" ? path : [...path, form];
  const pieces = resolver.pieces(place[form] ?? "", at, "text");
  if (beginsLate(form, pieces)) {
    const message =
      "an earlier result cannot say where a place begins; declare a directory in front of it";
    resolver.report("pathEscapes", message, at);
  }
  return {
    form,
    text: templateOf(pieces),
    base: form === "path" ? resolver.bindings.pathBase : null,
    root: declaredRoot(form, pieces),
    protocol: place.protocol ?? null,
  };
}

function beginsLate(form: "uri" | "path", pieces: readonly Piece[]): boolean {
  let prefix = "";
  for (const piece of pieces) {
    if (!isLeading(form, prefix)) return false;
    if (piece.kind === "late") return true;
    if (piece.kind === "text") prefix += piece.text;
  }
  return false;
}

function planValidation(
  resolver: Resolver,
  body: DeclaredTransfer,
  path: ValuePath,
): TransferTemplate["validation"] {
  const { expectedSize, checksum, level } = body.validation ?? {};
  const bounds = typeof expectedSize === "object"
    ? expectedSize
    : { min: expectedSize, max: expectedSize };
  const at = [...path, "checksum", "value"];
  return {
    minBytes: bytes(bounds.min),
    maxBytes: bytes(bounds.max),
    checksum: checksum === undefined ? null : {
      algorithm: "sha256",
      valueHex: checksum.value === undefined ? null : resolver.template(checksum.value, at),
      required: checksum.required ?? checksum.value !== undefined,
    },
    // The best that the source allows is reached and recorded anyway; this is the least to insist on.
    level: level ?? "none",
  };
}

function planRetry({ retry = {} }: DeclaredTransfer): RetrySpec {
  const initialDelayMs = milliseconds(retry.initialDelay) ?? 1_000;
  return {
    maxAttempts: retry.maxAttempts ?? 3,
    backoff: retry.backoff ?? "exponential",
    initialDelayMs,
    maxDelayMs: milliseconds(retry.maxDelay) ?? Math.max(30_000, initialDelayMs),
    multiplier: retry.multiplier ?? 2,
  };
}

function planPipeline({ transfer = {} }: DeclaredTransfer): PipelineSpec {
  const chunkBytes = bytes(transfer.chunkSize) ?? 8 * MIB;
  const parallelRanges = transfer.parallelRanges ?? 1;
  // One chunk per range on its way in, and one on its way out.
  const leastWindow = chunkBytes * (parallelRanges + 1);
  const windowBytes = bytes(transfer.window) ?? leastWindow;
  const bytesPerSecond = bytes(transfer.bandwidth?.replace(/\/s\s*$/i, ""));
  return {
    chunkBytes,
    windowBytes,
    parallelRanges,
    hash: transfer.hash ?? true,
    ...(transfer.adaptive === false ? { adaptive: false } as const : {}),
    ...(bytesPerSecond === null ? {} : { bytesPerSecond }),
    ...(transfer.serverCopy === undefined ? {} : { serverCopy: transfer.serverCopy }),
  };
}

function bytes(declared: string | number | undefined): number | null {
  return declared === undefined ? null : parseBytes(declared);
}

function milliseconds(declared: string | number | undefined): number | null {
  if (declared === undefined) return null;
  const ms = parseDurationMs(declared);
  assert(ms !== null, `the schema lets ${declared} pass as a duration`);
  return ms;
}
