/** From a declared set to data: which files of a directory, and what is done beside copying them. */

import { parseBytes, parseDurationMs } from "../runtime/base/units.ts";
import { strayOf } from "./check_set.ts";
import { compileGlob } from "./glob.ts";
import { LIMITS } from "./limits.ts";
import type { LocationTemplate, SetTemplate, TransferTemplate } from "./plan.ts";
import type { Resolver } from "./resolver.ts";
import type { DeclaredTransfer } from "./schema.ts";
import { holdsGlob, isDirectory, splitGlob } from "./set_place.ts";
import type { ValuePath } from "./source.ts";
import type { SetSpec } from "./spec.ts";

type Select = NonNullable<DeclaredTransfer["source"]["select"]>;

/** How a place is planned: the caller's way. */
export type PlanPlace = (
  place: { readonly uri?: string | undefined; readonly path?: string | undefined },
  path: ValuePath,
) => LocationTemplate;

/** The transfer as a set, if its places make one; itself otherwise. */
export function withSet(
  resolver: Resolver,
  body: DeclaredTransfer,
  template: TransferTemplate,
  path: ValuePath,
  planPlace: PlanPlace,
): TransferTemplate {
  const { location: from } = template.source;
  const { location: to } = template.destination;
  if (!isSet(from, to)) {
    reportStray(resolver, body, template, path);
    return template;
  }
  if (from.text.some((part) => typeof part !== "string")) {
    const message = "the source of a set cannot hold the result of an earlier transfer";
    resolver.report("notADependency", message, [...path, "source", from.form]);
  }
  const { directory, glob } = splitGlob(from.form, from.text.join(""));
  checkGlob(resolver, glob, [...path, "source", from.form]);
  const source = { ...from, text: [directory], directory: true } as const;
  return {
    ...template,
    source: { ...template.source, location: source },
    destination: {
      ...template.destination,
      location: { ...to, directory: true },
      preserveMtime: body.destination.preserveMtime ?? true,
    },
    set: {
      ...planSelect(body.source.select ?? {}, glob),
      compare: body.destination.compare ??
        (body.destination.preserveMtime === false ? "size" : "mtime"),
      after: planAfter(body, [...path, "source", "after", "move"], planPlace),
      mirror: body.destination.mirror?.delete === true
        ? { maxDeletePercent: body.destination.mirror.maxDeletePercent ?? 50 }
        : null,
      concurrentFiles: body.transfer?.concurrentFiles ?? LIMITS.defaultConcurrentFiles,
      maxFailures: body.transfer?.maxFailures ?? LIMITS.maxFailures,
    },
  };
}

function isSet(from: LocationTemplate, to: LocationTemplate): boolean {
  return isDirectory(to.text) && (isDirectory(from.text) || holdsGlob(from.form, from.text));
}

function reportStray(
  resolver: Resolver,
  body: DeclaredTransfer,
  { source, destination }: TransferTemplate,
  path: ValuePath,
): void {
  const { location: from } = source;
  const { location: to } = destination;
  const isGlob = holdsGlob(from.form, from.text) && !isDirectory(to.text);
  const stray = strayOf(body, isGlob, to.form);
  if (stray === null) return;
  resolver.report("invalidValue", stray.message, [...path, ...stray.key], stray.suggestion);
}

function checkGlob(resolver: Resolver, glob: string | null, path: ValuePath): void {
  const compiled = glob === null ? null : compileGlob(glob, { dot: false });
  if (compiled === null || !("fault" in compiled)) return;
  resolver.report("invalidValue", `the glob ${glob} cannot be used: ${compiled.fault}`, path);
}

type Selected = Omit<
  SetSpec,
  "compare" | "after" | "mirror" | "concurrentFiles" | "maxFailures"
>;

function planSelect(select: Select, glob: string | null): Selected {
  const compiled = glob === null ? null : compileGlob(glob, { dot: false });
  const globDepth = compiled === null || "fault" in compiled || compiled.depth === null
    ? null
    : compiled.depth - 1;
  return {
    glob,
    include: select.include ?? [],
    exclude: select.exclude ?? [],
    depth: select.recursive === false ? 0 : globDepth,
    minAgeMs: milliseconds(select.minAge),
    maxAgeMs: milliseconds(select.maxAge),
    minBytes: bytes(select.minSize),
    maxBytes: bytes(select.maxSize),
    stable: planStable(select.stable),
    onlyNew: planLedger(select.onlyNew),
    order: select.order ?? "none",
  };
}

function planStable(stable: Select["stable"]): SetSpec["stable"] {
  if (stable === undefined) return null;
  if ("marker" in stable) return { marker: stable.marker };
  return { observations: stable.observations, everyMs: milliseconds(stable.every) ?? 5_000 };
}

function planLedger(onlyNew: Select["onlyNew"]): SetSpec["onlyNew"] {
  if (onlyNew === undefined || onlyNew === false) return null;
  if (typeof onlyNew === "string") return { ledger: onlyNew, keepMs: null };
  return { ledger: onlyNew.ledger, keepMs: milliseconds(onlyNew.keep) };
}

function planAfter(
  { source }: DeclaredTransfer,
  path: ValuePath,
  planPlace: PlanPlace,
): SetTemplate["after"] {
  const { after } = source;
  if (after === undefined || after === "delete") return after ?? null;
  const form = source.path === undefined ? "uri" : "path";
  return { move: { ...planPlace({ [form]: after.move }, path), directory: true } };
}

function bytes(declared: string | number | undefined): number | null {
  return declared === undefined ? null : parseBytes(declared);
}

function milliseconds(declared: string | number | undefined): number | null {
  return declared === undefined ? null : parseDurationMs(declared);
}
