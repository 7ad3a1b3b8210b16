/** Operations as bars from call to return, one line for each client. */

/** One bar. */
export interface Bar {
  readonly client: string;
  readonly callAt: number;
  /** Infinity if it never returned. */
  readonly returnAt: number;
  readonly label: string;
  readonly isMarked: boolean;
}

const LABEL_CHARACTERS = 32;

interface PlacedBar extends Bar {
  readonly from: number;
  readonly to: number;
}

/** The bars in order of time, not to scale: two overlap if and only if the operations did. */
export function picture(bars: readonly Bar[]): string {
  const placed = place(bars);
  const rows = rowsOf(placed);
  const nameWidth = Math.max(0, ...bars.map(({ client }) => client.length));
  const end = Math.max(0, ...placed.map(({ to }) => to));
  return rows.map((row) => {
    const name = (row[0] as PlacedBar).client.padEnd(nameWidth);
    return `  ${name}  ${drawn(row, end)}${
      row.some((bar) => bar.isMarked) ? "  <-- no place" : ""
    }`;
  }).join("\n");
}

/** Columns for calls and returns, so wide apart that every label fits. */
function place(bars: readonly Bar[]): readonly PlacedBar[] {
  const calls = bars.map((bar) => ({ bar, at: bar.callAt, isReturn: false }));
  const returns = bars.map((bar) => ({ bar, at: bar.returnAt, isReturn: true }));
  const events = [...calls, ...returns].sort((a, b) =>
    a.at === b.at ? Number(a.isReturn) - Number(b.isReturn) : a.at - b.at
  );
  const froms = new Map<Bar, number>();
  const tos = new Map<Bar, number>();
  let column = 0;
  for (const { bar, isReturn } of events) {
    const from = froms.get(bar);
    if (isReturn && from !== undefined) {
      column = Math.max(column, from + text(bar).length + 1);
      tos.set(bar, column);
    } else froms.set(bar, column);
    column += 1;
  }
  return bars.map((bar) => ({ ...bar, from: froms.get(bar) ?? 0, to: tos.get(bar) ?? 0 }));
}

function text({ label }: Bar): string {
  const fits = label.length <= LABEL_CHARACTERS;
  return fits ? label : `${label.slice(0, LABEL_CHARACTERS - 1)}…`;
}

/** A client with operations side by side gets a line for each of them. */
function rowsOf(bars: readonly PlacedBar[]): readonly PlacedBar[][] {
  const rows: PlacedBar[][] = [];
  const inOrder = bars.toSorted((a, b) => {
    if (a.client !== b.client) return a.client < b.client ? -1 : 1;
    return a.from - b.from;
  });
  for (const bar of inOrder) {
    const row = rows.find((each) => {
      const last = each.at(-1) as PlacedBar;
      return last.client === bar.client && last.to < bar.from;
    });
    if (row === undefined) rows.push([bar]);
    else row.push(bar);
  }
  return rows;
}

function drawn(row: readonly PlacedBar[], end: number): string {
  let line = "";
  for (const bar of row) {
    const width = bar.to - bar.from - 1;
    const isOpen = bar.returnAt === Infinity;
    line = line.padEnd(bar.from) + `|${text(bar).padEnd(width, isOpen ? "." : "-")}`;
    line += isOpen ? ">" : "|";
  }
  return line.padEnd(end + 1);
}
