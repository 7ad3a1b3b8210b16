/**
 * What servers of every protocol may list to make a client write, remove or run something else: each name
 * comes through to the letter, or is refused and shown harmlessly; none is ever altered into another one.
 */

import assert from "node:assert/strict";
import type { Directory } from "../../protocols/directory.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { NEVER, patterned } from "../conformance/case.ts";
import type { Harness } from "../conformance/harness.ts";
import { paperHarness as azureHarness } from "./azure/harness.ts";
import { paperHarness as ftpHarness } from "./ftp/paper_harness.ts";
import { paperHarness as gcsHarness } from "./gcs/harness.ts";
import { paperHarness as s3Harness } from "./s3/paper_harness.ts";
import { paperHarness as sftpHarness } from "./sftp/paper_harness.ts";
import { listedLine } from "./smb/paper_client.ts";
import { paperHarness as smbHarness } from "./smb/paper_harness.ts";
import { paperHarness as davHarness } from "./webdav/harness.ts";

/** No file may have these, whoever lists them. */
const REFUSED = [
  "..",
  ".",
  "../../etc/passwd",
  "/etc/passwd",
  "nul\0.txt",
  "carriage\rreturn",
  "line\nfeed",
  "x\r\nDELE /data/ok",
  "bell\u0007",
  "c1\u0085",
  "x".repeat(256),
  "y".repeat(10_000),
];

/** These may be names of files somewhere: they come as they are, or not at all. */
const ODD = [
  "..\\..\\up",
  "C:\\windows",
  "a\\b",
  "%2e%2e",
  "%2E%2E%2Fup",
  "a%2Fb",
  "a%00b",
  "a%0d%0ab",
  "100%",
  "caf\u00e9",
  "cafe\u0301",
  "\uff0e\uff0e",
  "\u202egpj.exe",
  "CON",
  "nul.txt",
  "aux",
  "-rf",
  "--help",
  "|id",
  "$(id)",
  "`id`",
  "a;b",
  "a*",
  "q?",
  "[a]",
  '"quoted"',
  "dot.",
  "space ",
  "~",
  "#x",
  ".quorus-x.part",
];

const HONEST = "ok";
const ALL = [...REFUSED, ...ODD, HONEST];
const MOST_SHOWN = 300;

/** A server whose directory holds these names, as far as its protocol can say them. */
interface Listed {
  readonly harness: Harness;
  readonly uri: string;
  /** Names that this protocol cannot say as one. */
  readonly unsaid?: (name: string) => boolean;
}

const hasBreak = (name: string) => /[\r\n\0]/.test(name);

const SERVERS: Readonly<Record<string, () => Listed>> = {
  ftp: () => ({
    harness: ftpHarness({ lists: () => ALL.map((name) => `type=file;size=1; ${name}`) }),
    uri: "ftp://paper/data/",
    unsaid: hasBreak,
  }),
  sftp: () => {
    const harness = sftpHarness({});
    const file = { bytes: patterned(1), mtime: 1, mode: 0o100_644 };
    for (const name of ALL) harness.server.files.set(`/data/${name}`, file);
    return { harness, uri: "sftp://paper/data/", unsaid: (name) => name.includes("/") };
  },
  smb: () => {
    const harness = smbHarness({
      listing: () =>
        harness.share.commands.at(-1) === 'ls "\\data\\*"'
          ? ALL.map((name) => listedLine(name, 5, 5))
          : [listedLine("data", null, 5)],
    });
    // smbclient fills names up with spaces: those at the end of one cannot be seen.
    const unsaid = (name: string) => hasBreak(name) || name.endsWith(" ");
    return { harness, uri: "smb://paper/share/data/", unsaid };
  },
  dav: () => {
    const harness = davHarness();
    const found = (href: string) =>
      `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:resourcetype/></D:prop>` +
      "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>";
    const all = ALL.map((name) => found(`/data/${encodeURIComponent(name)}`)).join("");
    const text = `<D:multistatus xmlns:D="DAV:">${found("/data/")}${all}</D:multistatus>`;
    harness.server.intercept = () => ({ status: 207, body: new TextEncoder().encode(text) });
    return { harness, uri: "dav://paper/data/" };
  },
  s3: () => {
    const harness = s3Harness({});
    for (const name of ALL) harness.server.put(`data/${name}`, patterned(1));
    return { harness, uri: "s3://b/data/" };
  },
  azblob: () => {
    const harness = azureHarness();
    for (const name of ALL) harness.account.put(`box/data/${name}`, patterned(1));
    return { harness, uri: harness.directory!.uri("") };
  },
  gs: () => {
    const harness = gcsHarness();
    for (const name of ALL) harness.bucket.put(`data/${name}`, patterned(1));
    return { harness, uri: harness.directory!.uri("") };
  },
};

interface Found {
  readonly names: readonly string[];
  readonly refused: readonly string[];
}

async function listed(directory: Directory): Promise<Found> {
  const names: string[] = [];
  const refused: string[] = [];
  for await (const page of directory.list(NEVER)) {
    names.push(...page.entries.map(({ name }) => name));
    refused.push(...page.refused);
  }
  await directory.close();
  return { names, refused };
}

for (const [scheme, serve] of Object.entries(SERVERS)) {
  Deno.test(`${scheme}: hostile names are listed to the letter, or refused and shown harmlessly`, async () => {
    const { harness, uri, unsaid = () => false } = serve();
    const look = async () => {
      const endpoint = { ...plainEndpoint(uri), ...harness.directory!.endpoint };
      const { names, refused } = await listed(
        harness.protocol.directory!(endpoint, harness.context),
      );
      assert.ok(names.includes(HONEST), "what is honest is listed");
      assert.equal(new Set(names).size, names.length, "no two names have become one");
      // What is left of a name that a protocol cannot say, such as half of one with a line break.
      const parts = ALL.filter(unsaid).flatMap((name) => name.trimEnd().split(/[\r\n/]+/));
      const allowed = new Set([...ODD, HONEST, ...parts.filter((part) => !REFUSED.includes(part))]);
      for (const name of names) assert.ok(allowed.has(name), `altered: ${JSON.stringify(name)}`);
      const least = REFUSED.filter((name) => !unsaid(name) && !name.includes("/")).length;
      assert.ok(refused.length >= least, `${refused.length} of ${least} were told`);
      for (const shown of refused) {
        assert.ok(shown.length < MOST_SHOWN && !/[\p{Cc}\u2028\u2029\u202e]/u.test(shown), shown);
      }
    };
    await (harness.run === undefined ? look() : harness.run(look));
    await harness.close();
  });
}
