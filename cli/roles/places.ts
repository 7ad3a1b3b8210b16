/** Which places people may name to a gateway: what would send an agent where it must not go is refused. */

import type { PlaceRule } from "../../gateway/submission.ts";
import { hostOf, scopeOfHost } from "../../protocols/addresses.ts";
import { placeOf } from "../../protocols/reach.ts";
import { installedDirectories, installedSchemes, type PlugIns } from "../protocols.ts";

/** The rule of the installed protocols; with `allowLocal` hosts that are the agent itself are places, too. */
export function placeRule(allowLocal: boolean, plugIns: PlugIns = []): PlaceRule {
  return {
    schemes: installedSchemes(plugIns),
    directories: installedDirectories(plugIns),
    refuse: (_side, uri) => {
      const url = URL.parse(uri);
      if (url === null) return "it is no URI";
      if (url.protocol === "file:") return refusedPath(uri);
      const host = hostOf(placeOf(uri)?.host ?? "");
      const scope = host === null ? null : scopeOfHost(host);
      // What resolves to such an address is refused by the agent, which connects to it.
      if (allowLocal || scope === null || scope === "public" || scope === "private") return null;
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
