/** What a step has brought so far. */

import type { Entry, SnapshotMeta } from "./entry.ts";
import type { Message } from "./messages.ts";
import type {
  Answer,
  Outputs,
  PersistOrder,
  RaftEvent,
  ReadAnswer,
  SaveChunk,
  SendChunk,
} from "./outputs.ts";

const NOTHING: readonly never[] = Object.freeze([]);

/** Collects the outputs of one step after the other. */
export class Outbox {
  persist: PersistOrder[] = [];
  send: Message[] = [];
  apply: readonly Entry[] = NOTHING;
  restore: SnapshotMeta | null = null;
  sendChunks: SendChunk[] = [];
  saveChunk: SaveChunk | null = null;
  compact: number | null = null;
  answers: Answer[] = [];
  reads: ReadAnswer[] = [];
  events: RaftEvent[] = [];

  /** Hands the outputs over; the box is empty afterwards. */
  take(): Outputs {
    const outputs: Outputs = {
      persist: this.persist.length > 0 ? this.persist : NOTHING,
      send: this.send.length > 0 ? this.send : NOTHING,
      apply: this.apply,
      restore: this.restore,
      sendChunks: this.sendChunks.length > 0 ? this.sendChunks : NOTHING,
      saveChunk: this.saveChunk,
      compact: this.compact,
      answers: this.answers.length > 0 ? this.answers : NOTHING,
      reads: this.reads.length > 0 ? this.reads : NOTHING,
      events: this.events.length > 0 ? this.events : NOTHING,
    };
    if (this.persist.length > 0) this.persist = [];
    if (this.send.length > 0) this.send = [];
    this.apply = NOTHING;
    this.restore = null;
    if (this.sendChunks.length > 0) this.sendChunks = [];
    this.saveChunk = null;
    this.compact = null;
    if (this.answers.length > 0) this.answers = [];
    if (this.reads.length > 0) this.reads = [];
    if (this.events.length > 0) this.events = [];
    return outputs;
  }
}
