/** Reveals references to secrets at the moment they are used, on the agent that uses them. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Sealed, SealedPart } from "../../workflows/spec.ts";
import type { Reveal } from "../job/ends.ts";
import { JobError } from "../job/errors.ts";

/** Where references lead; each function throws if there is no such value. */
export interface SecretSources {
  readonly secret: (name: string) => Promise<string>;
  readonly env: (name: string) => Promise<string>;
  readonly file: (path: string) => Promise<string>;
}

/** Joins a sealed text, every reference looked up; `secretMissing` names the reference. */
export function revealer(sources: SecretSources): Reveal {
  return async (sealed: Sealed) => {
    const parts: string[] = [];
    for (const part of sealed) parts.push(await revealPart(part, sources));
    return parts.join("");
  };
}

async function revealPart(part: SealedPart, sources: SecretSources): Promise<string> {
  if (typeof part === "string") return part;
  const [kind, name] = "secret" in part
    ? ["secret", part.secret] as const
    : "env" in part
    ? ["env", part.env] as const
    : ["file", part.file] as const;
  try {
    return await sources[kind](name);
  } catch (cause) {
    throw new JobError(
      "secretMissing",
      `cannot resolve \${${kind}:${name}} on this agent: ${messageOf(cause)}`,
    );
  }
}
