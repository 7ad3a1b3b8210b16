/** Tables as people read them: a header, columns as wide as their widest cell. */

import { clean, pad, type Paint, widthOf } from "./text.ts";

/** One column. */
export interface Column {
  readonly title: string;
  readonly side?: "left" | "right";
  /** Cells wider than this are cut. */
  readonly maxWidth?: number;
}

/** The lines of a table; an empty list of rows gives no line. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  colours: Paint,
): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => row.map(clean));
  const widths = columns.map(({ title, maxWidth }, index) =>
    Math.min(
      maxWidth ?? Infinity,
      Math.max(widthOf(title), ...cells.map((row) => widthOf(row[index] ?? ""))),
    )
  );
  const line = (texts: readonly string[]) =>
    columns.map(({ side }, index) => pad(texts[index] ?? "", widths[index] ?? 0, side)).join("  ")
      .trimEnd();
  return [colours.bold(line(columns.map(({ title }) => title))), ...cells.map(line)];
}
