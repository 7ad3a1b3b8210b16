/** An FTP server of our own: it can lack anything and misbehave. */

import { PaperFiles } from "./paper_files.ts";
import type { PaperLine, PaperListen } from "./paper_line.ts";
import type { PaperQuirks } from "./paper_quirks.ts";
import { PaperSession } from "./paper_session.ts";

/** Its files, and who is logged in. */
export class PaperServer {
  readonly files = new PaperFiles();
  readonly sessions = new Set<PaperSession>();
  quirks: PaperQuirks;
  /** Commands of all sessions, in order; passwords left out. */
  readonly commands: string[] = [];
  /** How many sessions there were at most at once, and how many at all. */
  mostSessions = 0;
  allSessions = 0;

  constructor(quirks: PaperQuirks = {}) {
    this.quirks = quirks;
  }

  /** Serves one control connection until it ends. */
  async serve(line: PaperLine, listen: PaperListen): Promise<void> {
    const session = new PaperSession(this, line, listen);
    this.sessions.add(session);
    this.allSessions += 1;
    this.mostSessions = Math.max(this.mostSessions, this.sessions.size);
    try {
      await session.run();
    } finally {
      this.sessions.delete(session);
      line.end();
    }
  }
}
