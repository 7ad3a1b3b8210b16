/**
 * Named limits: every queue, buffer, retry and timeout of a room stands in that room's table, with
 * its unit and default, so that `config show` can print them all and nothing is bounded by accident.
 */

/** The unit a limit is counted in. */
export type LimitUnit = "bytes" | "ms" | "count" | "perSecond";

/** One bound: its unit, its default and the sentence that explains it. */
export interface Limit {
  readonly unit: LimitUnit;
  readonly value: number;
  readonly why: string;
  /** What a setting of it may be; 0 and any number unless given. */
  readonly least?: number;
  readonly most?: number;
}

/** A room's table of limits. */
export type LimitTable = Readonly<Record<string, Limit>>;

/** The plain numbers of a table, which is what code works with. */
export type LimitValues<T extends LimitTable> = { readonly [K in keyof T]: number };

/** The defaults of a table as plain numbers, with `overrides` (simulation seeds shrink limits) applied. */
export function limitValues<T extends LimitTable>(
  table: T,
  overrides: Partial<LimitValues<T>> = {},
): LimitValues<T> {
  const values: Record<string, number> = {};
  for (const [name, limit] of Object.entries(table)) values[name] = overrides[name] ?? limit.value;
  return values as LimitValues<T>;
}
