/** From an envelope to the handler it is for. */

import type { Cell } from "./cell.ts";
import type { ErasedHandler } from "./definition.ts";
import type { Envelope, Note, TaskNote } from "./envelope.ts";
import { noSuchMessage } from "./errors.ts";

/** Calls what the envelope is for and returns what that returns. */
export function callHandler(cell: Cell, envelope: Envelope, note: Note | null): unknown {
  const { handlers, done, ended } = cell.definition;
  if (note === null) return call(cell, handlers[envelope.tag], envelope, envelope.body);
  switch (note.kind) {
    case "ask":
    case "inbound":
    case "traced":
    case "timer":
      return call(cell, handlers[envelope.tag], envelope, envelope.body);
    case "task":
      return callDone(cell, done, note, envelope);
    case "ended":
      return ended === null ? undefined : call(cell, ended, envelope, note);
  }
}

/** False for what its sender, timer or watch has taken back, or an older incarnation left. */
export function stillWanted(cell: Cell, note: Note): boolean {
  switch (note.kind) {
    case "ask":
      if (!note.settled) return true;
      cell.core.counters.expiredAsks += 1;
      note.inbound?.processed("dropped");
      return false;
    case "inbound":
    case "traced":
      return true;
    case "timer":
      return cell.rare?.timers?.take(note) ?? false;
    case "ended": {
      const watching = cell.rare?.watching;
      return watching?.get(note.key)?.note === note && watching.delete(note.key);
    }
    case "task":
      return note.incarnation === cell.incarnation;
  }
}

function callDone(
  cell: Cell,
  done: ErasedHandler | null,
  note: TaskNote,
  envelope: Envelope,
): unknown {
  if (done !== null) return call(cell, done, envelope, note.end);
  if (!note.end.ok) throw note.end.error;
  return undefined;
}

function call(
  cell: Cell,
  handler: ErasedHandler | undefined,
  envelope: Envelope,
  body: unknown,
): unknown {
  if (handler === undefined) throw noSuchMessage(cell.address, envelope.tag, cell.protocolName);
  if (!handler.isAsync) return handler.run(cell.state, body, cell.context);
  const frame = { cell, envelope };
  return cell.core.within(frame, () => handler.run(cell.state, body, cell.context));
}
