/** A plan for people and for machines: order, what runs in parallel, what would be skipped; pure. */

import { messageOf } from "../../runtime/base/errors.ts";
import { formatDuration } from "../../runtime/base/units.ts";
import { evaluateCondition } from "../../workflows/condition.ts";
import type { LocationTemplate, Plan, PlannedTransfer, SetTemplate } from "../../workflows/plan.ts";
import { concurrencyOf } from "../../workflows/strategy.ts";
import type { Unsupported } from "../../workflows/unsupported.ts";
import { shownPlace } from "./report.ts";
import { type Column, tableLines } from "./table.ts";
import { clean, type Paint } from "./text.ts";

/** A plan as it is shown. */
export interface PlanView {
  readonly file: string;
  readonly name: string;
  readonly runId: string;
  readonly strategy: Plan["strategy"];
  readonly atOnce: number;
  readonly timeoutMs: number | null;
  readonly continueOnError: boolean;
  readonly variables: Readonly<Record<string, string>>;
  readonly levels: readonly (readonly string[])[];
  readonly transfers: readonly PlannedView[];
  readonly unsupported: readonly Unsupported[];
}

/** One transfer of it. */
export interface PlannedView {
  readonly name: string;
  /** Counted from 1: those of one level do not wait for each other. */
  readonly level: number;
  readonly source: string;
  readonly destination: string;
  readonly dependsOn: readonly string[];
  readonly condition: string | null;
  /** Why it will not run, where that can be told already. */
  readonly skipped: string | null;
  /** Of a set: which files of the source, and what is done beside copying them. */
  readonly set?: SetView;
}

/** A set as it is shown: the archive as it was declared. */
export type SetView = Omit<SetTemplate, "after"> & {
  readonly after: "delete" | { readonly move: string } | null;
};

/** What is known beside the plan itself. */
export interface PlanFacts {
  readonly file: string;
  readonly runId: string;
  readonly unsupported: readonly Unsupported[];
}

/** Everything about a plan that can be told before it runs. */
export function planView(plan: Plan, facts: PlanFacts): PlanView {
  const skips = knownSkips(plan);
  const levelOf = new Map(plan.levels.flatMap((names, at) => names.map((name) => [name, at + 1])));
  return {
    ...facts,
    name: plan.name,
    strategy: plan.strategy,
    atOnce: concurrencyOf(plan),
    timeoutMs: plan.timeoutMs,
    continueOnError: plan.continueOnError,
    variables: plan.variables,
    levels: plan.levels,
    transfers: plan.transfers.map((planned) => ({
      name: planned.name,
      level: levelOf.get(planned.name) ?? 0,
      source: placeText(planned.template.source.location) +
        (planned.template.set?.glob?.slice(1) ?? ""),
      destination: placeText(planned.template.destination.location),
      dependsOn: planned.dependsOn,
      condition: planned.condition?.text ?? null,
      skipped: skips.get(planned.name) ?? null,
      ...(planned.template.set === undefined ? {} : { set: setView(planned.template.set) }),
    })),
  };
}

function setView({ after, ...set }: SetTemplate): SetView {
  if (after === null || after === "delete") return { ...set, after };
  return { ...set, after: { move: placeText(after.move) } };
}

/** Holes that earlier results fill are shown as they were declared. */
function placeText({ text, base }: LocationTemplate): string {
  const shown = text.map((part) => {
    if (typeof part === "string") return part;
    return "error" in part ? `\${error.${part.error}}` : `\${${part.step}.${part.field}}`;
  }).join("");
  if (base === null) return shownPlace(shown);
  return shown.startsWith("/") ? shown : `${base}/${shown.replace(/^(\.\/)+/, "")}`;
}

/** Conditions that ask for no result are decided now, and so is what depends on them. */
function knownSkips(plan: Plan): Map<string, string> {
  const skips = new Map<string, string>();
  const byName = new Map(plan.transfers.map((planned) => [planned.name, planned]));
  for (const name of plan.levels.flat()) {
    const planned = byName.get(name);
    const why = planned === undefined ? null : knownSkip(planned, skips);
    if (why !== null) skips.set(name, why);
  }
  return skips;
}

function knownSkip(
  { condition, dependsOn }: PlannedTransfer,
  skips: ReadonlyMap<string, string>,
): string | null {
  const missing = dependsOn.find((name) =>
    skips.has(name) && condition?.refersTo.includes(name) !== true
  );
  if (missing !== undefined) return `its dependency ${missing} is skipped`;
  if (condition === null || condition.refersTo.length > 0) return null;
  try {
    return evaluateCondition(condition, {}) ? null : `its condition is false: ${condition.text}`;
  } catch (thrown) {
    return `it will fail: ${messageOf(thrown)}`;
  }
}

