/** Looks at a directory of a place: can it be listed, and what is in it. Reads only, one page at most. */

import type { Env } from "../../runtime/env/env.ts";
import type { Endpoint, TransferProtocol } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { bad, fact, type Finding, Findings } from "./finding.ts";
import { trustFindings } from "./source.ts";

/** What a listing of the place tells. */
export async function examineDirectory(
  protocol: TransferProtocol,
  endpoint: Endpoint,
  env: Env,
): Promise<readonly Finding[]> {
  if (protocol.directory === undefined) {
    const message = `cannot list ${protocol.name}: it has no directories; name a file`;
    return [bad("listable", new ProtocolError("unsupported", message))];
  }
  const directory = protocol.directory(endpoint, { env });
  const findings = new Findings(env.clock);
  try {
    let refused = 0;
    const isListed = await findings.step("listable", async () => {
      for await (const page of directory.list(new AbortController().signal)) {
        refused = page.refused.length;
        return `${page.entries.length} names on the first page`;
      }
      return "it is empty";
    });
    if (isListed) findings.add(...trustFindings(endpoint));
    if (refused > 0) {
      findings.add(fact("names", `${refused} that no file may have here; they are left out`));
    }
    return findings.all;
  } finally {
    await directory.close();
  }
}
