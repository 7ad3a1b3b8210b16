/**
 * S3: OpenStack Swift, beside rclone and, where it is installed, the AWS command line. Swift is Python: what is
 * compared is what each asks of it.
 */

import { findProgram } from "../../real/require.ts";
import { startSwift, type Swift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { command } from "./command.ts";
import { type Contestant, type Ground, REQUESTS } from "./contest.ts";
import { remoteFar } from "./far.ts";
import { ours } from "./quorus.ts";
import { rclone, remoteOf } from "./rclone.ts";

const BUCKET = "bucket";
/** As many as rclone reads of a large file at once. */
const RANGES = 4;

/** See the file's comment. */
export const s3: Ground = {
  name: "s3",
  programs: [...SWIFT_PROGRAMS, "rclone"],
  hold: async (stand, compete) => {
    const swift = await startSwift();
    try {
      await swift.makeBucket(BUCKET);
      const { origin, key: { accessKeyId, secretAccessKey } } = swift;
      const remote = remoteOf(
        "s3",
        {
          ...{ provider: "Other", endpoint: origin, region: "us-east-1", no_check_bucket: "true" },
          ...{ access_key_id: accessKeyId, secret_access_key: secretAccessKey },
        },
        `${BUCKET}/`,
      );
      await compete({
        bench: "s3",
        far: remoteFar(remote),
        directions: ["get", "put"],
        contestants: {
          ...ours(stand, {
            uri: (far) => `s3://${BUCKET}/${far}`,
            access: await accessOf(swift),
            ...{ filesAtOnce: REQUESTS, ranges: RANGES, isListed: true, keepsMtime: false },
          }),
          ...(findProgram("aws") === undefined ? {} : { aws: await aws(swift) }),
          rclone: rclone(remote, REQUESTS),
        },
        aims: (size) => ({ aws: null, rclone: size === "large" ? ">=1.2" : ">=1.0" }),
      });
    } finally {
      await swift.close();
    }
  },
};

/** What a workflow says beside the URI. */
export async function accessOf({ origin, folder, key }: Swift): Promise<string> {
  await Deno.writeTextFile(`${folder}/secret`, key.secretAccessKey);
  const secret = `\${file:${folder}/secret}`;
  return `auth: { type: accessKey, accessKeyId: "${key.accessKeyId}", ` +
    `secretAccessKey: "${secret}" }, options: { endpoint: "${origin}" }`;
}

/** It sends checksums that Swift does not know unless it is told to send what is required only. */
async function aws({ origin, folder, key }: Swift): Promise<Contestant> {
  const config = `${folder}/aws`;
  await Deno.writeTextFile(
    config,
    `[default]
region = us-east-1
request_checksum_calculation = when_required
response_checksum_validation = when_required
s3 =
  max_concurrent_requests = ${REQUESTS}
  addressing_style = path
`,
  );
  return {
    rounds: 1,
    copy: async ({ direction, near, far }) => {
      const there = `s3://${BUCKET}/${far}/`;
      const ends = direction === "get" ? [there, `${near}/`] : [`${near}/`, there];
      const args = ["--endpoint-url", origin, "s3", "cp", "--recursive", "--only-show-errors"];
      await command("aws", [...args, ...ends], {
        AWS_CONFIG_FILE: config,
        AWS_ACCESS_KEY_ID: key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: "true",
      });
    },
  };
}
