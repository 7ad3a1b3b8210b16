/** How messages and ends of other nodes get into a mailbox. */

import type { Cell } from "./cell.ts";
import { type EndedNote, Envelope, type InboundNote } from "./envelope.ts";
import { deadLetter, isFull, overflow, waitForRoom } from "./intake.ts";
import { Waiter } from "./waiting.ts";

const NOTHING = (): void => {};

/** Queues a one-way message of another node, lets it wait for room, or tells what became of it. */
export function admitInbound(cell: Cell, envelope: Envelope, note: InboundNote): void {
  const { tag, body } = envelope;
  if (!isFull(cell)) return cell.push(envelope);
  if (cell.definition.full === "wait") {
    return waitForRoom(
      cell,
      new Waiter(envelope, NOTHING, (error) => {
        const isFull = error.code === "MailboxFull";
        deadLetter(cell, tag, body, isFull ? "refused" : "stopped");
        note.processed(isFull ? "refused" : "dead");
      }),
    );
  }
  if (overflow(cell, tag, body) === "dropped") return note.processed("dropped");
  deadLetter(cell, tag, body, "refused");
  note.processed("refused");
}

/**
 * Queues the end of a watched actor, past the bound of the mailbox but behind what waits for room in
 * it: that may be the last message of that very actor.
 */
export function admitEnded(cell: Cell, note: EndedNote): void {
  const envelope = new Envelope("ended", null, note, cell.core.scheduler.stampNow());
  const waiting = cell.rare?.waiting;
  if (waiting && waiting.count > 0) waiting.add(new Waiter(envelope, NOTHING, NOTHING));
  else cell.push(envelope);
}
