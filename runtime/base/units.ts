/** Sizes and durations as people write them, and back. */

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;

/**
 * Bytes of `10MB`, `8MiB`, `1.5GB` or a plain number; `null` where the text is not a size.
 * Decimal units are powers of 1,000, the `i` units powers of 1,024 (IEC 80000-13).
 */
export function parseBytes(text: string | number): number | null {
  if (typeof text === "number") return Number.isInteger(text) && text >= 0 ? text : null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGTP]?i?B)?\s*$/i.exec(text);
  if (match === null) return null;
  const unit = Object.keys(SIZE_UNITS).find((u) =>
    u.toLowerCase() === (match[2] ?? "B").toLowerCase()
  );
  if (unit === undefined) return null;
  const bytes = Math.round(Number(match[1]) * SIZE_UNITS[unit]!);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** Milliseconds of `500ms`, `30s`, `5m`, `2h`, `1d`, `1h30m`; a plain number is seconds; `null` otherwise. */
export function parseDurationMs(text: string | number): number | null {
  if (typeof text === "number") return text >= 0 && Number.isFinite(text) ? text * 1_000 : null;
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.round(Number(text) * 1_000);
  if (!/^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$/.test(text)) return null;
  let totalMs = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)) {
    totalMs += Number(part[1]) * DURATION_UNITS_MS[part[2]!]!;
  }
  return Math.round(totalMs);
}

/** `1536` as `1.5 KiB`: binary units, three significant digits at most. */
export function formatBytes(bytes: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < names.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${names[step]}`;
}

/** `93_000` as `1m33s`; under a minute with one decimal, under a second in milliseconds. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  const h = Math.floor(seconds / 3_600);
  const m = Math.floor((seconds % 3_600) / 60);
  const s = seconds % 60;
  return h > 0 ? `${h}h${String(m).padStart(2, "0")}m` : `${m}m${String(s).padStart(2, "0")}s`;
}
