/**
 * A snapshot with sessions: one line of JSON for each session, an empty line, then the pieces of the
 * machine inside, as it makes them.
 */

import { decodeMessage, encodeMessage } from "../actor/codec.ts";
import { PersistentMap } from "../base/persistent_map.ts";
import { jsonLines, readJsonLines } from "./json_lines.ts";
import type { Machine, Restoring } from "./machine.ts";
import type { KeptReply, Session, SessionsState } from "./sessions.ts";

const NEWLINE = 0x0a;

type Line = readonly [
  id: string,
  lastMs: number,
  acknowledged: number,
  /** Sequence, index, and the result in the message codec. */
  replies: readonly (readonly [string, number, string])[],
];

function* lines(sessions: PersistentMap<Session>): Iterable<Line> {
  for (const [id, { lastMs, acknowledged, replies }] of sessions) {
    const kept = [...replies].map(([sequence, { index, result }]) =>
      [sequence, index, encodeMessage(result)] as const
    );
    yield [id, lastMs, acknowledged, kept];
  }
}

/** The pieces of a snapshot. */
export function* sessionPieces<State, Command, Result>(
  machine: Machine<State, Command, Result>,
  { inner, sessions }: SessionsState<State>,
): Iterable<Uint8Array> {
  yield* jsonLines(lines(sessions));
  yield Uint8Array.of(NEWLINE);
  yield* machine.snapshot(inner);
}

/** Takes the pieces back in, cut anywhere. */
export function restoreSessions<State, Command, Result>(
  machine: Machine<State, Command, Result>,
): Restoring<SessionsState<State>> {
  let sessions = PersistentMap.empty<Session>();
  const head = readJsonLines((line: Line) => {
    sessions = sessions.set(line[0], sessionOf(line));
  }, () => sessions);
  const rest = machine.restore();
  /** The byte before, while lines are being read; null behind the empty line. */
  let last: number | null = NEWLINE;
  return {
    write: (piece) => {
      if (last === null) return rest.write(piece);
      const end = endOfLines(piece, last);
      if (end === null) {
        if (piece.length > 0) last = piece[piece.length - 1]!;
        return head.write(piece);
      }
      head.write(piece.subarray(0, end));
      last = null;
      rest.write(piece.subarray(end + 1));
    },
    end: () => {
      if (last !== null) throw new SyntaxError("the snapshot ends within its sessions");
      return { sessions: head.end(), inner: rest.end() };
    },
  };
}

/** Where the empty line stands: the position of its newline. */
function endOfLines(piece: Uint8Array, last: number): number | null {
  let before = last;
  for (let at = 0; at < piece.length; at += 1) {
    if (piece[at] === NEWLINE && before === NEWLINE) return at;
    before = piece[at]!;
  }
  return null;
}

function sessionOf([, lastMs, acknowledged, kept]: Line): Session {
  let replies = PersistentMap.empty<KeptReply<unknown>>();
  for (const [sequence, index, text] of kept) {
    replies = replies.set(sequence, { index, result: decodeMessage(text) });
  }
  return { lastMs, acknowledged, replies };
}
