/** Times as RFC 3659 writes them (section 2.3): `YYYYMMDDHHMMSS[.sss]`, in UTC. Pure. */

const FORM = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,3})\d*)?$/;

/** Milliseconds since 1970; `null` for what is no such time. */
export function timeOf(text: string): number | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Number((match[7] ?? "").padEnd(3, "0"));
  const time = Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59), milliseconds);
  // Date.UTC carries what is too large over to the next field, which would be another time.
  const isReal = new Date(time).toISOString().startsWith(`${match[1]}-${match[2]}-${match[3]}`);
  return isReal && hour < 24 && minute < 60 && second <= 60 ? time : null;
}

/** The second in which a time falls. */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace(/[-:T]/g, "");
}
