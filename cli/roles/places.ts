/** Which places people may name to a gateway: what would send an agent where it must not go is refused. */

import type { PlaceRule } from "../../gateway/submission.ts";
import { isLocalHost } from "../../protocols/http/addresses.ts";
import { installedSchemes } from "../protocols.ts";

/** The rule of the installed protocols; with `allowLocal` hosts that are the agent itself are places, too. */
export function placeRule(allowLocal: boolean): PlaceRule {
  return {
    schemes: installedSchemes(),
    refuse: (_side, uri) => {
      const url = URL.parse(uri);
      if (url === null) return "it is no URI";
      if (url.protocol === "file:") return refusedPath(uri);
      if (allowLocal || !isLocalHost(url)) return null;
      return `${url.hostname} is the agent itself, which is nobody's business; ` +
        "name another host, or allow it (allowLocal)";
    },
  };
}

/** As it was written: a URL parser would have folded what leads upwards. */
function refusedPath(uri: string): string | null {
  const segments = uri.slice("file:".length).split(/[/\\]/);
  const leadsUp = segments.some((segment) => /^(\.|%2e){2}$/i.test(segment));
  if (leadsUp) return "it leads upwards (..); name the place itself";
  return /%00|%2f|%5c/i.test(uri) ? "it hides separators; write them as they are" : null;
}
