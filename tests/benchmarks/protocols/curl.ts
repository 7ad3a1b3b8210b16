/** curl as a contestant: as many transfers at once as the others; it verifies lengths. */

import { command } from "./command.ts";
import { type Contestant, REQUESTS, type Work } from "./contest.ts";

/** What curl is told beside the files. */
export interface CurlServer {
  /** The address of a folder of the server. */
  url(far: string): string;
  readonly args: readonly string[];
}

/** Gets and puts by a list of addresses. */
export function curl({ url, args }: CurlServer): Contestant {
  return {
    copy: async ({ direction, names, near, far }: Work) => {
      const list = `${near}.urls`;
      const lines = names.flatMap((name) => [
        `url = "${url(far)}/${name}"`,
        `${direction === "get" ? "output" : "upload-file"} = "${near}/${name}"`,
      ]);
      await Deno.writeTextFile(list, lines.join("\n"));
      const atOnce = names.length === 1 ? [] : ["--parallel", "--parallel-max", String(REQUESTS)];
      await command("curl", ["-sSf", ...atOnce, ...args, "-K", list]);
      await Deno.remove(list);
    },
  };
}
