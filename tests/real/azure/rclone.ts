/** rclone as a client of Azure Blob: what others see of an account, and what they leave there. */

import { createHmac } from "node:crypto";
import type { Azurite } from "../../servers/azurite.ts";

/** A shared access signature for everything in the account, good for an hour unless told otherwise. */
export function accountSignature(
  { account, accountKey }: Azurite,
  lifetimeMs = 3_600_000,
): string {
  const [permissions, services, types, version] = ["rwdlac", "b", "sco", "2019-12-12"];
  const expiry = `${new Date(Date.now() + lifetimeMs).toISOString().slice(0, 19)}Z`;
  const text = [account, permissions, services, types, "", expiry, "", "http,https", version, ""];
  const signature = createHmac("sha256", Uint8Array.fromBase64(accountKey)).update(text.join("\n"));
  return new URLSearchParams({
    ...{ sv: version, ss: services, srt: types, sp: permissions, se: expiry },
    ...{ spr: "http,https", sig: signature.digest("base64") },
  }).toString();
}

/** Runs rclone with the account as the remote `az:`; its output, or an error with what it said. */
export async function rclone(azurite: Azurite, ...args: string[]): Promise<string> {
  const { endpoint, folder } = azurite;
  const { success, stdout, stderr } = await new Deno.Command("rclone", {
    args: [
      "--config",
      `${folder}/rclone.conf`,
      "--retries",
      "1",
      "--low-level-retries",
      "2",
      ...args,
    ],
    env: {
      RCLONE_CONFIG_AZ_TYPE: "azureblob",
      // Its option for endpoints takes no addresses with a path.
      RCLONE_CONFIG_AZ_SAS_URL: `${endpoint}?${accountSignature(azurite)}`,
    },
    stdin: "null",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`rclone ${args.join(" ")}: ${new TextDecoder().decode(stderr).slice(-2_000)}`);
}
