/** What a script sees when it looks: members, messages, peers, disks. */

import type { Entry, MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import { type Raft, statusOf } from "../../../../runtime/raft/core/raft.ts";
import type { Member } from "../cluster/member.ts";

/** So many entries of one term in a row are told as a range. */
const RANGE = 6;

/** `1@1 2@1(x)`, or `1..9@1` for many. */
export function entriesText(entries: readonly Entry[]): string {
  const parts: string[] = [];
  for (let place = 0; place < entries.length;) {
    const { index, term } = entries[place]!;
    let end = place;
    while (entries[end]?.term === term) end += 1;
    if (end - place >= RANGE) parts.push(`${index}..${entries[end - 1]!.index}@${term}`);
    else parts.push(...entries.slice(place, end).map(entryText));
    place = end;
  }
  return parts.join(" ");
}

function entryText({ index, term, kind, data }: Entry): string {
  const what = kind === "config" ? "config" : new TextDecoder().decode(data).trimEnd();
  return `${index}@${term}${what === "" ? "" : `(${what})`}`;
}

function logText(base: number, entries: readonly Entry[]): string {
  const parts = [...(base > 0 ? [`[..${base}]`] : []), entriesText(entries)];
  return `log ${parts.join(" ").trim() || "empty"}`;
}

function voteText(vote: MemberId | null): string {
  return vote === null ? "" : ` voted ${vote}`;
}

/** One member in one line. */
export function memberText(member: Member, raft: Raft | undefined): string {
  if (!member.isUp || raft === undefined) return `${member.id}: down; ${diskText(member)}`;
  const status = statusOf(raft);
  const { id, role, leader, term, vote, commit, applied, firstIndex, lastIndex } = status;
  const follows = role === "follower" && leader !== null ? ` of ${leader}` : "";
  const entries = lastIndex < firstIndex ? [] : raft.log.slice(firstIndex, lastIndex, Infinity);
  return [
    `${id}: ${role}${follows}`,
    `term ${term}${voteText(vote)}`,
    logText(raft.log.baseIndex, entries),
    ...(status.durableIndex === lastIndex ? [] : [`durable ${status.durableIndex}`]),
    `commit ${commit}`,
    ...(applied === commit ? [] : [`applied ${applied}`]),
    ...(status.transferringTo === null ? [] : [`handing over to ${status.transferringTo}`]),
    ...(status.degraded ? ["degraded"] : []),
  ].join(", ");
}

/** What would survive a crash. */
export function diskText({ disk }: Member): string {
  const { term, vote } = disk.hardState;
  return [
    `disk has term ${term}${voteText(vote)}`,
    ...(disk.newest === undefined ? [] : [`snapshot of ${disk.newest.snapshot.index}`]),
    logText(disk.log.base, disk.log.entries),
    ...(disk.waiting === 0 ? [] : [`${disk.waiting} writes under way`]),
  ].join(", ");
}

/** The others as a leader sees them. */
export function peersText(raft: Raft): string[] {
  return statusOf(raft).peers.map(({ id, state, match, next, inflightMessages }) => {
    const underWay = inflightMessages === 0 ? "" : `, ${inflightMessages} appends under way`;
    return `${raft.id} sees ${id}: ${state}, match ${match}, next ${next}${underWay}`;
  });
}

/** The stamps of a log, in ms since the stage began. */
export function stampsText(raft: Raft, beganMs: number): string {
  const { firstIndex, lastIndex } = raft.log;
  const entries = raft.log.slice(firstIndex, lastIndex, Infinity);
  const stamps = entries.map(({ index, stampMs }) => {
    return stampMs === 0 ? `${index} without time` : `${index} at ${stampMs - beganMs} ms`;
  });
  return `${raft.id}: ${stamps.join(", ")}`;
}

/** One message in one line. */
export function messageText(message: Message): string {
  const { type, from, to, term } = message;
  return `${type} ${from} -> ${to} term ${term}${factsText(message)}`;
}

function factsText(message: Message): string {
  switch (message.type) {
    case "preVote":
    case "vote": {
      const isTransfer = message.type === "vote" && message.transfer;
      return `, log up to ${message.lastIndex}@${message.lastTerm}${
        isTransfer ? ", transfer" : ""
      }`;
    }
    case "preVoteReply":
    case "voteReply":
      return message.granted ? ": yes" : ": no";
    case "append": {
      const { prevIndex, prevTerm, entries, commit } = message;
      const what = entries.length === 0 ? "nothing" : entriesText(entries);
      return `: ${what} after ${prevIndex}@${prevTerm}, commit ${commit}`;
    }
    case "appendReply":
      if (message.match !== null) return `: has up to ${message.match}`;
      if (message.rejected === 0) return `: has only ${message.hintIndex}@${message.hintTerm}`;
      return `: not after ${message.rejected}, perhaps ${message.hintIndex}@${message.hintTerm}`;
    case "heartbeat":
      return `: round ${message.round}, commit ${message.commit}`;
    case "heartbeatReply":
      return `: round ${message.round}`;
    case "snapshotChunk": {
      const { snapshot, file, offset, bytes } = message;
      const what = bytes.length === 0 ? "what is there?" : `bytes ${offset}+${bytes.length}`;
      return `: snapshot of ${snapshot.index}, ${what} of ${file.bytes}`;
    }
    case "snapshotReply":
      return `: snapshot of ${message.index}, next byte ${message.nextOffset}`;
    case "readIndex":
      return `: ${message.context}`;
    case "readIndexReply":
      return `: ${message.context} at ${message.index ?? "unknown"}`;
    case "timeoutNow":
      return "";
  }
}
