/** Script files: commands, under each what is seen then (indented), and comments that are left alone. */

import { Player } from "./player.ts";

/** What a script has come to. */
export interface Played {
  /** The whole file as it would be with what was seen now. */
  readonly text: string;
  /** Where and how it broke off: a promise of Raft is broken, or a command makes no sense. */
  readonly failure: string | null;
}

/** Plays a whole script; the invariants of the bench are checked after every step. */
export function playScript(text: string): Played {
  const player = new Player();
  const lines: string[] = [];
  for (const [place, line] of text.trimEnd().split("\n").entries()) {
    if (line.startsWith("  ")) continue; // what was seen before
    lines.push(line);
    const command = line.replace(/\s*#.*$/, "").trim();
    if (command === "") continue;
    try {
      for (const seen of player.play(command)) lines.push(`  ${seen}`);
    } catch (error) {
      const { name, message } = error as Error;
      const failure = `line ${place + 1}, ${command}: ${name}: ${message}`;
      return { text: `${lines.join("\n")}\n`, failure: [...player.trace, failure].join("\n") };
    }
  }
  return { text: `${lines.join("\n")}\n`, failure: null };
}