const COLUMNS: readonly Column[] = [
  { title: "LEVEL", side: "right" },
  { title: "NAME", maxWidth: 40 },
  { title: "FROM", maxWidth: 72 },
  { title: "TO", maxWidth: 72 },
  { title: "AFTER", maxWidth: 40 },
];

/** The plan for people. */
export function planLines(view: PlanView, colours: Paint): string[] {
  const lines = [colours.bold(`${clean(view.name)}`) + ` (run ${view.runId})`, orderLine(view)];
  if (view.timeoutMs !== null) lines.push(`ends after ${formatDuration(view.timeoutMs)} at most`);
  const variables = Object.entries(view.variables);
  if (variables.length > 0) {
    lines.push("", colours.bold("variables"));
    lines.push(...variables.map(([name, value]) => `  ${name} = ${clean(value)}`));
  }
  const ordered = [...view.transfers].sort((left, right) => left.level - right.level);
  const rows = (view.strategy === "sequential" ? inOrder(view) : ordered).map((one) => [
    String(one.level),
    one.name,
    one.source,
    one.destination,
    one.dependsOn.join(", ") || "-",
  ]);
  lines.push("", ...tableLines(COLUMNS, rows, colours));
  lines.push(...conditionLines(view, colours));
  return lines;
}

function orderLine({ strategy, atOnce, levels, continueOnError }: PlanView): string {
  const after = continueOnError ? "goes on after a failure" : "starts nothing after a failure";
  const bound = `at most ${atOnce} at once`;
  switch (strategy) {
    case "sequential":
      return `sequential: one at a time, in the order below; ${after}`;
    case "parallel":
      return `parallel: whatever its dependencies let start, ${bound}; ${after}`;
    case "mixed":
      return `mixed: ${levels.length} levels one after the other, ` +
        `the transfers of a level in parallel, ${bound}; ${after}`;
  }
}

/** One at a time: the earliest declared whose dependencies are done. */
function inOrder(view: PlanView): PlannedView[] {
  const left = [...view.transfers];
  const done = new Set<string>();
  const ordered: PlannedView[] = [];
  while (left.length > 0) {
    const at = left.findIndex(({ dependsOn }) => dependsOn.every((name) => done.has(name)));
    const next = left.splice(Math.max(0, at), 1)[0];
    if (next === undefined) break;
    done.add(next.name);
    ordered.push(next);
  }
  return ordered;
}

/** What a set does beside copying, in words: what it deletes must be seen before. */
function setText({ after, compare, depth, include, exclude, mirror, onlyNew }: SetView): string {
  const parts = [depth === null ? "at any depth" : depth === 0 ? "no deeper" : `to depth ${depth}`];
  if (include.length > 0) parts.push(`those that match ${include.join(", ")}`);
  if (exclude.length > 0) parts.push(`without ${exclude.join(", ")}`);
  parts.push(
    onlyNew === null
      ? compare === "none"
        ? "copied again each time"
        : `what is there already is known by ${compare}`
      : `what was copied before is known by the ledger ${onlyNew.ledger}`,
  );
  if (after === "delete") parts.push("copied files are DELETED from the source");
  else if (after !== null) parts.push(`copied files are moved to ${after.move}`);
  if (mirror !== null) {
    const most = `at most ${mirror.maxDeletePercent} % of the destination`;
    parts.push(`files that the source has not are DELETED there, ${most}`);
  }
  return parts.join("; ");
}

function conditionLines(view: PlanView, colours: Paint): string[] {
  const lines: string[] = [];
  for (const { name, condition, skipped, set } of view.transfers) {
    if (set !== undefined) lines.push(`${clean(name)} is a set of files: ${clean(setText(set))}`);
    if (skipped !== null) {
      lines.push(colours.warn(`${clean(name)} would be skipped: ${clean(skipped)}`));
    } else if (condition !== null) lines.push(`${clean(name)} runs only if ${clean(condition)}`);
  }
  for (const { path, reason, severity } of view.unsupported) {
    const what = severity === "refused" ? "run refuses this" : "not carried out";
    lines.push(colours.warn(`${what}: ${path}: ${clean(reason)}`));
  }
  return lines.length === 0 ? [] : ["", ...lines];
}
