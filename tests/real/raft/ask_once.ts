/** One question over a connection of its own, within a time. */

import { type Answer, Connection, type Place, type Question, questionBytes } from "./connection.ts";

/** Whether a question that failed may have reached its server. */
export class AskError extends Error {
  readonly wasSent: boolean;

  constructor(what: string, wasSent: boolean, cause: unknown) {
    super(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.wasSent = wasSent;
  }
}

/** Asks and hangs up; AskError without an answer. */
export async function askOnce(
  place: Place,
  question: Question,
  withinMs: number,
): Promise<Answer> {
  const what = `${question.method} ${place.hostname}:${place.port}${question.path}`;
  const late = new AbortController();
  let connection: Connection | null = null;
  const timer = setTimeout(() => {
    late.abort(new Error(`no answer within ${withinMs} ms`));
    connection?.close();
  }, withinMs);
  try {
    connection = await Connection.open(place, late.signal);
    return await connection.ask(questionBytes(question));
  } catch (error) {
    throw new AskError(what, connection !== null, late.signal.aborted ? late.signal.reason : error);
  } finally {
    clearTimeout(timer);
    connection?.close();
  }
}
