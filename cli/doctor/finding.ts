/** What `doctor` finds out: one line each. */

import { errorData } from "../../runtime/base/errors.ts";
import { formatDuration } from "../../runtime/base/units.ts";
import type { Clock } from "../../runtime/env/env.ts";
import { EXIT, type ExitCode } from "../exit.ts";

/** One look at one thing; `ok: null` where there is nothing to be good or bad. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean | null;
  readonly detail: string;
  /** Of the error, where there was one. */
  readonly code?: string;
}

/** Something that is as it should be. */
export function good(check: string, detail: string): Finding {
  return { check, ok: true, detail };
}

/** A fact that costs something, or says that there is nothing. */
export function fact(check: string, detail: string): Finding {
  return { check, ok: null, detail };
}

/** Something that prevents a transfer. */
export function bad(check: string, thrown: unknown): Finding {
  const { code, message } = errorData(thrown);
  return { check: CHECKS[code] ?? check, ok: false, detail: message, code };
}

/** What was really looked at, where an error tells it. */
const CHECKS: Readonly<Record<string, string>> = {
  forbidden: "reach",
  insecure: "trust",
  tls: "trust",
  unauthenticated: "auth",
};

/** Findings one after the other, each with the time it took; what depends on a failed one is not tried. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(...found: readonly Finding[]): void {
    this.all.push(...found);
  }

  /** `work` says what it found, as a detail or as a finding of its own; `false` if it failed. */
  async step(check: string, work: () => Promise<string | Finding>): Promise<boolean> {
    const startedMs = this.#clock.monotonic();
    try {
      const found = await work();
      const took = formatDuration(this.#clock.monotonic() - startedMs);
      this.add(typeof found === "string" ? good(check, `${found} (${took})`) : found);
      return true;
    } catch (thrown) {
      this.add(bad(check, thrown));
      return false;
    }
  }
}

const REFUSED: ReadonlySet<string> = new Set([
  "denied",
  "unauthenticated",
  "readOnly",
  "insecure",
  "forbidden",
]);
const UNREACHABLE: ReadonlySet<string> = new Set([
  "unreachable",
  "timeout",
  "tls",
  "notFound",
  "redirectLoop",
]);

/** Exit code of the findings: refused before unreachable before any other trouble. */
export function exitCodeOfFindings(findings: readonly Finding[]): ExitCode {
  const codes = findings.filter(({ ok }) => ok === false).map(({ code }) => code ?? "");
  if (codes.length === 0) return EXIT.ok;
  if (codes.some((code) => REFUSED.has(code))) return EXIT.refused;
  return codes.some((code) => UNREACHABLE.has(code)) ? EXIT.unreachable : EXIT.failed;
}
