/** The kinds of values that settings have, beyond those of zod: how they are written and read. */

import { z } from "zod";
import type { Limit, LimitTable } from "../../runtime/base/limits.ts";
import { parseBytes, parseDurationMs } from "../../runtime/base/units.ts";

/** What `show` and the layers must know of a setting; it stands in the JSON Schema beside its type. */
export type FieldKind = "path" | "secret" | "map";

/** A path; a relative one starts where the file stands that names it, else in the working directory. */
export function path(description: string) {
  return z.string().min(1).meta({ description, fieldKind: "path" satisfies FieldKind });
}

/** A reference to a secret: `${env:NAME}` or `${file:PATH}`. The value itself is never a setting. */
export function secret(description: string) {
  return z.string().regex(
    SECRET_REFERENCE,
    "a secret is not written here but referred to: ${file:PATH} or ${env:NAME}",
  ).meta({ description, fieldKind: "secret" satisfies FieldKind });
}

/** `kind` and `name` of a reference that {@link secret} takes. */
export const SECRET_REFERENCE = /^\$\{(?<kind>env|file):(?<name>[^}]+)\}$/;

/** A duration such as `30s`, as milliseconds; a plain number is seconds. */
export function duration(description: string) {
  return z.union([z.number(), z.string()]).transform((given, context) => {
    const ms = parseDurationMs(given);
    if (ms !== null) return ms;
    context.addIssue({ code: "custom", message: "this is no duration; write 30s or 5m" });
    return z.NEVER;
  }).meta({ description });
}

/** Values by names. */
export function map<V extends z.ZodType>(values: V, description: string) {
  return z.record(nodeName, values).meta({ description, fieldKind: "map" satisfies FieldKind });
}

/** The id of a node, and other names that stand in addresses. */
export const nodeName = z.string().regex(
  /^(?!.*\.raft$)[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  "a name has letters, digits, dots, dashes and underscores, at most 63, and does not end in .raft",
);

/** `host:port`, as its two parts. */
export function place(description: string) {
  return z.string().transform((text, context) => {
    const match = /^(?:\[(?<six>[0-9a-fA-F:]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text);
    const port = Number(match?.groups?.["port"]);
    if (match !== null && port <= 65_535) {
      return { hostname: match.groups!["six"] ?? match.groups!["host"]!, port };
    }
    context.addIssue({
      code: "custom",
      message: "this is no place to listen; write HOST:PORT, such as 127.0.0.1:4100",
    });
    return z.NEVER;
  }).meta({ description });
}

/** A place as {@link place} reads it. */
export interface Place {
  readonly hostname: string;
  readonly port: number;
}

/** The URL of a node's links. */
export const linkUrl = z.string().regex(
  /^wss?:\/\/[^/?#]+$/,
  "this is no address of a node; write ws://HOST:PORT or wss://HOST:PORT",
);

/** A limit as a setting: a whole number, or a text with its unit. */
type LimitSetting = z.ZodPrefault<z.ZodType<number, number | string>>;

/** A room's table of limits as settings. */
export type LimitSettings<T extends LimitTable> = z.ZodPrefault<
  z.ZodObject<{ [K in keyof T]: LimitSetting }, z.core.$strict>
>;

/** Every limit of a room's table as a setting. */
export function limits<T extends LimitTable>(table: T): LimitSettings<T> {
  const shape = Object.fromEntries(
    Object.entries(table).map(([name, limit]) => [name, limitSetting(limit)]),
  );
  return z.strictObject(shape).prefault({}) as unknown as LimitSettings<T>;
}

function limitSetting({ unit, value, why, least = 0, most }: Limit): LimitSetting {
  const example = unit === "ms" ? "1500 (ms) or 1.5s" : unit === "bytes" ? "64MiB" : "64";
  return z.union([z.number(), z.string()]).transform((given, context) => {
    const found = limitValue(unit, given);
    const refuse = (message: string) => {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    };
    if (found === null) return refuse(`this is no limit; write ${example}`);
    if (found < least) return refuse(`${found} is too little: at least ${least} (${unit})`);
    if (most !== undefined && found > most) {
      return refuse(`${found} is too much: at most ${most} (${unit})`);
    }
    return found;
  }).prefault(value).meta({ description: `${why} (${unit})` });
}

function limitValue(unit: Limit["unit"], given: number | string): number | null {
  if (typeof given === "number") return Number.isSafeInteger(given) && given >= 0 ? given : null;
  if (/^\d+$/.test(given)) return Number(given);
  if (unit === "ms") return parseDurationMs(given);
  return unit === "bytes" ? parseBytes(given) : null;
}
