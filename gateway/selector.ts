/**
 * Label selectors: `tier=gold`, `tier in (gold, silver)`, `tier` (the label is there), with commas between
 * terms that must all hold. A subset of Kubernetes' set-based selectors: nothing is negated.
 */

import type { Query } from "../actors/desk/messages.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

/** Terms as the desk takes them. */
export type LabelSelector = Extract<Query, { type: "jobs" }>["labels"];

const TERM =
  /^\s*([A-Za-z0-9][A-Za-z0-9._/-]*)\s*(?:==?\s*([A-Za-z0-9._/-]*)|in\s*\(([^()]*)\))?\s*$/;
const VALUE = /^[A-Za-z0-9._/-]*$/;

/** The terms of a selector; Problem `malformedRequest` names the term that cannot be read. */
export function labelSelector(
  text: string | undefined,
  limits: Pick<GatewayLimits, "selectorCharacters" | "selectorTerms">,
): LabelSelector {
  if (text === undefined || text.trim() === "") return [];
  if (text.length > limits.selectorCharacters) {
    throw refused(`it is longer than ${limits.selectorCharacters} characters`);
  }
  const terms = split(text);
  if (terms.length > limits.selectorTerms) {
    throw refused(`it has more than ${limits.selectorTerms} terms`);
  }
  return terms.map(term);
}

/** Splits at the commas that stand outside of parentheses. */
function split(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    else if (text[at] === "," && depth === 0) {
      terms.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...terms, text.slice(from)];
}

function term(text: string): LabelSelector[number] {
  const match = TERM.exec(text);
  if (match === null) {
    throw refused(`"${text.trim()}" is no term; write name=value, name in (a, b) or name`);
  }
  const [, name, value, listed] = match;
  if (value !== undefined) return { name: name!, values: [value] };
  if (listed === undefined) return { name: name!, values: null };
  const values = listed.split(",").map((one) => one.trim());
  const odd = values.find((one) => !VALUE.test(one));
  if (odd !== undefined) throw refused(`"${odd}" is no value of a label`);
  return { name: name!, values };
}

function refused(reason: string): Problem {
  return new Problem("malformedRequest", `cannot use the label selector: ${reason}`, {
    errors: [{ detail: reason, parameter: "labels" }],
  });
}
