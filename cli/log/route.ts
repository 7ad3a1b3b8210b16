/** A session's log on standard error, as lines of JSON or words. */

import { type Session, usesColours } from "../session.ts";
import { type Logging, type LogSettings, startLogging } from "./logging.ts";

/** Writes what a session logs from now on; `shared` is what every line of JSON says of this process. */
export function routeLog(
  { log, process, env: { clock } }: Session,
  settings: LogSettings,
  shared: Readonly<Record<string, string>>,
): Logging {
  const isColoured = usesColours(process, process.errIsTerminal);
  const logging = startLogging({ process, clock, usesColours: isColoured }, settings, shared);
  log.route((level, message, facts) => logging.write(level, message, facts));
  return logging;
}
